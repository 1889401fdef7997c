"""All mutants of a set of notebooks, and a sample of them."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mutation import data, models, slips
from mutation.sites import Edit, Operator, Script

OPERATORS: tuple[Operator, ...] = (*data.OPERATORS, *models.OPERATORS, *slips.OPERATORS)


@dataclass(frozen=True)
class Mutant:
    """One fault in one place of one notebook."""

    notebook: str
    operator: str
    edit: Edit
    source: str  # of the cell, with the fault
    before: str  # the lines of the cell that the fault touches,
    after: str  # and what became of them


def mutants(notebook: str, script: Script) -> Iterator[Mutant]:
    """Yield a mutant for each place of a notebook where an operator fits.

    Places whose mutant would be no valid Python, or the same as another one's, are left out.
    """
    texts = {source.cell: source.text for source in script}
    seen = set()
    for operator in OPERATORS:
        for edit in operator.edits(script):
            old = texts[edit.cell]
            new = edit.apply(old)
            if new != old and (edit.cell, new) not in seen and _is_valid(new):
                seen.add((edit.cell, new))
                yield Mutant(notebook, operator.name, edit, new, *_touched(old, new))


def _is_valid(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _touched(old: str, new: str) -> tuple[str, str]:
    """Return the lines of two texts between their common first and last ones."""
    before, after = old.splitlines(), new.splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    return "\n".join(before).strip(), "\n".join(after).strip()


def sample(planted: Iterable[Mutant], budget: int, seed: int) -> list[Mutant]:
    """Return at most `budget` mutants, of all operators as evenly as there are, of each over all notebooks.

    Operators take turns, and within an operator the notebooks do, in an order that the seed decides.
    """
    drawn = random.Random(seed)
    turns: dict[str, list[list[Mutant]]] = {operator.name: [] for operator in OPERATORS}
    for key, group in _grouped(planted).items():
        drawn.shuffle(group)
        turns[key[0]].append(group)
    queues = []
    for groups in turns.values():
        drawn.shuffle(groups)
        queues.append([mutant for row in _rows(groups) for mutant in row])
    return [mutant for row in _rows(queues) for mutant in row][:budget]


def _grouped(planted: Iterable[Mutant]) -> Mapping[tuple[str, str], list[Mutant]]:
    groups: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in planted:
        groups.setdefault((mutant.operator, mutant.notebook), []).append(mutant)
    return groups


def _rows(columns: Sequence[Sequence[Mutant]]) -> Iterator[list[Mutant]]:
    """Yield the first of each column, then the second, as long as any has one."""
    for index in range(max(map(len, columns), default=0)):
        yield [column[index] for column in columns if index < len(column)]
