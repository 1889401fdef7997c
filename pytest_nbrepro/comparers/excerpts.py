"""What people look at of two tables that differ: the rows that are bad, and their neighbours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_nbrepro.comparers import frames
from pytest_nbrepro.comparers.rows import Rows
from pytest_nbrepro.comparers.tables import TableComparer, bad_rows, cell, paired
from pytest_nbrepro.model import ArtifactRule

ROWS = 12  # bad rows that are shown, the worst
COLUMNS = 40  # columns that are shown, those with bad values first
_BESIDE = 1  # rows that are shown before and after a bad one


@dataclass(frozen=True)
class Cell:
    """One value on both sides."""

    baseline: str
    result: str
    bad: bool


@dataclass(frozen=True)
class Row:
    """One pair of rows."""

    name: str
    bad: bool
    after_gap: bool  # rows between it and the one before are left out
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Excerpt:
    """Rows of two tables."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    bad: int  # rows with a bad value, shown or not
    total: int  # pairs of rows
    hidden: int  # columns that are not shown


def excerpt(
    baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any], failing: Sequence[str]
) -> Excerpt | None:
    """Return the bad rows of two tables and their neighbours; None where rows cannot be paired or none is bad.

    Args:
        baseline: the accepted table.
        result: the run's.
        rule: limits and modes.
        schema: what was said of the baseline when it was accepted.
        failing: the columns in which a comparison found bad values, the worst first.

    Raises:
        NbreproError: one of them cannot be read.
    """
    if frames.format_of(baseline) != frames.format_of(result):
        return None
    old, new = TableComparer().read(baseline, result, rule, schema)
    pairs = paired(old, new, rule)
    looked_at = [name for name in failing if name in pairs.columns]
    if pairs.rows is None or not looked_at:
        return None
    bad = {name: bad_rows(name, old, new, rule, pairs.rows) for name in looked_at}
    used: dict[int, float] = {}
    for found in bad.values():
        used |= {row: max(value, used.get(row, 0.0)) for row, value in found.items()}
    if not used:
        return None
    columns = _columns(pairs.columns, rule.key, looked_at)
    sides = {name: pairs.rows.of(old.frame[name], new.frame[name]) for name in columns}
    total = next(iter(sides.values()))[0].len()
    shown = _with_neighbours(sorted(used, key=lambda row: (-used[row], row))[:ROWS], total)
    rows = [
        Row(
            _name(pairs.rows, index),
            index in used,
            number > 0 and index != shown[number - 1] + 1,
            tuple(
                Cell(cell(one, index), cell(other, index), index in bad.get(name, ()))
                for name, (one, other) in sides.items()
            ),
        )
        for number, index in enumerate(shown)
    ]
    return Excerpt(tuple(columns), tuple(rows), len(used), total, len(pairs.columns) - len(columns))


def _columns(every: Sequence[str], key: Sequence[str], failing: Sequence[str]) -> list[str]:
    """Return the columns that are shown, in the order of the table."""
    wanted = set(list(dict.fromkeys([*key, *failing, *every]))[:COLUMNS])
    return [name for name in every if name in wanted]


def _with_neighbours(rows: Collection[int], total: int) -> list[int]:
    near = {row + step for row in rows for step in range(-_BESIDE, _BESIDE + 1)}
    return sorted(row for row in near if 0 <= row < total)


def _name(rows: Rows, index: int) -> str:
    return rows.name(index).removeprefix("row ")
