"""What every comparer is, what it answers, and how parts are put together."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from pytest_nbrepro.errors import NbreproError, UndecodableError
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Limits, Place

Side = Literal["baseline", "result"]

_SEVERITY = (
    CheckStatus.ERROR,
    CheckStatus.STRUCTURE,
    CheckStatus.LOST,
    CheckStatus.NEW,
    CheckStatus.DRIFT,
    CheckStatus.DIFFERS,
    CheckStatus.UNPROVEN,
    CheckStatus.WITHIN,
    CheckStatus.EQUAL,
    CheckStatus.ASIDE,  # where something else is compared, that decides
)
_OFFERED = 4  # columns for which limits are suggested at once
_SHOWN = 60  # characters of a value that a report shows


class IncomparableError(NbreproError):
    """Two readable files that cannot be compared safely or without ambiguity: the check is an error."""


@dataclass(frozen=True)
class Outcome:
    """What a comparison came to: the fields of `model.Check` but for kind, name and cell.

    `used` is None where there is no such number. `allow` is the part of the annotation that would let the
    comparison pass, for example ``{rel: 1.4e-2}``, without the artifact's name.
    """

    status: CheckStatus
    used: float | None = None
    limit: str = "exact"
    message: str = ""
    n: int = 0
    bad: int = 0
    worst: Place | None = None
    parts: tuple[Check, ...] = ()
    allow: str | None = None

    @classmethod
    def equal(cls, n: int = 0, *, limit: str = "exact", parts: tuple[Check, ...] = ()) -> Self:
        """Return the outcome for `n` values that are all equal under the rules."""
        return cls(CheckStatus.EQUAL, used=0.0, limit=limit, n=n, parts=parts)

    @classmethod
    def judged(
        cls,
        used: float,
        *,
        limit: str = "exact",
        message: str = "",
        n: int = 0,
        bad: int = 0,
        worst: Place | None = None,
        parts: tuple[Check, ...] = (),
        allow: str | None = None,
    ) -> Self:
        """Return the outcome that `used` and `bad` say: EQUAL at 0, WITHIN up to 1, else DRIFT.

        Anything that is not clearly within its limit, NaN included, is DRIFT.
        """
        if used <= 1 and not bad:
            status = CheckStatus.EQUAL if used == 0 else CheckStatus.WITHIN
        else:
            status = CheckStatus.DRIFT
        return cls(status, used, limit, message, n, bad, worst, parts, allow)

    @classmethod
    def structure(
        cls,
        message: str,
        *,
        n: int = 0,
        bad: int = 1,
        worst: Place | None = None,
        parts: tuple[Check, ...] = (),
    ) -> Self:
        """Return the outcome for another dtype, shape or set of columns."""
        return cls(CheckStatus.STRUCTURE, message=message, n=n, bad=bad, worst=worst, parts=parts)

    @classmethod
    def differs(cls, message: str) -> Self:
        """Return the outcome for two sides that differ when nothing can say how much."""
        return cls(CheckStatus.DIFFERS, message=message, n=1, bad=1)

    @classmethod
    def error(cls, message: str) -> Self:
        """Return the outcome for a comparison that could not be made."""
        return cls(CheckStatus.ERROR, message=message)


class Comparer(Protocol):
    """Decodes and compares the files of one kind.

    Comparers of other packages (entry-point group ``pytest_nbrepro.comparers``, one class or instance each,
    named by its kind) may also have `patterns`, a tuple of file-name patterns such as ``("*.h5",)``: they
    get files that no built-in comparer knows.
    """

    kind: str

    def schema(self, path: Path) -> dict[str, Any]:
        """Return what of a file is part of the contract, as JSON: columns and dtypes, members, size.

        Raises:
            UndecodableError: the file is not what its name says.
        """
        ...

    def compare(self, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]) -> Outcome:
        """Compare two files whose bytes differ.

        Args:
            baseline: the accepted file, the only scale of the limits.
            result: the run's file.
            rule: limits and modes.
            schema: what `schema` said of the baseline when it was accepted.

        Raises:
            UndecodableError: a file is not what its name says; raised inside `reading`, so that it is
                known which.
            IncomparableError: both can be read but not compared.
        """
        ...


@contextlib.contextmanager
def reading(side: Side) -> Iterator[None]:
    """Mark the UndecodableError raised in this block as one of the baseline's or the result's file."""
    try:
        yield
    except UndecodableError as error:
        raise UndecodableError(error.what, where=side, hint=error.hint) from error


def judge(
    comparer: Comparer, baseline: Path, result: Path, rule: ArtifactRule, schema: Mapping[str, Any]
) -> Outcome:
    """Compare two files whatever happens: what cannot be compared is an error, never a pass.

    An unreadable result is a drift of structure, an unreadable baseline an error.
    """
    try:
        outcome = comparer.compare(baseline, result, rule, schema)
    except UndecodableError as error:
        if _guilty(comparer, baseline, error) == "result":
            return Outcome.structure(f"the result is not readable: {error.what}")
        return Outcome.error(f"the baseline is not readable: {error.what}")
    except BaseException as error:  # noqa: BLE001 - `told` raises again what ends the program
        return Outcome.error(told(error))
    return _consistent(outcome)


def _consistent(outcome: Outcome) -> Outcome:
    """Return the outcome, or an error where its status contradicts its numbers."""
    passes = outcome.status in {CheckStatus.EQUAL, CheckStatus.WITHIN}
    if passes and (outcome.bad or not (outcome.used or 0.0) <= 1):
        return Outcome.error(f"the comparer says {outcome.status} with {outcome.bad} values out of limit")
    return outcome


def _guilty(comparer: Comparer, baseline: Path, error: UndecodableError) -> Side:
    """Tell whose file could not be decoded; a comparer that does not say is asked for the schema again."""
    if error.where in {"baseline", "result"}:
        return "result" if error.where == "result" else "baseline"
    try:
        comparer.schema(baseline)
    except UndecodableError:
        return "baseline"
    return "result"


def told(error: BaseException) -> str:
    """Return in one line what kept a comparison from being made.

    Decoders written in Rust raise panics that are no Exception, hence BaseException; what ends the program
    is raised again.
    """
    if isinstance(error, NbreproError):
        return error.what
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
        raise error
    text = " ".join(str(error).split())
    return shortened(f"the comparison crashed: {type(error).__name__}: {text}", 200)


# ---------------------------------------------------------------------------------------------------
# Parts


def part(kind: str, name: str, outcome: Outcome) -> Check:
    """Return an outcome as a part of a larger check."""
    return Check(
        kind=kind,
        name=name,
        status=outcome.status,
        used=outcome.used,
        limit=outcome.limit,
        message=outcome.message,
        n=outcome.n,
        bad=outcome.bad,
        worst=outcome.worst,
        parts=outcome.parts,
        allow=outcome.allow,
    )


def alone(kind: str, name: str, *, lost: bool) -> Check:
    """Return the check of a part that one side alone has."""
    status = CheckStatus.LOST if lost else CheckStatus.NEW
    return Check(kind, name, status, message=f"{kind} {status}", n=1, bad=1)


def combined(parts: Sequence[Check], *, place: str = "{where}, {name}", hidden: int = 0) -> Outcome:
    """Return the outcome of a whole: the worst of its parts decides, failing parts come first.

    A part that is lost or new makes the whole a drift of structure.

    Args:
        parts: columns, members, paths.
        place: how the worst place is worded, from the part's own place and its name.
        hidden: how many more parts fail than are given.
    """
    ordered = tuple(sorted(parts, key=rank))
    n, bad = sum(p.n for p in parts), sum(p.bad for p in parts)
    if not ordered:
        return Outcome.equal()
    worst = ordered[0]
    failing = [p for p in ordered if not p.status.ok]
    status = worst.status
    if status in {CheckStatus.LOST, CheckStatus.NEW}:
        status = CheckStatus.STRUCTURE
    spot = worst.worst
    if spot is not None:
        where = place.format(where=spot.where, name=worst.name) if spot.where else worst.name
        spot = Place(where, spot.baseline, spot.result)
    message = _summary(failing, hidden)
    return Outcome(status, _most_used(parts), worst.limit, message, n, bad, spot, ordered)


def allow_columns(parts: Sequence[Check]) -> str | None:
    """Return the limits of columns or members that would let a whole pass, where each failing one has some."""
    failing = [check for check in parts if not check.status.ok]
    if not 0 < len(failing) <= _OFFERED or not all(check.allow for check in failing):
        return None
    return "{columns: {" + ", ".join(f"{key(check.name)}: {check.allow}" for check in failing) + "}}"


def rank(check: Check) -> tuple[int, float]:
    """Return the key by which checks are sorted, the worst first."""
    return _SEVERITY.index(check.status), -(check.used or 0.0)


def _most_used(parts: Sequence[Check]) -> float | None:
    known = [p.used for p in parts if p.used is not None]
    return max(known, default=None)


def _summary(failing: Sequence[Check], hidden: int) -> str:
    """Return one line for the failing parts, the worst first."""
    told = [f"{p.name}: {p.message}" if p.message else f"{p.name}: {p.status}" for p in failing[:3]]
    more = len(failing) - len(told) + hidden
    return "; ".join(told) + (f"; {more:,} more" if more else "")


# ---------------------------------------------------------------------------------------------------
# Rules by name


def pattern_for(name: str, rule: ArtifactRule) -> str | None:
    """Return the pattern of a rule's columns that holds for a column or member: its very name, else the last match."""
    matching = [pattern for pattern in rule.columns if fnmatchcase(name, pattern)]
    return name if name in rule.columns else matching[-1] if matching else None


