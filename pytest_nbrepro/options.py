"""Every option, once: its flag, ini key, environment variable, type, default and help."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pytest_nbrepro.errors import NbreproError, nearest

AUTO: Literal["auto"] = "auto"
Workers = int | Literal["auto"]
"""How many cases run at once: a whole number from 1 on, or as many as fit the machine."""


class Update(StrEnum):
    """Which baselines a session accepts at its end."""

    NONE = "none"
    NEW = "new"
    CHANGED = "changed"
    ALL = "all"


class KernelStart(StrEnum):
    """How kernels start."""

    FORK = "fork"  # from a process that has imported what they all need, where the system is Linux
    SPAWN = "spawn"


class Option(NamedTuple):  # a dataclass takes half a millisecond more to make, in every run of pytest
    """One option of the plugin.

    Its flag is ``--nbrepro-<name>`` (``--nbrepro`` for the empty name), its ini key ``nbrepro_<name>``, its
    environment variable ``NBREPRO_<NAME>``; the first one that is set wins, in that order.
    """

    name: str
    kind: type[
        bool | int | float | str | Path | StrEnum | tuple[str, ...]
    ]  # int: a number of workers, or `auto`
    default: Any
    help: str
    metavar: str | None = None

    @property
    def flag(self) -> str:
        """The command-line flag."""
        return f"--nbrepro-{self.name}" if self.name else "--nbrepro"

    @property
    def key(self) -> str:
        """The ini key, and the attribute of the parsed command line."""
        return f"nbrepro_{self.name}".rstrip("_").replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return self.key.upper()


OPTIONS: tuple[Option, ...] = (
    Option("", bool, default=False, help="run annotated notebooks and compare them with their baselines"),
    Option("all", bool, default=False, help="take notebooks without an annotation, too"),
    Option(
        "update",
        Update,
        default=Update.NONE,
        help="which baselines to accept at the end: none, new, changed or all (default: none)",
        metavar="WHICH",
    ),
    Option("update-in-ci", bool, default=False, help="let --nbrepro-update write where CI is set"),
    Option("once", bool, default=False, help="accept a first baseline on one run instead of two that agree"),
    Option(
        "why", bool, default=False, help="run failing cases again, to tell chance, code and environment apart"
    ),
    Option("baselines", Path, default="baselines", help="folder of the accepted values", metavar="DIR"),
    Option("dir", Path, default=".nbrepro", help="folder of runs and pending values", metavar="DIR"),
    Option(
        "tag",
        tuple,
        default=None,
        help="what is special about this machine, such as cuda (several: a,b; the last wins): overlays that apply",
        metavar="TAG",
    ),
    Option(
        "timeout",
        float,
        default=None,
        help="limit in seconds for the whole run of a notebook whose annotation sets none",
        metavar="S",
    ),
    Option(
        "report",
        Path,
        default=None,
        help="write a report for people into this folder: index.html, report.json, summary.md, metrics.txt",
        metavar="DIR",
    ),
    Option(
        "workers",
        int,
        default=1,
        help="how many notebooks run at once: a whole number, or auto for as many as the machine has room for (default: 1)",
        metavar="N",
    ),
    Option(
        "executor",
        str,
        default=None,
        help="run the notebooks through a concurrent.futures.Executor: what makes one (module:function), or dask",
        metavar="NAME",
    ),
    Option(
        "kernel-start",
        KernelStart,
        default=KernelStart.FORK,
        help="how kernels start: fork (on Linux, from a process that has imported what they need) or spawn (default: fork)",
        metavar="HOW",
    ),
)


class Settings(NamedTuple):
    """The options of a session, resolved."""

    enabled: bool
    all: bool
    update: Update
    update_in_ci: bool
    once: bool
    why: bool
    baselines: Path  # absolute
    dir: Path  # absolute
    tag: tuple[str, ...]
    timeout: float | None
    report: Path | None  # absolute
    workers: Workers
    executor: str | None
    kernel_start: KernelStart


def resolve(
    root: Path,
    flag: Callable[[Option], Any],
    ini: Callable[[Option], Any],
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Return the settings: flag, else ini key, else environment variable, else default.

    Args:
        root: the project's root; relative folders start there.
        flag: what the command line gave, None where it gave nothing.
        ini: what the ini file gave, None or "" where it gave nothing.
        environ: the environment.

    Raises:
        NbreproError: a value is not one of its option's; names where it was given.
    """
    values: dict[str, Any] = {}
    for option in OPTIONS:
        value, where = option.default, "default"
        for place, given in (
            (option.flag, flag(option)),
            (f"ini key {option.key}", ini(option)),
            (f"environment variable {option.variable}", environ.get(option.variable)),
        ):
            if given is not None and given != "":
                value, where = given, place
                break
        values[option.name or "enabled"] = _convert(option, value, where, root)
    return Settings(**{name.replace("-", "_"): value for name, value in values.items()})


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this runs in continuous integration: `CI` is set to anything but "", 0 or false."""
    return environ.get("CI", "").lower() not in {"", "0", "false"}


def _convert(option: Option, value: Any, where: str, root: Path) -> Any:
    if option.kind is tuple:
        return _tags(str(value or ""), where)
    if value is None:
        return None
    text = str(value)
    if option.kind is bool:
        return _boolean(text, where)
    if option.kind is str:
        return text
    if option.kind is Path:
        return (root / text).resolve()
    if option.kind is float:
        return _seconds(text, where)
    if issubclass(option.kind, StrEnum):
        return _word(option.kind, text, where)
    return _workers(text, where)


def _word(kind: type[StrEnum], text: str, where: str) -> StrEnum:
    try:
        return kind(text)
    except ValueError:
        known = [str(member) for member in kind]
        what = f"{text!r} is none of {', '.join(known)}"
        raise NbreproError(what, where=where, hint=nearest(text, known)) from None


def is_tag(text: str) -> bool:
    """Tell whether a text may name an overlay: letters, digits, ``-``, ``_`` and ``.``, the first a letter or digit."""
    return _TAG.fullmatch(text) is not None


_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def _tags(text: str, where: str) -> tuple[str, ...]:
    tags = [tag.strip() for tag in text.split(",") if tag.strip()]
    for tag in tags:
        if not is_tag(tag):
            raise NbreproError(
                f"{tag!r} is no tag",
                where=where,
                hint="a tag has letters, digits, '-', '_' and '.', and begins with a letter or digit",
            )
    return tuple(dict.fromkeys(tags))


def _boolean(text: str, where: str) -> bool:
    lowered = text.lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off"}:
        return False
    raise NbreproError(f"{text!r} is neither true nor false", where=where)


def _workers(text: str, where: str) -> Workers:
    if text == AUTO:
        return AUTO
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise NbreproError(f"{text!r} is neither a whole number from 1 on nor {AUTO!r}", where=where)


def _seconds(text: str, where: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise NbreproError(f"{text!r} is not a number of seconds above 0", where=where)
    return seconds
