"""What a run is asked to do, and what it gives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_nbrepro.model import Coverage, RunError, RunStatus, Seen

OUTPUT_CAP = 8 * 2**20


@dataclass(frozen=True)
class Request:
    """One execution of a notebook.

    All limits are off where they are None.
    """

    notebook: dict[str, Any]  # the JSON of nbformat 4, flags applied, outputs cleared
    path: Path  # the original, for messages
    cwd: Path  # the notebook's folder in the mirror
    work: Path  # root of the mirror; importable
    project: Path  # the real project's root, which must stay as it is
    folder: Path  # the run's: gets notebook.ipynb, output.log and kernel.log
    kernel: str | None  # the name that the annotation asks for
    language: str
    recorded_kernel: str | None  # the name in the notebook's metadata
    env: Mapping[str, str]
    seed: int | None
    timeout: float | None  # seconds, whole run
    cell_timeout: float | None  # seconds, one cell
    memory: int | None  # bytes, resident, the kernel's whole process tree
    expressions: Mapping[str, str]  # name of a metric -> Python expression
    coverage: Coverage | None
    output_cap: int = OUTPUT_CAP  # bytes per cell
    threads: int | None = None  # how many the libraries may use, where neither `env` nor `environ` says so
    python: Path | None = None  # the interpreter, where neither the annotation nor we choose it
    fork: bool = False  # let a fork server start the kernel where one can
    forced: Mapping[str, Any] = field(default_factory=dict)  # what an experiment holds still (see `forcing`)
    environ: Mapping[str, str] = field(
        default_factory=lambda: dict(os.environ), repr=False
    )  # what `env` adds to


@dataclass(frozen=True)
class Value:
    """A number that the notebook reported by a `metrics` cell or an expression.

    `dtype` is ``bool``, ``int``, ``float64``, ``float32`` or ``float16``.
    """

    name: str
    value: bool | int | float
    dtype: str
    cell: int | None  # index of the cell; None for expressions


@dataclass(frozen=True)
class Execution:
    """How it went, and everything the kernel was asked."""

    status: RunStatus
    error: RunError | None
    notebook: dict[str, Any]  # the executed copy as far as it got
    seconds: Mapping[int, float]  # by index of the cell
    values: tuple[Value, ...]
    facts: Mapping[str, Any]
    read: tuple[str, ...]  # files of the project that were opened, POSIX paths relative to its root
    notes: tuple[str, ...]
    peak: int | None  # bytes, resident, the kernel's whole process tree
    seen: tuple[Seen, ...] = ()
    prints: Mapping[int, Mapping[str, str]] = field(
        default_factory=dict
    )  # of variables, by the cell that changed them