def limits_for(name: str, rule: ArtifactRule) -> Limits:
    """Return the limits of a column or member; what its pattern leaves open is taken from the rule."""
    pattern = pattern_for(name, rule)
    return rule.limits if pattern is None else merged(rule.columns[pattern], rule.limits)


def merged(limits: Limits, below: Limits) -> Limits:
    """Return `limits`, with what it leaves open taken from `below`."""
    return Limits(
        rel=below.rel if limits.rel is None else limits.rel,
        abs=below.abs if limits.abs is None else limits.abs,
        ulp=below.ulp if limits.ulp is None else limits.ulp,
    )


def ignored(name: str, rule: ArtifactRule) -> bool:
    """Tell whether a column or member is left out of the comparison."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in rule.ignore_columns)


# ---------------------------------------------------------------------------------------------------
# Words


def shown(value: object) -> str:
    """Return a value as a report shows it: Python's notation, cut where it is long."""
    if isinstance(value, str) and len(value) > _SHOWN:
        value = value[:_SHOWN] + "…"
    try:
        return shortened(repr(value), _SHOWN + 8)
    except ValueError:  # an integer with more digits than Python prints
        return f"<{type(value).__name__}>"


def shortened(text: str, length: int = _SHOWN) -> str:
    """Return a text of at most `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def key(name: str) -> str:
    """Return a name as a key of a YAML mapping, quoted where it has to be."""
    plain = re.fullmatch(r"[A-Za-z_][\w./=-]*", name) and name not in {"true", "false", "null"}
    return name if plain else json.dumps(name, ensure_ascii=False)


def counted(number: int, word: str, plural: str | None = None) -> str:
    """Return ``1 row`` or ``1,000 rows``."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"
