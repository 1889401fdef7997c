"""Which rows of two tables belong together: by position, by key, or as a multiset."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from pytest_nbrepro.comparers.base import IncomparableError, Outcome, counted, part, shown
from pytest_nbrepro.model import ArtifactRule, Check

_TOLD = 3  # rows that are named in a message
_SIDE, _INDEX, _BASELINE, _RESULT = "\0side", "\0index", "\0baseline", "\0result"  # no column is called so


@dataclass(frozen=True)
class Rows:
    """Pairs of rows; without indexes, those of the same position."""

    baseline: pl.Series | None = None
    result: pl.Series | None = None
    keys: pl.DataFrame | None = None  # the key of each pair, where rows are joined

    def of(self, baseline: pl.Series, result: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return two columns in which pairs have the same position."""
        if self.baseline is None or self.result is None:
            return baseline, result
        return baseline.gather(self.baseline), result.gather(self.result)

    def name(self, index: int) -> str:
        """Return what people call a pair: the baseline's row, counted from 0, or its key."""
        if self.keys is not None:
            return f"row {_named(self.keys, index)}"
        return f"row {index if self.baseline is None else self.baseline[index]}"


def pair(
    old: pl.DataFrame,
    new: pl.DataFrame,
    rule: ArtifactRule,
    common: Sequence[str],
    uneven: Collection[str],
) -> tuple[Rows | None, list[Check]]:
    """Pair the rows of two tables.

    Args:
        old: the baseline.
        new: the result.
        rule: its `key` joins, its `order` may make rows a multiset.
        common: the columns that both have with the same dtype.
        uneven: the columns that only one has, or that differ in dtype.

    Returns:
        The pairs, None where rows cannot be paired; and what is wrong with rows that have no partner.

    Raises:
        IncomparableError: the baseline lacks a column of the key, or a key occurs twice.
    """
    if rule.key:
        missing = [name for name in rule.key if name not in old.columns]
        if missing:
            raise IncomparableError(f"the key {', '.join(missing)} is no column of the baseline")
        return (None, []) if any(name in uneven for name in rule.key) else _join(old, new, list(rule.key))
    if old.height != new.height:
        return None, [_finding(f"{old.height:,} -> {new.height:,}")]
    if rule.order != "any":
        return Rows(), []
    return (None, []) if uneven else (Rows(_sorted(old, common), _sorted(new, common)), [])


def _finding(message: str) -> Check:
    return part("column", "rows", Outcome.structure(message))


def _sorted(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Return the row numbers in the order of all columns, floats last: their noise must not part equal rows."""
    usable = [name for name in columns if not frame.schema[name].is_nested()]
    names = sorted(usable, key=lambda name: frame.schema[name].is_float())
    if not names:
        return pl.Series(range(frame.height), dtype=pl.UInt32)
    return frame.select(_comparable(frame, names)).select(pl.arg_sort_by(names)).to_series()


def _comparable(frame: pl.DataFrame, names: Sequence[str]) -> list[pl.Expr]:
    """Return columns whose order and equality are the same in both files: of categories the text, not the code."""
    text = (pl.Categorical, pl.Enum)
    return [
        pl.col(name).cast(pl.String) if isinstance(frame.schema[name], text) else pl.col(name)
        for name in names
    ]


def _join(old: pl.DataFrame, new: pl.DataFrame, key: list[str]) -> tuple[Rows, list[Check]]:
    sides = [frame.select(_comparable(frame, key)) for frame in (old, new)]
    for side, frame in zip(("baseline", "result"), sides, strict=True):
        twice = frame.filter(frame.is_duplicated())
        if twice.height:
            raise IncomparableError(f"the key is not unique in the {side}: {_named(twice, 0)}")
    stacked = pl.concat(
        frame.with_columns(pl.lit(i).alias(_SIDE), pl.int_range(pl.len(), dtype=pl.UInt32).alias(_INDEX))
        for i, frame in enumerate(sides)
    )
    both = stacked.group_by(key, maintain_order=True).agg(
        pl.col(_INDEX).filter(pl.col(_SIDE) == 0).first().alias(_BASELINE),
        pl.col(_INDEX).filter(pl.col(_SIDE) == 1).first().alias(_RESULT),
    )
    found = []
    for word, column in (("lost", _RESULT), ("new", _BASELINE)):
        alone = both.filter(pl.col(column).is_null())
        if alone.height:
            names = [_named(alone.select(key), i) for i in range(min(alone.height, _TOLD))]
            more = ", …" if alone.height > _TOLD else ""
            found.append(_finding(f"{counted(alone.height, 'row')} {word}: {', '.join(names)}{more}"))
    paired = both.drop_nulls([_BASELINE, _RESULT])
    return Rows(paired[_BASELINE], paired[_RESULT], paired.select(key)), found


def _named(keys: pl.DataFrame, index: int) -> str:
    return ", ".join(f"{name}={shown(value)}" for name, value in keys.row(index, named=True).items())
