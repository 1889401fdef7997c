"""Runs as TensorBoard reads them: it is asked itself, by its HTTP API."""

from __future__ import annotations

import json
import math
import sys
import warnings
from urllib.parse import quote

import pytest

from pytest_nbrepro.errors import ExtraError
from pytest_nbrepro.exports import series, tensorboard
from pytest_nbrepro.model import Metric, RunStatus

pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")


@pytest.fixture
def board(tmp_path):
    made = tensorboard.Board(tmp_path / "logs")
    yield made
    made.close()


@pytest.fixture
def asked(board):
    """Ask TensorBoard, which has loaded what is written by now: ``asked("scalars/tags")``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TensorBoard's own
        from tensorboard.backend import application
        from tensorboard.backend.event_processing import data_ingester
        from tensorboard.default import get_plugins
        from tensorboard.program import TensorBoard
        from werkzeug.test import Client

    def ask(path, **question):
        program = TensorBoard(get_plugins())
        program.configure(["tensorboard", f"--logdir={board.folder}", "--load_fast=false"])
        ingester = data_ingester.LocalDataIngester(program.flags)
        ingester._multiplexer.AddRunsFromDirectory(str(board.folder))
        ingester._multiplexer.Reload()
        app = application.TensorBoardWSGIApp(
            program.flags, program.plugin_loaders, ingester.data_provider, program.assets_zip_provider
        )
        client = Client(app)
        answer = (
            client.post(f"/data/plugin/{path}", json=question)
            if question
            else client.get(f"/data/plugin/{path}")
        )
        assert answer.status_code == 200, answer.text
        return answer.data if answer.mimetype.startswith("image/") else json.loads(answer.text)

    return ask


def groups(ask):
    question = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_SUCCESS", "STATUS_RUNNING", "STATUS_FAILURE", "STATUS_UNKNOWN"],
        "colParams": [{"metric": {"tag": "auc", "group": ""}}],
        "startIndex": 0,
        "sliceSize": 10,
    }
    return ask("hparams/session_groups", **question)["sessionGroups"]


def test_flags_are_hyperparameters_beside_the_metrics(board, asked, rich):
    board.put(rich())
    board.put(
        rich(flags={"x": 1.5, "name": "sgd", "deep": False, "sizes": [], "none": None, "new": math.inf})
    )
    experiment = asked("hparams/experiment", experimentName="")
    kinds = {info["name"]: info["type"].removeprefix("DATA_TYPE_") for info in experiment["hparamInfos"]}
    assert kinds == {
        "x": "FLOAT64", "name": "STRING", "deep": "BOOL", "sizes": "STRING", "none": "STRING", "new": "STRING",
    }  # fmt: skip
    assert {info["name"]["tag"] for info in experiment["metricInfos"]} == {"loss", "epochs", "auc"}
    one, two = sorted(groups(asked), key=lambda group: group["hparams"]["x"])
    assert one["hparams"] == {"x": 0.5, "name": "adam", "deep": True, "sizes": "[32, 16]", "none": "None"}
    assert two["hparams"]["new"] == "inf"
    values = {value["name"]["tag"]: value["value"] for value in one["metricValues"]}
    assert values == {"loss": 0.25, "epochs": 3.0, "auc": pytest.approx(0.9)}


def test_series_have_their_steps(board, asked, rich):
    run = rich()
    board.put(run)
    name = quote(tensorboard.place(run))

    def series(tag):
        return [(step, value) for _, step, value in asked(f"scalars/scalars?tag={tag}&run={name}")]

    assert series("loss") == [(10, 1.0), (20, 0.5), (30, 0.25)]
    assert series("epochs") == [(0, 1.0), (1, 2.0), (2, 3.0)]
    assert series("auc") == [(0, pytest.approx(0.9))]


def test_figures_are_images(board, asked, rich):
    run = rich()
    board.put(run)
    assert asked("images/tags") == {
        tensorboard.place(run): {"curve.png": {"displayName": "curve.png", "description": "", "samples": 1}}
    }
    (image,) = asked(f"images/images?tag=curve.png&run={quote(tensorboard.place(run))}&sample=0")
    data = asked(f"images/individualImage?{image['query']}")
    assert data == (run.folder / "files/curve.png").read_bytes()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (RunStatus.COMPLETED, "STATUS_SUCCESS"),
        (RunStatus.FAILED, "STATUS_FAILURE"),
        (RunStatus.DIED, "STATUS_FAILURE"),
    ],
)
def test_how_a_run_ended(board, asked, rich, status, told):
    board.put(rich(status=status))
    assert [group["sessions"][0]["status"] for group in groups(asked)] == [told]


def test_a_run_that_still_runs_is_told_so_and_then_ends(board, asked, bench, running):
    run = running(flags={"x": 1.0})
    board.put(run)
    assert groups(asked) == [], "the notebook's own flags may be missing yet"
    run = type(run)(**{**run.__dict__, "flags": {"x": 1.0, "y": 2.0}})
    board.put(run)
    board.put(run)
    assert not board.knows(run.id)
    (group,) = groups(asked)
    assert (group["hparams"], group["sessions"][0]["status"]) == ({"x": 1.0, "y": 2.0}, "STATUS_UNKNOWN")
    ended = {"status": RunStatus.COMPLETED, "duration": 2.0, "metrics": {"auc": Metric(0.5)}}
    run = type(run)(**{**run.__dict__, **ended})
    board.put(run)
    board.put(run)
    assert board.knows(run.id)
    (group,) = groups(asked)
    assert group["sessions"][0]["status"] == "STATUS_SUCCESS"
    assert [value["value"] for value in group["metricValues"]] == [0.5]


def test_large_figures_are_left_out_and_told(board, rich, monkeypatch):
    monkeypatch.setattr(tensorboard, "_LARGEST", 10)
    run = rich()
    board.put(run)
    assert board.left_out == [f"{run.id}: curve.png"]


def test_numbers_beyond_doubles():
    assert series.points(Metric(10**400, "int")) == [(0, math.inf)]
    assert tensorboard.hyperparameter(10**400) == str(10**400)


def test_names_stay_within_the_folder(bench):
    run = bench.run("a b/../n.ipynb", "x=1,name='../..'")
    assert tensorboard.place(run) == "a_b/_/n/x=1,name=_.._.._-" + run.id[-6:]


def test_without_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.summary_pb2", None)
    with pytest.raises(ExtraError, match=r"pytest-nbrepro\[tensorboard\]"):
        tensorboard.Board(tmp_path)
