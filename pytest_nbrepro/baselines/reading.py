"""Reading baselines, and finding them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_nbrepro import capture, files
from pytest_nbrepro.errors import BaselineError
from pytest_nbrepro.model import FEWEST_RUNS, Anchor, Baseline, Metric, Number
from pytest_nbrepro.options import is_tag
from pytest_nbrepro.store import TREES, artifact_from, check_schema

SCHEMA = 1
MANIFEST = "artifacts.json"
METRICS = "metrics.json"
NOTEBOOK = "notebook.ipynb"
ENVIRONMENT = "environment.json"
OVERLAY = "overlay"  # the folder of overlays in that of a baseline, each in a folder of its tag
PARTS = (METRICS, NOTEBOOK, ENVIRONMENT, *TREES, MANIFEST)  # the manifest last
OWN = (*PARTS[:-1], OVERLAY, MANIFEST)
ANCHORS = "anchors"  # in an environment record
MARK = ".accepting"  # stands in a folder while its files are being replaced
TEMPORARY = ".tmp-"  # what the names of unfinished folders begin with
_MAPPINGS = ("flags", "inputs", "distributions", ANCHORS)  # of an environment record
_LFS = b"version https://git-lfs.github.com/spec/v1"
_HINT = "restore it from version control, or delete the folder and accept the case again"


def read(folder: Path) -> Baseline | None:
    """Read the baseline in `folder`; None where there is none.

    Raises:
        BaselineError: it is half-written, cannot be read, is not downloaded, or a newer version wrote it.
    """
    names = _names(folder)
    if names.isdisjoint(PARTS):
        return None
    if MARK in names or not {MANIFEST, METRICS} <= names:
        raise BaselineError("this baseline is half-written", where=str(folder), hint=_HINT)
    manifest, metrics = _load(folder / MANIFEST), _load(folder / METRICS)
    environment = _load(folder / ENVIRONMENT) if ENVIRONMENT in names else {}
    try:
        _check_environment(environment)
        return Baseline(
            folder=folder,
            metrics={name: _metric(value) for name, value in metrics["metrics"].items()},
            artifacts={name: artifact_from(name, value) for name, value in manifest["artifacts"].items()},
            notebook=folder / NOTEBOOK if NOTEBOOK in names else None,
            environment=environment,
            once=manifest.get("once", False) is True,
            fixture=manifest.get("fixture", False) is True,
            anchors={name: _anchor(value) for name, value in environment.get(ANCHORS, {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise _unreadable(folder, what) from error


def _names(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208 - names are all that is asked for
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise _unreadable(folder, error.strerror or error) from error


def _load(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        if data.startswith(_LFS):
            raise BaselineError("this baseline is not downloaded", where=str(path), hint="git lfs pull")
        record: dict[str, Any] = json.loads(data)
        check_schema(record, SCHEMA)
    except OSError as error:
        raise _unreadable(path, error.strerror or error) from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    return record


def _unreadable(path: Path, why: object) -> BaselineError:
    return BaselineError(f"this baseline cannot be read: {why}", where=str(path), hint=_HINT)


def _check_environment(record: Mapping[str, Any]) -> None:
    """Raise ValueError unless what the diagnosis relies on is there or absent as a whole."""
    for key in _MAPPINGS:
        if not isinstance(record.get(key, {}), dict):
            raise ValueError(f"{key!r} in {ENVIRONMENT} is no mapping")  # noqa: TRY004 - one kind for all faults
    files.from_json(list(record.get("flags", {}).values()))


def _metric(record: Any) -> Metric:
    """Return the metric whose value stands alone, or beside its dtype, the steps of its series, its runs."""
    tagged = isinstance(record, dict)
    if not tagged:
        return Metric(_number(record), capture.dtype_of(record))
    steps = tuple((_step(step), _number(value)) for step, value in record.get("steps", ()))
    samples = tuple(_number(value) for value in record.get("runs", ()))
    if 0 < len(samples) < FEWEST_RUNS:
        raise ValueError(f"a metric has {len(samples)} runs, a statistical baseline at least {FEWEST_RUNS}")
    return Metric(_number(record["value"]), str(record["dtype"]), steps=steps, samples=samples)


def _number(record: Any) -> Number:
    value = files.from_json(record)
    if not isinstance(value, (bool, int, float)):
        raise ValueError(f"{record!r} is not a number")  # noqa: TRY004 - one kind for all faults
    return value


def _step(record: Any) -> int | None:
    if record is not None and type(record) is not int:
        raise ValueError(f"{record!r} is not a step")
    return record


def _anchor(record: Any) -> Anchor:
    count = record["acceptances"]
    if type(count) is not int or count < 1:
        raise ValueError(f"{count!r} is no number of acceptances")
    return Anchor(_number(record["value"]), count)


def fingerprint(folder: Path, tags: Sequence[str] = ()) -> str | None:
    """Return a hash of the accepted values in `folder`, texts included; None where there is no baseline.

    Args:
        folder: of the baseline.
        tags: whose overlays count, too.
    """
    if not all((folder / name).exists() for name in (METRICS, MANIFEST)):
        return None
    hashes, overlays = _hashes(folder), overlay_folders(folder) if tags else {}
    for tag in tags:
        hashes += [tag, *_hashes(overlays[tag])] if tag in overlays else []
    return files.sha256_text("".join(hashes))


def _hashes(folder: Path) -> list[str]:
    paths = [folder / name for name in (METRICS, MANIFEST, NOTEBOOK)]
    return [files.sha256(path) for path in paths if path.exists()]


def folders(root: Path, scope: Sequence[str] = ("",)) -> Iterator[str]:
    """Yield the folders below `root` that hold a baseline, as sorted POSIX paths.

    Args:
        root: the folder of baselines.
        scope: POSIX prefixes (folders, or notebooks without their suffix); "" stands for all.
    """
    for path in sorted(holding(root, MANIFEST)):
        folder = path.relative_to(root).as_posix()
        if any(prefix in {"", "."} or f"{folder}/".startswith(f"{prefix}/") for prefix in scope):
            yield folder


def holding(root: Path, name: str) -> Iterator[Path]:
    """Yield the folders below `root` that hold a file of ours called `name`.

    What runs wrote, and what a crash left behind, may hold files of the same name: that is not looked at.
    """
    records = {name, METRICS, NOTEBOOK, ENVIRONMENT, MANIFEST}
    for folder, below, names in os.walk(root):
        own = not records.isdisjoint(names)
        inside = {*TREES, OVERLAY} if own else set()
        below[:] = [n for n in below if not n.startswith(TEMPORARY) and n not in inside]
        if name in names:
            yield Path(folder)


def made_by_fixture(folder: Path) -> bool:
    """Tell whether a test function, not a collected notebook, made the baseline in `folder`.

    Raises:
        BaselineError: it cannot be read.
    """
    return _load(folder / MANIFEST).get("fixture", False) is True


def own_files(folder: Path) -> list[str]:
    """Return the files of a baseline without its overlays, relative to its folder, the manifest last.

    Links among the artifacts are none of ours: they might bring in what nobody meant to keep.
    """
    found: list[str] = []
    for name in PARTS:
        path = folder / name
        if name in TREES:
            inside = [] if path.is_symlink() else path.rglob("*")
            own = [p for p in inside if p.is_file() and not p.is_symlink()]
            found += sorted(p.relative_to(folder).as_posix() for p in own)
        elif path.is_file():
            found.append(name)
    return found


def overlay_folders(folder: Path) -> dict[str, Path]:
    """Return the folders of a baseline's overlays by their tags, sorted; links to folders are none of ours.

    Raises:
        BaselineError: what holds them is a link itself: what is written there would go elsewhere.
    """
    root = folder / OVERLAY
    if root.is_symlink():
        raise BaselineError("the folder of overlays is a link", where=str(root), hint="put a folder there")
    if not root.is_dir():
        return {}
    found = {path.name: path for path in sorted(root.iterdir()) if path.is_dir() and not path.is_symlink()}
    return {tag: path for tag, path in found.items() if is_tag(tag)}
