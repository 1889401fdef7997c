"""Which cells of a run differ from the accepted copy, in source or text, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_nbrepro import baselines, diffs, files
from pytest_nbrepro.assessment import Assessment, Places
from pytest_nbrepro.capture import Hidden
from pytest_nbrepro.displays import joined
from pytest_nbrepro.model import Case, Run
from pytest_nbrepro.notebook import Cell, Notebook, parse, read
from pytest_nbrepro.store import EXECUTED
from pytest_nbrepro.verdict import align

CELLS = 60  # cells whose difference is told
LINES = 120  # of the difference of a cell
_ALONE = 30  # lines of a cell that one side alone has


@dataclass(frozen=True)
class CellDifference:
    """A cell that is not as it was accepted."""

    label: str
    status: Literal["changed", "new", "gone"]
    diff: str  # lines as nbdime prints them; of a cell that one side alone has, its source
    index: int | None  # in the run's notebook


@dataclass(frozen=True)
class Differences:
    """How the cells of a run compare with the accepted copy."""

    cells: tuple[CellDifference, ...]
    same: int  # cells that do not differ
    more: int  # cells that differ, and are not told


def cell_differences(assessment: Assessment, places: Places) -> Differences | None:
    """Compare the cells of a run with those of the accepted copy, without rich outputs; None where there is none.

    Raises:
        BaselineError: the accepted copy cannot be read.
    """
    executed, run = assessment.executed, assessment.run
    accepted = baselines.copy_of(assessment.baseline) if assessment.baseline else None
    if executed is None or accepted is None:
        return None
    masks = assessment.case.spec.outputs.masks
    mine = baselines.slim(executed, run, Hidden.of(run, places.root, masks))["cells"]
    return _compared(executed, mine, accepted)


def between(case: Case, first: Run, second: Run, places: Places) -> Differences | None:
    """Compare the cells of two runs as `cell_differences` does; None where one ended before its notebook was written.

    Raises:
        NotebookError: an executed copy cannot be read.
    """
    slimmed = []
    for run in (first, second):
        if not (run.folder / EXECUTED).exists():
            return None
        executed = read(run.folder / EXECUTED)
        hidden = Hidden.of(run, places.root, case.spec.outputs.masks)
        slimmed.append((executed, baselines.slim(executed, run, hidden)))
    accepted = parse(files.dump_json(slimmed[0][1]), first.folder / EXECUTED)
    return _compared(slimmed[1][0], slimmed[1][1]["cells"], accepted)


def _compared(executed: Notebook, mine: list[dict[str, Any]], accepted: Notebook) -> Differences:
    found: list[CellDifference] = []
    same, more = 0, 0
    for new, old in align(executed.cells, accepted.cells):
        if _same(new, old, mine, accepted):
            same += 1
        elif len(found) == CELLS:
            more += 1
        else:
            told = _difference(new, old, mine, executed, accepted)
            found += [told] if told else []
    return Differences(tuple(found), same, more)


def _same(new: Cell | None, old: Cell | None, mine: list[dict[str, Any]], accepted: Notebook) -> bool:
    if new is None or old is None:
        return not any(cell.source.strip() for cell in (new, old) if cell)
    one, other = accepted.raw["cells"][old.index], mine[new.index]
    return new.source == old.source and _text(one) == _text(other)


def _difference(
    new: Cell | None, old: Cell | None, mine: list[dict[str, Any]], executed: Notebook, accepted: Notebook
) -> CellDifference | None:
    if new is not None and old is not None:
        label = executed.label(new.index)
        before, after = (
            diffs.without_rich(cell) for cell in (accepted.raw["cells"][old.index], mine[new.index])
        )
        return CellDifference(label, "changed", diffs.cell_diff(before, after, label, LINES), new.index)
    if new is not None:
        return CellDifference(executed.label(new.index), "new", _marked(new, "+"), new.index)
    if old is not None:
        return CellDifference(accepted.label(old.index), "gone", _marked(old, "-"), None)
    return None


def _marked(cell: Cell, mark: str) -> str:
    lines = cell.source.splitlines()
    more = [f"… {len(lines) - _ALONE} more lines"] if len(lines) > _ALONE else []
    return "\n".join([*(f"{mark}  {line}" for line in lines[:_ALONE]), *more])


def _text(cell: Mapping[str, Any]) -> str:
    return "".join(joined(output["text"]) for output in diffs.without_rich(cell)["outputs"])
