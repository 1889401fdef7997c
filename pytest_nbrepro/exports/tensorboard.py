"""Runs as TensorBoard reads them: metrics as scalars with their steps, figures as images, flags as hyperparameters.

TensorFlow is not needed. No experiment is declared: TensorBoard then makes it of the runs that are there, so that flags
and metrics of later runs show up in one that is open already. Its scalars are float32; the run store has all digits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_nbrepro.exports.figures import figures
from pytest_nbrepro.exports.series import points
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.optional import require
from pytest_nbrepro.reports.words import double

EXTRA = "tensorboard"
_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif"}  # that TensorBoard shows
_LARGEST = 10 << 20  # bytes of a figure
_STATUS = {
    RunStatus.COMPLETED: "STATUS_SUCCESS",
    RunStatus.FAILED: "STATUS_FAILURE",
    RunStatus.TIMEOUT: "STATUS_FAILURE",
    RunStatus.DIED: "STATUS_FAILURE",
    RunStatus.INTERRUPTED: "STATUS_FAILURE",
}
_SHORT = 6  # last characters of an id


class Board:
    """A folder that TensorBoard looks at.

    Args:
        folder: where to write; a folder for each run.

    Raises:
        ExtraError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._proto = _Proto()
        self._begun: dict[str, Any] = {}  # writers of runs that have not ended yet
        self._ended: set[str] = set()
        self._flags: dict[str, Mapping[str, Any]] = {}  # of running runs, as they were last seen
        self.left_out: list[str] = []  # figures that are too large

    def put(self, run: Run) -> None:
        """Write a run, or what of it is new; one that still runs is told as running.

        Args:
            run: as the run store has it, with steps and artifacts.
        """
        if run.id in self._ended:
            return
        if run.status is RunStatus.RUNNING and self._flags.get(run.id) != run.flags:
            self._flags[run.id] = run.flags  # the flags that the notebook itself gives come a moment later
            return
        if run.id not in self._begun:
            self._begun[run.id] = self._proto.writer(str(self.folder / place(run)))
            self._add(run.id, _seconds(run), self._start(run))
        if run.status is RunStatus.RUNNING:
            self._begun[run.id].flush()
            return
        end = _seconds(run) + (run.duration or 0)
        for name, metric in run.metrics.items():
            for step, value in points(metric):
                self._add(run.id, end, [self._proto.scalar(name, value)], step)
        self._add(run.id, end, list(self._images(run)))
        self._add(run.id, end, self._end(run, end))
        self._begun.pop(run.id).close()
        self._ended.add(run.id)

    def knows(self, run_id: str) -> bool:
        """Tell whether all of a run is written."""
        return run_id in self._ended

    def close(self) -> None:
        """Write what is left."""
        for writer in self._begun.values():
            writer.close()

    def _start(self, run: Run) -> list[Any]:
        flags = {name: hyperparameter(value) for name, value in run.flags.items()}
        return [self._proto.start(flags, name=f"{run.notebook}::{run.case}", seconds=_seconds(run))]

    def _end(self, run: Run, end: float) -> list[Any]:
        return [self._proto.end(_STATUS[run.status], end)]

    def _images(self, run: Run) -> Iterator[Any]:
        for name, path in figures(run, _SUFFIXES):
            if path.stat().st_size > _LARGEST:
                self.left_out.append(f"{run.id}: {name}")
                continue
            yield self._proto.image(name, path.read_bytes())

    def _add(self, run_id: str, seconds: float, values: list[Any], step: int = 0) -> None:
        if values:
            self._begun[run_id].add_event(self._proto.event(values, seconds, step))


def place(run: Run) -> str:
    """Return the name of a run in TensorBoard: its notebook and case, and the end of its id."""
    stem = run.notebook.removesuffix(".ipynb")
    return "/".join(_plain(part) for part in (*stem.split("/"), f"{run.case}-{run.id[-_SHORT:]}"))


def _plain(name: str) -> str:
    return re.sub(r"[^\w=,.+@-]+", "_", name).lstrip(".") or "_"


def hyperparameter(value: Any) -> bool | float | str:
    """Return a flag as a hyperparameter: a truth value, a number, or a text for all else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and math.isfinite(double(value)):
        return double(value)
    return value if isinstance(value, str) else repr(value)


def _seconds(run: Run) -> float:
    return datetime.fromisoformat(run.started).timestamp()


class _Proto:
    """TensorBoard's messages."""

    def __init__(self) -> None:
        self._summary = require("tensorboard.compat.proto.summary_pb2", EXTRA)
        self._event = require("tensorboard.compat.proto.event_pb2", EXTRA)
        self._api = require("tensorboard.plugins.hparams.api_pb2", EXTRA)
        self._data = require("tensorboard.plugins.hparams.plugin_data_pb2", EXTRA)
        self._hparams = require("tensorboard.plugins.hparams.metadata", EXTRA)
        self.writer: Callable[[str], Any] = require(
            "tensorboard.summary.writer.event_file_writer", EXTRA
        ).EventFileWriter

    def event(self, values: list[Any], seconds: float, step: int) -> Any:
        return self._event.Event(wall_time=seconds, step=step, summary=self._summary.Summary(value=values))

    def scalar(self, name: str, value: float) -> Any:
        return self._summary.Summary.Value(tag=name, simple_value=value)

    def image(self, name: str, encoded: bytes) -> Any:
        image = self._summary.Summary.Image(encoded_image_string=encoded)
        return self._summary.Summary.Value(tag=name, image=image)

    def start(self, flags: Mapping[str, bool | float | str], name: str, seconds: float) -> Any:
        info = self._data.SessionStartInfo(group_name="", model_uri=name, start_time_secs=seconds)
        for flag, value in flags.items():
            if isinstance(value, bool):
                info.hparams[flag].bool_value = value
            elif isinstance(value, str):
                info.hparams[flag].string_value = value
            else:
                info.hparams[flag].number_value = value
        content = self._data.HParamsPluginData(session_start_info=info)
        return self._told(self._hparams.SESSION_START_INFO_TAG, content)

    def end(self, status: str, seconds: float) -> Any:
        info = self._data.SessionEndInfo(status=self._api.Status.Value(status), end_time_secs=seconds)
        return self._told(
            self._hparams.SESSION_END_INFO_TAG, self._data.HParamsPluginData(session_end_info=info)
        )

    def _told(self, tag: str, content: Any) -> Any:
        metadata = self._hparams.create_summary_metadata(content)
        return self._summary.Summary.Value(tag=tag, metadata=metadata, tensor=self._hparams.NULL_TENSOR)
