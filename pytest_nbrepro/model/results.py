"""What a run gave, and what of it was accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pytest_nbrepro.model.annotation import FlagValue

Number = bool | int | float


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
    samples: tuple[Number, ...] = ()  # the values of several runs, `value` the first: all those that a
    # statistical baseline rests on, or all those of one test


@dataclass(frozen=True)
class Picture:
    """What people see of an artifact whose data are compared: a picture, or HTML."""

    path: str  # as an artifact's
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Artifact:
    """A file that a run wrote, or a rich output of a cell.

    Files are named by their POSIX path relative to the notebook's folder; rich outputs by their
    ``artifact:NAME`` tag, or ``cell:<id>``, with ``#2`` … where a cell has several. Of a rich output the data
    behind what is seen are the artifact, where the kernel could keep them.
    """

    name: str
    kind: str  # table, array, figure, json, text, image, markup, hdf5, safetensors, pdf, archive, opaque
    path: str  # POSIX path relative to the folder of the run or the baseline
    sha256: str
    bytes: int
    schema: Mapping[str, Any] = field(default_factory=dict)  # JSON: columns and dtypes, members, size, …
    cell: int | None = None  # index of the cell, for rich outputs
    stored: Literal["file", "sketch", "hash"] = (
        "file"  # `path` is a sketch; or nothing, only the hash is kept
    )
    shown: Picture | None = None  # where `path` has the data behind it
    untaken: str = ""  # why the data behind a rich output are not kept, where that was tried


@dataclass(frozen=True)
class CellRecord:
    """One code cell as it ran."""

    index: int  # among all cells of the notebook, from 0
    id: str
    source: str  # SHA-256 of the source as it ran
    outputs: str  # SHA-256 of the outputs that are compared as text, masks applied; "" where it did not run
    seconds: float | None = None


@dataclass(frozen=True)
class Seen:
    """Something that a run was seen to do, and that another may do otherwise.

    `kind` is a draw from a generator that nobody seeded (``random``, ``numpy``, ``torch``: global ones; ``fresh
    random``, ``fresh numpy``; ``entropy`` and ``uuid`` of the system), ``listing`` of a folder, or ``network``.
    """

    kind: str
    cell: int  # index among all cells
    where: str = ""  # in the cell, in words: "line 3"


@dataclass(frozen=True)
class RunError:
    """Why a run did not complete.

    `kind` is ``cell``, ``timeout``, ``memory``, ``died``, ``interrupted``, ``kernel``, ``workspace`` or
    ``capture``; ``pruned`` where a search ended it early.
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
    log: Path | None = None  # where what cells print is written as they print it; there once they do

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
    seen: tuple[Seen, ...] = ()
    peak: int | None = None  # bytes, peak resident memory of the kernel's tree


@dataclass(frozen=True)
class Anchor:
    """What a metric was when it was last meant to change, and how often other values were accepted since."""

    value: Number
    acceptances: int


@dataclass(frozen=True)
class Baseline:
    """The accepted values of a case; or those of an overlay, which differ on a platform or under a tag.

    `anchors` holds the metrics that moved from their anchor; the others are their own. Where overlays apply,
    `layers` holds them by tag, the most specific last, and `origins` says which of them a value is from: by
    ("metric" or "artifact", name) or ("output", id of a cell). What is not in there is from `folder` itself.
    """

    folder: Path
    metrics: Mapping[str, Metric]
    artifacts: Mapping[str, Artifact]
    notebook: Path | None  # the accepted executed copy
    environment: Mapping[str, Any]
    once: bool = False  # accepted on one run, without a second one
    fixture: bool = False  # made by a test function, not by collecting a notebook
    anchors: Mapping[str, Anchor] = field(default_factory=dict)
    origins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    layers: Mapping[str, Baseline] = field(default_factory=dict)

    def folder_of(self, artifact: str) -> Path:
        """Return the folder that the path of an artifact starts in."""
        tag = self.origins.get(("artifact", artifact))
        return self.folder if tag is None else self.layers[tag].folder
