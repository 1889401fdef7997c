"""Conditions on runs."""

from __future__ import annotations

import pytest

from pytest_nbrepro import attributes
from pytest_nbrepro.attributes import Attributes
from pytest_nbrepro.cli.conditions import ABSENT, condition, value
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Metric, Run, RunStatus


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    attributes.write(folder, Attributes("best one", ("a", "b"), "", "batch7", 3))
    return Run(
        "20250101T000000.000000-abcdef",
        folder,
        "sub/train.ipynb",
        "default",
        {"x": -1.0, "n": 3, "name": "adam", "digits": "010", "on": True, "nothing": None, "loss": 9.0},
        RunStatus.COMPLETED,
        "2025-01-01T00:00:00+00:00",
        duration=2.5,
        metrics={"loss": Metric(0.25), "val loss": Metric(0.5)},
    )


@pytest.mark.parametrize(
    "text",
    [
        "loss<0.8 and x<0 and status=completed",
        "loss <= 0.25",
        "loss == 0.25",
        "metric:loss=0.25",
        "flag:loss=9",
        '"val loss">0.4',
        "x>0 or n=3",
        "not x>0",
        "not (x>0 or n>3)",
        "x>0 and x>0 or n=3",
        "name=adam",
        "name='adam'",
        "name!=sgd",
        "name~ad*",
        "digits=10",
        "digits='010'",
        "on=true",
        "nothing=none",
        "notebook~sub/*",
        "case=default",
        "id~*abcdef",
        "started>2024",
        "started<'2025-06'",
        "seconds<3",
        "label='best one'",
        "tag=a",
        "tag=b and tag!=c",
        "batch=batch7",
        "trial=3",
        "tag~?",
    ],
)
def test_what_a_run_meets(run, text):
    assert condition(text)(run)


@pytest.mark.parametrize(
    "text",
    [
        "loss>0.8",
        "gone=1",
        "gone!=1",
        "metric:gone=1",
        "flag:gone!=1",
        "name<1",
        "x='-1.0x'",
        "on=1",
        "on>0",
        "digits=11",
        "name=10",
        "nothing<1",
        "tag=c",
        "tag!=a",
        "not name=adam",
        "n=3 and x>0",
        "started>zebra",
    ],
)
def test_what_it_does_not_meet(run, text):
    assert not condition(text)(run)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a name or value is missing before its end"),
        ("loss<", "a name or value is missing before its end"),
        ("loss 3", "a sign such as < or = is missing before '3'"),
        ("loss<1 x>2", "'and' or 'or' is missing before 'x>2'"),
        ("(loss<1", "a bracket is not closed before its end"),
        ("<1", "a name or value is missing before '<1'"),
        ("loss ! 1", "'! 1' cannot be read"),
        ("name='open", "cannot be read"),
    ],
)
def test_what_is_no_condition(text, told):
    with pytest.raises(NbreproError) as caught:
        condition(text)
    assert told in str(caught.value)


def test_nothing_by_that_name(tmp_path):
    bare = Run("id", tmp_path, "a.ipynb", "default", {}, RunStatus.RUNNING, "")
    assert all(value(bare, name) is ABSENT for name in ("seconds", "batch", "trial", "x", "metric:x"))
    assert (value(bare, "label"), value(bare, "tag")) == ("", ())
