"""What of all this a person reads, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mutation import outcomes
from mutation.alarms import Row
from mutation.outcomes import Outcome, tally
from mutation.planting import OPERATORS

_COLUMNS = (
    outcomes.CRASHED,
    outcomes.EQUIVALENT,
    outcomes.FALSE,
    outcomes.HIDDEN,
    outcomes.KILLED,
    outcomes.SURVIVED,
)
_LONGEST = 76


def totals(stages: Mapping[str, Sequence[Outcome]]) -> Iterator[str]:
    """Yield the table of the stages."""
    yield from _head("checks", "planted", *_COLUMNS, "killed of changed", "… hidden ones included")
    for name, found in stages.items():
        counts = tally(found)
        killed, changed = counts[outcomes.KILLED], counts[outcomes.KILLED] + counts[outcomes.SURVIVED]
        shares = [_share(killed, changed), _share(killed, changed + counts[outcomes.HIDDEN])]
        yield _row(name, len(found), *(counts[column] for column in _COLUMNS), *shares)


def grouped(title: str, found: Sequence[Outcome], key: Callable[[Outcome], str]) -> Iterator[str]:
    """Yield a table with a row for each group of mutants."""
    yield from _head(title, "planted", *_COLUMNS)
    for name in sorted({key(outcome) for outcome in found}):
        group = [outcome for outcome in found if key(outcome) == name]
        counts = tally(group)
        yield _row(name, len(group), *(counts[column] or "" for column in _COLUMNS))


def by_operator(found: Sequence[Outcome]) -> Iterator[str]:
    """Yield the table of operators, with what each does."""
    words = {operator.name: f"{operator.name}: {operator.what}" for operator in OPERATORS}
    return grouped("operator", found, lambda outcome: words[outcome.mutant.operator])


def by_notebook(found: Sequence[Outcome]) -> Iterator[str]:
    """Yield the table of notebooks."""
    return grouped("notebook", found, lambda outcome: outcome.mutant.notebook)


def alive(found: Sequence[Outcome]) -> Iterator[str]:
    """Yield the table of mutants that changed something and were not killed."""
    yield from _head("notebook", "operator", "fault", "why it lives")
    for outcome in found:
        if outcome.status in {outcomes.SURVIVED, outcomes.HIDDEN}:
            mutant = outcome.mutant
            yield _row(mutant.notebook, mutant.operator, _fault(outcome), _reason(outcome))


def _fault(outcome: Outcome) -> str:
    mutant = outcome.mutant
    text = f"{mutant.before} → {mutant.after}" if mutant.before else f"+ {mutant.after}"
    before, after = mutant.before.splitlines(), mutant.after.splitlines()
    if len(before) == len(after) == 1:
        start, old, new = _difference(before[0], after[0])
        text = f"…{start}{old} → {new}"
    return f"`{_short(text)}`"


def _difference(before: str, after: str) -> tuple[str, str, str]:
    """Return some of what two lines begin with, and the rest of each without what both end with."""
    most = min(len(before), len(after))
    first = next((i for i in range(most) if before[i] != after[i]), most)
    rest = most - first
    last = next((i for i in range(rest) if before[-1 - i] != after[-1 - i]), rest)
    return (
        before[max(0, first - 24) : first],
        before[first : len(before) - last],
        after[first : len(after) - last],
    )


def _reason(outcome: Outcome) -> str:
    names = ", ".join(outcome.changed[:3]) + (" …" if len(outcome.changed) > 3 else "")
    if outcome.status == outcomes.HIDDEN:
        return f"digits not printed: {names}"
    if not outcome.passed:
        return f"nothing compares {names}"
    return "; ".join(outcome.passed[:2]) + (
        f" and {len(outcome.passed) - 2} more" if len(outcome.passed) > 2 else ""
    )


def alarms(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the table of unchanged runs."""
    yield from _head(
        "notebooks", "annotation says", "first baselines", "unchanged runs", "results moved", "false alarms"
    )
    for row in rows:
        first = (
            f"{row.accepted} accepted"
            if not row.refused
            else f"{row.refused} refused, {row.accepted} accepted"
        )
        yield _row(row.notebooks, row.annotation, first, row.runs, row.moved, len(row.alarms))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield "|" + "---|" * len(names)


def _row(*values: object) -> str:
    return "| " + " | ".join(str(value).replace("|", "\\|") for value in values) + " |"
