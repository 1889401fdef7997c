"""Compressed files and archives, member by member, each by its own kind."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.comparers.base import (
    Comparer,
    Outcome,
    alone,
    combined,
    ignored,
    judge,
    limits_for,
    part,
    reading,
)
from pytest_nbrepro.comparers.unpacking import CAP, SINGLE, Member, format_of, unpack
from pytest_nbrepro.errors import ExtraError, UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check

_DEPTH = 3  # archives within archives that are opened; deeper ones are compared by their bytes
_OFFICE_TIMES = re.compile(rb"<dcterms:(created|modified)\b[^>]*>[^<]*</dcterms:\1>")
_OFFICE_CORE = "docProps/core.xml"


class ArchiveComparer:
    """Compares gz, bz2, xz, zip, tar and xlsx files by their members.

    The set of members is part of the contract; their order, dates, owners and modes are not, nor is the
    compression. Members are unpacked into a temporary folder, never under their own paths.

    Args:
        kind_of: returns the kind of a file by its name.
        comparer: returns the comparer of a kind.
        cap: bytes that one archive may unpack to.
        depth: how many levels of archives within archives are opened.
    """

    kind = "archive"

    def __init__(
        self,
        kind_of: Callable[[str], str],
        comparer: Callable[[str], Comparer],
        cap: int = CAP,
        depth: int = _DEPTH,
    ) -> None:
        self._kind_of = kind_of
        self._comparer = comparer
        self._cap = cap
        self._depth = depth

    def schema(self, path: Path) -> dict[str, Any]:
        """Return the members with their kinds and schemas.

        Raises:
            UndecodableError: it is no such archive.
            IncomparableError: it cannot be unpacked safely.
        """
        with tempfile.TemporaryDirectory(prefix="nbrepro-") as folder:
            members = unpack(path, Path(folder), self._cap)
            described = {name: self._described(member) for name, member in members.items()}
        return {"format": format_of(path), "members": described}

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
        """Compare two archives; members are judged by the schemas that the baseline's has for them."""
        if format_of(baseline) != format_of(result):
            return Outcome.structure(f"format {format_of(baseline)} -> {format_of(result)}")
        with (
            tempfile.TemporaryDirectory(prefix="nbrepro-") as left,
            tempfile.TemporaryDirectory(prefix="nbrepro-") as right,
        ):
            with reading("baseline"):
                old = unpack(baseline, Path(left), self._cap)
            with reading("result"):
                new = unpack(result, Path(right), self._cap)
            known = schema.get("members", {})
            if format_of(baseline) in SINGLE:
                new = dict(zip(old, new.values(), strict=True))
            names = [name for name in dict.fromkeys([*old, *new]) if not ignored(name, rule)]
            parts = [self._member(name, old.get(name), new.get(name), rule, known) for name in names]
        if parts and format_of(baseline) in SINGLE:
            return _unwrapped(parts[0])
        return combined(parts, place="{name}: {where}")

    def _described(self, member: Member) -> dict[str, Any]:
        if member.path is None:
            return {"link": member.link}
        kind, comparer = self._for(member.name)
        try:
            return {"kind": kind, "schema": comparer.schema(member.path)}
        except (UndecodableError, ExtraError) as error:
            return {"kind": kind, "schema": {"undecodable": error.what}}

    def _for(self, name: str) -> tuple[str, Comparer]:
        kind = self._kind_of(name)
        if kind != self.kind:
            return kind, self._comparer(kind)
        if self._depth > 1:
            return kind, ArchiveComparer(self._kind_of, self._comparer, self._cap, self._depth - 1)
        return "opaque", self._comparer("opaque")

    def _member(
        self,
        name: str,
        old: Member | None,
        new: Member | None,
        rule: ArtifactRule,
        known: Mapping[str, Any],
    ) -> Check:
        if old is None or new is None:
            return alone("member", name, lost=new is None)
        kind, comparer = self._for(name)
        if old.path is None or new.path is None:
            return part("link", name, _links(old, new))
        if _same(name, old.path, new.path):
            return part(kind, name, Outcome.equal(1))
        schema = known.get(name, {}).get("schema", {})
        if "undecodable" in schema:
            return part(kind, name, Outcome.error(f"the baseline is not readable: {schema['undecodable']}"))
        own = replace(rule, limits=limits_for(name, rule))
        return part(kind, name, judge(comparer, old.path, new.path, own, schema))


def _links(old: Member, new: Member) -> Outcome:
    if old.path is not None or new.path is not None:
        return Outcome.structure("a link on one side only")
    return Outcome.equal(1) if old.link == new.link else Outcome.structure(f"link {old.link} -> {new.link}")


def _same(name: str, old: Path, new: Path) -> bool:
    """Tell whether two members hold the same bytes, but for the times that a workbook notes of itself."""
    if files.sha256(old) == files.sha256(new):
        return True
    if name != _OFFICE_CORE:
        return False
    return _OFFICE_TIMES.sub(b"", old.read_bytes()) == _OFFICE_TIMES.sub(b"", new.read_bytes())


def _unwrapped(check: Check) -> Outcome:
    """Return the outcome of the one member of a compressed file as that of the file."""
    return Outcome(
        check.status,
        check.used,
        check.limit,
        check.message,
        check.n,
        check.bad,
        check.worst,
        check.parts,
        check.allow,
    )
