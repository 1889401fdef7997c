"""The records that cross the rooms: frozen, picklable, without behaviour beyond their own arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

FlagValue = Any
"""None, bool, int, float, complex, str, or a list, tuple or dict of these."""

Number = bool | int | float

FEWEST_RUNS = 5  # of a statistical baseline; with fewer its intervals are too wide to find anything


# ---------------------------------------------------------------------------------------------------
# What an annotation says


@dataclass(frozen=True)
class Limits:
    """The allowance of a check as written; None stands for the default of the value's type."""

    rel: float | None = None
    abs: float | None = None
    ulp: int | None = None


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
    xfail: str | None = None


@dataclass(frozen=True)
class OutputsRule:
    """How text results and stdout of cells are judged."""

    ignore: bool = False
    limits: Limits = Limits()


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


# ---------------------------------------------------------------------------------------------------
# What a run gave


class RunStatus(StrEnum):
    """How a run ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    DIED = "died"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Metric:
    """A named number of a run.

    `dtype` is ``bool``, ``int``, ``float64``, ``float32`` or ``float16``: what the number was born as.
    """

    value: Number
    dtype: str = "float64"
    cell: int | None = None  # index of the cell that reported it
    steps: tuple[tuple[int | None, Number], ...] = ()  # (step, value) as they came, when there are several
    samples: tuple[
        Number, ...
    ] = ()  # statistical baselines: the values of all accepted runs, `value` the first


@dataclass(frozen=True)
class Artifact:
    """A file that a run wrote, or a rich output of a cell.

    Files are named by their POSIX path relative to the notebook's folder; rich outputs by their
    ``artifact:NAME`` tag, or ``cell:<id>``, with ``#2`` … where a cell has several.
    """

    name: str
    kind: str  # table, array, json, text, image, markup, hdf5, safetensors, pdf, archive, opaque
    path: str  # POSIX path relative to the folder of the run or the baseline
    sha256: str
    bytes: int
    schema: Mapping[str, Any] = field(default_factory=dict)  # JSON: columns and dtypes, members, size, …
    cell: int | None = None  # index of the cell, for rich outputs
    stored: Literal["file", "sketch", "hash"] = (
        "file"  # `path` is a sketch; or nothing, only the hash is kept
    )


@dataclass(frozen=True)
class CellRecord:
    """One code cell as it ran."""

    index: int  # among all cells of the notebook, from 0
    id: str
    source: str  # SHA-256 of the source as it ran
    outputs: str  # SHA-256 of the outputs that are compared as text, masks applied; "" where it did not run
    seconds: float | None = None


@dataclass(frozen=True)
class RunError:
    """Why a run did not complete.

    `kind` is ``cell``, ``timeout``, ``memory``, ``died``, ``interrupted``, ``kernel``, ``workspace`` or
    ``capture``.
    """

    kind: str
    message: str
    cell: int | None = None
    traceback: str = ""  # of the cell alone, without ANSI codes
    hint: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far a run is, for a person who waits."""

    cell: int | None  # index among all cells; None while the kernel starts
    ordinal: int  # of that cell among the code cells, from 1; 0 while the kernel starts
    cells: int  # how many code cells there are
    seconds: float  # since the run began

    @property
    def place(self) -> str:
        """Where the run is, in words."""
        return f"cell {self.ordinal} of {self.cells}" if self.ordinal else "starting the kernel"


@dataclass(frozen=True)
class Run:
    """One execution of a case and everything kept of it."""

    id: str
    folder: Path
    notebook: str
    case: str
    flags: Mapping[str, FlagValue]  # all of them: given values and the source's own
    status: RunStatus
    started: str  # ISO 8601, UTC
    duration: float | None = None  # seconds
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    cells: tuple[CellRecord, ...] = ()
    error: RunError | None = None
    notes: tuple[str, ...] = ()  # what a person should know though it is no failure
    peak: int | None = None  # bytes, peak resident memory of the kernel's tree


@dataclass(frozen=True)
class Baseline:
    """The accepted values of a case."""

    folder: Path
    metrics: Mapping[str, Metric]
    artifacts: Mapping[str, Artifact]
    notebook: Path | None  # the accepted executed copy
    environment: Mapping[str, Any]
    once: bool = False  # accepted on one run, without a second one
    fixture: bool = False  # made by a test function, not by collecting a notebook


# ---------------------------------------------------------------------------------------------------
# What the judgement says


class CheckStatus(StrEnum):
    """What one check came to."""

    EQUAL = "equal"
    WITHIN = "within"  # differs, inside its limit
    IMPROVED = "improved"  # outside its limit on the better side
    UNPROVEN = "unproven"  # not equal, and what the baseline keeps of it proves no drift
    DRIFT = "drift"
    STRUCTURE = "structure"  # another dtype, shape, set of columns, …
    DIFFERS = "differs"  # not the same, and nothing can say how much
    LOST = "lost"  # only the baseline has it
    NEW = "new"  # only the result has it
    ERROR = "error"  # the comparison could not be made
    XFAIL = "xfail"  # fails as expected
    XPASS = "xpass"  # was expected to fail and does not

    @property
    def ok(self) -> bool:
        """Whether a check that ends so passes."""
        return self in _PASSES


_PASSES = frozenset(
    {CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.IMPROVED, CheckStatus.UNPROVEN, CheckStatus.XFAIL}
)


@dataclass(frozen=True)
class Place:
    """Where two sides differ most, and what they hold there."""

    where: str  # "row 12, column score", "[3, 4]", "$.runs[2].loss", "tile at (650,100)", …
    baseline: str
    result: str


@dataclass(frozen=True)
class Check:
    """One comparison.

    `used` is ``|result - baseline| / limit``: at most 1 passes. It is None where there is no such number,
    and infinite where the limit is 0 and the values differ.
    """

    kind: str  # metric, table, array, json, text, image, markup, archive, opaque, output, run
    name: str
    status: CheckStatus
    used: float | None = None
    limit: str = "exact"  # the rule that made the limit: "rel 1e-06", "exact", "tile 2%", …
    message: str = ""  # what a person reads beside the name, without the numbers of `worst`
    n: int = 0  # values compared
    bad: int = 0  # values outside their limit
    worst: Place | None = None
    parts: tuple[Check, ...] = ()  # columns, members, paths
    cell: int | None = None
    allow: str | None = None  # the annotation that would let it pass, where that is safe to suggest


@dataclass(frozen=True)
class Verdict:
    """All checks of one run against one baseline."""

    checks: tuple[Check, ...]
    first_cell: int | None = None  # the first cell, by index in the run's notebook, whose outputs differ
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every check passes."""
        return all(check.status.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not pass."""
        return tuple(check for check in self.checks if not check.status.ok)


@dataclass(frozen=True)
class Why:
    """What the evidence says of the cause of a failure."""

    cause: str  # CODE, FLAGS, DATA, ENVIRONMENT, CHANCE, SEVERAL, UNKNOWN
    text: str  # the evidence, one sentence
