"""What an annotation says, and what of it a run is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

FlagValue = Any
"""None, bool, int, float, complex, str, or a list, tuple or dict of these."""

FEWEST_RUNS = 5  # of a statistical baseline; with fewer its intervals are too wide to find anything
FEWEST_NEW_RUNS = 3  # of a test that shows equivalence; with fewer it hardly ever can


@dataclass(frozen=True)
class Limits:
    """The allowance of a check as written; None stands for the default of the value's type."""

    rel: float | None = None
    abs: float | None = None
    ulp: int | None = None


@dataclass(frozen=True)
class OwnMask:
    """A mask that an annotation adds: every match of `regex` becomes `replace`, as `re.sub` does it."""

    name: str
    regex: str
    replace: str


@dataclass(frozen=True)
class Masking:
    """Which masks hide what means nothing in text: all of nbrepro's but those that are `off`, and one's own."""

    off: frozenset[str] = frozenset()
    own: tuple[OwnMask, ...] = ()


@dataclass(frozen=True)
class MetricRule:
    """How the metrics whose names match `pattern` are judged."""

    pattern: str
    limits: Limits = Limits()
    ignore: bool = False
    of: int | None = None  # the metric counts `value * of` things …
    flips: int = 0  # … of which so many may change
    better: Literal["higher", "lower"] | None = None
    min: float | None = None
    max: float | None = None
    value: str | None = None  # a Python expression, evaluated in the kernel after the last cell
    margin: Limits | None = (
        None  # `rel` and `abs`: by how much means may differ, where several runs are compared
    )
    series: bool = False  # all values that a run reports count, step by step, not the last one alone
    xfail: str | None = None  # strict: the reason why this check is expected to fail


@dataclass(frozen=True)
class ArtifactRule:
    """How the artifacts whose names match `pattern` are judged; what does not apply to a kind is unused."""

    pattern: str
    limits: Limits = Limits()
    ignore: bool = False
    columns: Mapping[str, Limits] = field(default_factory=dict)  # by column, member or JSON-path pattern
    ignore_columns: tuple[str, ...] = ()  # patterns of columns, members or JSON paths left out
    key: tuple[str, ...] = ()  # tables: rows are joined on these columns
    order: Literal["position", "any"] = "position"  # tables: `any` compares rows as a multiset
    tile: float | None = None  # images: share of the worst tile's pixels that may differ, 0 to 1
    numbers: Limits | None = None  # text: numbers within equal text are compared within these
    masks: Masking = Masking()  # text, markup
    days: frozenset[date] | None = (
        None  # markup: those of the run, known when it is judged; None hides all dates
    )
    xfail: str | None = None


@dataclass(frozen=True)
class OutputsRule:
    """How text results and stdout of cells are judged."""

    ignore: bool = False
    limits: Limits = Limits()
    masks: Masking = Masking()


@dataclass(frozen=True)
class Spec:
    """What a notebook's annotation says, merged from all places and checked."""

    flags: Mapping[str, FlagValue] = field(default_factory=dict)
    cases: Mapping[str, Mapping[str, FlagValue]] = field(default_factory=dict)
    matrix: Mapping[str, tuple[FlagValue, ...]] = field(default_factory=dict)
    metrics: tuple[MetricRule, ...] = ()  # later rules win
    artifacts: tuple[ArtifactRule, ...] = ()  # later rules win
    outputs: OutputsRule = OutputsRule()
    inputs: tuple[str, ...] = ()
    seed: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    kernel: str | None = None
    timeout: float | None = None  # seconds, whole run
    cell_timeout: float | None = None  # seconds, one cell
    memory: int | None = None  # bytes, resident, the kernel's whole process tree
    xfail: str | None = None
    marks: tuple[str, ...] = ()
    runs: int = 1  # how many runs a baseline rests on; from FEWEST_RUNS on it is statistical
    new_runs: int = 1  # how many runs a test of it makes; 1, or from FEWEST_NEW_RUNS on


@dataclass(frozen=True)
class Case:
    """One notebook with one set of flag values: one test item."""

    notebook: str  # POSIX path relative to the project's root
    name: str
    flags: Mapping[str, FlagValue]  # only the values that are given; the others stay as the source has them
    spec: Spec
    folder: str  # POSIX path of its baseline, relative to the folder of baselines

    @property
    def id(self) -> str:
        """The name that people read and type: ``analysis/train.ipynb::x=-1.0``."""
        return f"{self.notebook}::{self.name}"


@dataclass(frozen=True)
class Coverage:
    """A request to measure the code that a notebook imports; paths are those of the real tree."""

    config_file: str | None
    source: tuple[str, ...]  # folders or package names
    branch: bool
    data_file: str  # where the kernel's data go, with real paths, in coverage.py's format


@dataclass(frozen=True)
class Task:
    """All that `runner.run_case` needs, picklable."""

    case: Case
    root: Path  # the project's root
    store: Path  # the folder `.nbrepro`
    baselines: Path  # the folder of baselines, which a run must not see
    timeout: float | None = None  # seconds, where the annotation sets none
    coverage: Coverage | None = None
    tags: tuple[str, ...] = ()  # what the user says of this machine, such as "cuda": overlays that apply
    threads: int | None = None  # how many a kernel's libraries may use, where nothing else says so
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)  # of who asks
    fork: bool = False  # let a fork server start its kernel where one can
    python: Path | None = None  # the interpreter, where no annotation names a kernel, if not this one
    source: Path | None = None  # the notebook to run in the place of the case's own
    left: Path | None = (
        None  # the folder of a run whose files the notebook finds, as if it had run there before
    )
    forced: Mapping[str, Any] = field(default_factory=dict)  # what an experiment holds still

    def anew(self) -> Task:
        """Return the same for a run that is to show chance: its kernel shares nothing with those of others.

        Kernels of one fork server have the same hash seed and the same addresses.
        """
        return replace(self, fork=False)
