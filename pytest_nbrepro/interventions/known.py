"""What can be held still, what in a run or its code points to it, and what mends it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_nbrepro.model import Run
from pytest_nbrepro.notebook import Cell, Notebook

THREADS = (
    *(
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    *("NUMBA_NUM_THREADS", "POLARS_MAX_THREADS"),
)
_THEN, _LATER = (
    1_700_000_000.0,
    1_763_003_661.0,
)  # two moments: another year, month, day, weekday, hour, minute, second
_SEED = "`seed: 0` in the annotation"


@dataclass(frozen=True)
class Intervention:
    """One thing that is held still in an experiment.

    `forced` and `env` hold it still; `other_forced` and `other_env` hold it still at another value, which moves the
    results of a notebook that depends on it.
    """

    name: str
    cause: str  # what depends on it, in words
    mend: str
    seen: frozenset[str] = frozenset()  # kinds of what a run was seen to do that point to it
    code: str = ""  # a regular expression of code that points to it
    forced: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    other_forced: Mapping[str, Any] = field(default_factory=dict)
    other_env: Mapping[str, str] = field(default_factory=dict)
    other_fork: bool = False  # the other value is a kernel that is forked
    both: bool = False  # a run as it is may be like one of the two: both are tried

    @property
    def movable(self) -> bool:
        """Whether it can be held still at another value."""
        return bool(self.other_forced or self.other_env or self.other_fork)

    def points(self, run: Run, notebook: Notebook) -> bool:
        """Tell whether anything of a run points to it."""
        return bool(self.places(run, notebook))

    def places(self, run: Run, notebook: Notebook, last: int | None = None) -> list[str]:
        """Return the cells, in words, that point to it: those seen to, else those whose code looks like it.

        Args:
            run: what was seen.
            notebook: the executed copy.
            last: the index of the last cell that can be to blame.
        """
        seen = [one for one in run.seen if one.kind in self.seen]
        if seen:
            return list(dict.fromkeys(_place(notebook, one.cell, one.where) for one in seen))
        cells = [cell for cell in notebook.code if last is None or cell.index <= last]
        found = [(cell, self._line(cell)) for cell in cells]
        return [_place(notebook, cell.index, f"line {line}") for cell, line in found if line]

    def _line(self, cell: Cell) -> int:
        """Return the number of the first line that looks like it, 0 where none does."""
        if not self.code:
            return 0
        lines = enumerate(cell.source.splitlines(), 1)
        return next((number for number, line in lines if re.search(self.code, line.partition("#")[0])), 0)


def _place(notebook: Notebook, cell: int, where: str) -> str:
    return f"{notebook.label(cell)} ({where})" if where else notebook.label(cell)


KNOWN: tuple[Intervention, ...] = (
    Intervention(
        "random",
        "draws from the global generator of `random`, which nobody seeds",
        f"{_SEED}, or `random.seed(0)` in the first cell",
        seen=frozenset({"random"}),
        forced={"random": 0},
        other_forced={"random": 1},
    ),
    Intervention(
        "numpy",
        "draws from numpy's global generator, which nobody seeds (libraries do where `random_state` is None)",
        f"{_SEED}, `np.random.seed(0)` in the first cell, or `random_state=0` in the call",
        seen=frozenset({"numpy"}),
        forced={"numpy": 0},
        other_forced={"numpy": 1},
    ),
    Intervention(
        "torch",
        "draws from torch's generator, which nobody seeds",
        f"{_SEED}, or `torch.manual_seed(0)`",
        seen=frozenset({"torch"}),
        code=r"\bimport torch\b|\bfrom torch\b",
        forced={"torch": 0},
        other_forced={"torch": 1},
    ),
    Intervention(
        "tensorflow",
        "draws from tensorflow's generator, which nobody seeds",
        f"{_SEED}, or `tf.random.set_seed(0)`",
        code=r"\bimport (?:tensorflow|keras)\b|\bfrom (?:tensorflow|keras)\b",
        forced={"tensorflow": 0},
        other_forced={"tensorflow": 1},
    ),
    Intervention(
        "entropy",
        "takes its random numbers from the system, which no seed reaches",
        "a seed in that call: `default_rng(0)`, `RandomState(0)`, `random.Random(0)`, `random_state=0`; instead of "
        "`secrets`, `os.urandom` and `uuid4` a seeded generator",
        seen=frozenset({"fresh random", "fresh numpy", "entropy", "uuid"}),
        forced={"entropy": True},
    ),
    Intervention(
        "network",
        "depends on what another machine answers",
        "a copy of the answer as a file of the project, read in its place",
        seen=frozenset({"network"}),
        forced={"network": "blocked"},
    ),
    Intervention(
        "listing",
        "depends on the order in which the system lists a folder",
        "`sorted(...)` around the listing",
        seen=frozenset({"listing"}),
        forced={"listing": "sorted"},
        other_forced={"listing": "reversed"},
        both=True,
    ),
    Intervention(
        "hash",
        "depends on the order of a set, or on a hash, which is another in each process",
        f"`sorted(...)` around the set; or {_SEED}, or `env: {{PYTHONHASHSEED: '0'}}`",
        code=r"\bset\(|\bfrozenset\(|\bhash\(|(?<![\w\"'])\{[^:{}]*(?:,[^:{}]*)+\}|\{[^:{}]* for [^:{}]* in ",
        env={"PYTHONHASHSEED": "0"},
        other_env={"PYTHONHASHSEED": "1"},
        both=True,
    ),
    Intervention(
        "clock",
        "depends on the time",
        "the time as a flag (`today = '2026-01-31'`), or the result left out: `ignore` in the annotation",
        seen=frozenset({"clock"}),
        code=r"\btime\.\w|\btime\(\)|\bnow\(|\btoday\(|\bperf_counter\b|\bstrftime\(|\bctime\(|\blocaltime\(|%time",
        forced={"clock": _THEN},
        env={"SOURCE_DATE_EPOCH": f"{_THEN:.0f}"},  # of tools that write files
        other_forced={"clock": _LATER},
        other_env={"SOURCE_DATE_EPOCH": f"{_LATER:.0f}"},
    ),
    Intervention(
        "timezone",
        "depends on the time zone",
        "a time zone in the call (`datetime.now(timezone.utc)`), or `env: {TZ: UTC}` in the annotation",
        code=r"\blocaltime\(|\bfromtimestamp\(|\bmktime\(|\bastimezone\(|\bctime\(|\btzname\b|\btz",
        env={"TZ": "UTC"},
        other_env={"TZ": "Asia/Kathmandu"},
    ),
    Intervention(
        "ids",
        "depends on the address of an object, or on the number of the process",
        "a name or a counter instead of `id()` and `getpid()`",
        code=r"\bid\(|\bgetpid\(",
        forced={"ids": True},
    ),
    Intervention(
        "memory",
        "uses memory that was never written to",
        "`np.zeros` instead of `np.empty`, or all of it written before it is read",
        code=r"\bempty(?:_like)?\(|\bndarray\(",
        env={"MALLOC_PERTURB_": "85"},
        other_env={"MALLOC_PERTURB_": "170"},
    ),
    Intervention(
        "threads",
        "depends on the number of threads, which add up in another order",
        "`env: {OMP_NUM_THREADS: '1'}` in the annotation, or a limit (`rel`) that is wider than rounding",
        code=r"(?i)thread|n_jobs|\bcpu_count\(|\bPool\(|@|\.dot\(|\blinalg\b|\bmatmul\(",
        env=dict.fromkeys(THREADS, "1"),
        other_env=dict.fromkeys(THREADS, "2"),
        both=True,
    ),
)
START = Intervention(
    "start",
    "depends on how its kernel starts: anew, or forked from a process that has imported Jupyter's",
    "`--nbrepro-kernel-start=spawn`, and a baseline made with it",
    other_fork=True,
)
"""Runs of experiments are spawned: there is nothing to hold still, and nothing but the other way to try."""
BY_NAME = {one.name: one for one in KNOWN}


def together(several: Iterable[Intervention]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what holds several things still at once."""
    forced: dict[str, Any] = {}
    env: dict[str, str] = {}
    for one in several:
        forced |= one.forced
        env |= one.env
    return forced, env


def suspects(run: Run, notebook: Notebook) -> list[Intervention]:
    """Return what a run points to: what it was seen to do first, then what its code looks like."""
    kinds = {one.kind for one in run.seen}
    pointed = [one for one in KNOWN if one.points(run, notebook)]
    return sorted(pointed, key=lambda one: not one.seen & kinds)


def others(chosen: Sequence[Intervention]) -> list[Intervention]:
    """Return what nothing points to."""
    return [one for one in KNOWN if one not in chosen]
