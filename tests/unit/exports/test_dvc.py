"""A run as DVC reads it."""

from __future__ import annotations

import json
import math

import yaml

from pytest_nbrepro.exports import dvc
from pytest_nbrepro.model import Metric


def test_metrics_and_params(rich, tmp_path):
    dvc.write(rich(), tmp_path / "out")
    assert json.loads((tmp_path / "out/metrics.json").read_text()) == {"auc": 0.9, "epochs": 3, "loss": 0.25}
    params = yaml.safe_load((tmp_path / "out/params.yaml").read_text())
    assert params == {"x": 0.5, "name": "adam", "deep": True, "sizes": [32, 16], "none": None}


def test_what_has_no_word(bench, tmp_path):
    flags = {"z": 1 + 2j, "shape": (1, 2), "deep": {"a": [1, (2,)]}, "odd": {1: 2}, "big": 10**400}
    dvc.write(
        bench.run(flags=flags, metrics={"loss": Metric(math.nan), "n": Metric(10**400, "int")}), tmp_path
    )
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"loss": "nan", "n": 10**400}
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    assert params == {
        "z": "(1+2j)",
        "shape": "(1, 2)",
        "deep": {"a": [1, "(2,)"]},
        "odd": "{1: 2}",
        "big": 10**400,
    }


def test_nothing(bench, tmp_path):
    dvc.write(bench.run(flags={}, metrics={}), tmp_path)
    assert (tmp_path / "params.yaml").read_text() == "{}\n"
    assert (tmp_path / "metrics.json").read_text() == "{}\n"
