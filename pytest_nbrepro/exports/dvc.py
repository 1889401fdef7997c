"""A run as DVC and its dashboards read it: `metrics.json` and `params.yaml`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

from pytest_nbrepro import files
from pytest_nbrepro.model import Run
from pytest_nbrepro.reports.words import double

METRICS, PARAMS = "metrics.json", "params.yaml"


def write(run: Run, folder: Path) -> list[Path]:
    """Write the metrics and flags of a run into a folder, in place of those that are there, and return the files.

    A name with dots stays one name. Metrics that are not finite are texts: JSON has no word for them. Flags that YAML has no
    plain word for are texts as Python spells them.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    metrics = {name: _number(metric.value) for name, metric in run.metrics.items()}
    flags = {name: _plain(value) for name, value in run.flags.items()}
    files.write_text(folder / METRICS, files.dump_json(metrics, indent=2))
    text = yaml.safe_dump(flags, sort_keys=False, allow_unicode=True) if flags else "{}\n"
    files.write_text(folder / PARAMS, text)
    return [folder / METRICS, folder / PARAMS]


def _number(value: float) -> float | str:
    return value if math.isfinite(double(value)) or isinstance(value, int) else repr(value)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    return repr(value)
