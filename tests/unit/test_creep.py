"""Anchors: what a metric was when it was last meant to change, and how far acceptances moved it since."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import baselines, creep
from pytest_nbrepro.baselines import Draft, Terms, anchors_after
from pytest_nbrepro.errors import BaselineError
from pytest_nbrepro.model import Anchor, Baseline, Limits, Metric, MetricRule, Spec


def after(values, *, intended=(), dtype="float64"):
    """Return the anchor after a metric was accepted with these values, one after the other."""
    anchors, before = {}, {}
    for number, value in enumerate(values):
        now = {"m": value if isinstance(value, Metric) else Metric(value, dtype)}
        anchors = anchors_after(before, anchors, now, intended=number in intended)
        before = now
    return anchors.get("m")


class TestAnchors:
    def test_a_first_value_is_its_own(self):
        assert after([0.25]) is None

    def test_acceptances_count_from_there(self):
        assert after([0.25, 0.26]) == Anchor(0.25, 1)
        assert after([0.25, 0.26, 0.255, 0.27]) == Anchor(0.25, 3)

    def test_what_is_accepted_as_it_is_does_not_count(self):
        assert after([0.25, 0.26, 0.26, 0.26]) == Anchor(0.25, 1)

    def test_a_change_that_is_intended_begins_anew(self):
        assert after([0.25, 0.26, 0.27], intended=[2]) is None
        assert after([0.25, 0.26, 0.5, 0.51], intended=[2]) == Anchor(0.5, 1)

    def test_a_value_that_is_back_is_its_own(self):
        assert after([0.25, 0.26, 0.25]) is None

    def test_so_is_another_dtype(self):
        assert after([0.25, 0.26, Metric(1, "int")]) is None
        assert after([0.25, 0.26, Metric(1, "int"), Metric(2, "int")]) == Anchor(1, 1)

    def test_what_is_no_finite_number_has_none(self):
        assert after([0.25, math.nan]) is None
        assert after([math.nan, 0.25]) is None
        assert (
            after([0.25, 0.26, math.inf, 0.27]) == Anchor(math.inf, 1)
            or after([0.25, math.inf, 0.27]) is None
        )
        assert after([Metric(True, "bool"), Metric(False, "bool")]) is None
        assert after([10**400, 10**400 + 1], dtype="int") == Anchor(10**400, 1)

    def test_a_statistical_one_is_the_mean(self):
        one = Metric(1.0, samples=(1.0, 2.0, 3.0, 2.0, 2.0))
        assert after([one, Metric(3.0, samples=(3.0,) * 5)]) == Anchor(2.0, 1)
        huge = Metric(10**400, "int", samples=(10**400,) * 5)
        assert after([huge, Metric(10**400, "int", samples=(10**400 + 1,) * 5)]) is None

    @given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
    def test_an_anchor_is_a_value_that_was_accepted_and_is_no_more(self, values):
        found = after(values)
        assert found is None or (found.value in values[:-1] and found.value != values[-1])
        assert after(values, intended=range(9)) is None


class TestKept:
    @pytest.fixture
    def accept(self, tmp_path):
        """Accept a value of `loss`, and 1.0 for another metric."""
        count = iter(range(100))

        def accept(value, **terms):
            folder, target = tmp_path / f"pending-{next(count)}", tmp_path / "b"
            book = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
            metrics = {"loss": Metric(value), "same": Metric(1.0)}
            draft = Draft(metrics, {}, {}, book, {"schema": 1, "platform": "arm"}, once=False, fixture=False)
            baselines.write_tree(draft, folder)
            plan = baselines.plan(baselines.read(folder), target, ("arm",), Terms(**terms))
            baselines.exchange(plan.tree, target, plan.tags)
            return target

        return accept

    def test_metrics_are_values_only_and_anchors_lie_beside_the_environment(self, accept):
        accept(0.25)
        assert "anchors" not in json.loads((accept(0.25) / "environment.json").read_text())
        accept(0.26)
        target = accept(0.27, why="drifted")
        record = json.loads((target / "environment.json").read_text())
        assert record == {
            "schema": 1,
            "platform": "arm",
            "accepted": "drifted",
            "anchors": {"loss": {"acceptances": 2, "value": 0.25}},
        }
        assert json.loads((target / "metrics.json").read_text())["metrics"] == {"loss": 0.27, "same": 1.0}
        assert baselines.read(target).anchors == {"loss": Anchor(0.25, 2)}
        assert baselines.read(accept(0.28, intended=True)).anchors == {}

    def test_an_overlay_has_its_own(self, accept):
        accept(0.25)
        accept(0.3, overlay="arm")
        target = accept(0.31)
        assert baselines.read_merged(target, ("arm",)).anchors == {"loss": Anchor(0.3, 1)}
        assert baselines.read_merged(target, ()).anchors == {}
        assert baselines.drifted(target) == [target / "overlay/arm"]

    def test_what_is_accepted_may_be_called_meant_afterwards(self, accept):
        for value in (0.25, 0.26):
            accept(value)
        accept(0.3, overlay="arm")
        target = accept(0.31)
        before = baselines.fingerprint(target, ("arm",))
        assert baselines.drifted(target) == [target, target / "overlay/arm"]
        baselines.settle(target, "new solver")
        assert baselines.drifted(target) == []
        record = json.loads((target / "environment.json").read_text())
        assert record == {"schema": 1, "platform": "arm", "accepted": "new solver"}
        assert baselines.fingerprint(target, ("arm",)) == before

    @pytest.mark.parametrize(
        "anchors",
        [
            [],
            {"a": 1},
            {"a": {"value": 1}},
            {"a": {"acceptances": 1}},
            {"a": {"value": "1", "acceptances": 1}},
            {"a": {"value": 1, "acceptances": 0}},
            {"a": {"value": 1, "acceptances": True}},
        ],
    )
    def test_what_is_no_anchor_is_told(self, accept, anchors):
        target = accept(0.25)
        path = target / "environment.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "anchors": anchors}))
        with pytest.raises(BaselineError, match="this baseline cannot be read"):
            baselines.read(target)


def moved(value, anchor, count=2, rule=None, **fields):
    metric = value if isinstance(value, Metric) else Metric(value, **fields)
    side = Baseline(None, {"m": metric}, {}, None, {}, anchors={"m": Anchor(anchor, count)})
    return creep.moved(side, Spec(metrics=(rule,) if rule else ()))


RULE = MetricRule("m", Limits(rel=1e-2))


class TestCreep:
    def test_more_than_three_limits_by_two_acceptances_are_told(self):
        (found,) = moved(0.26, 0.25, 3, RULE)
        assert (found.name, found.anchor, found.value, found.acceptances) == ("m", 0.25, 0.26, 3)
        assert found.limits == pytest.approx(4.0)

    @pytest.mark.parametrize(
        ("value", "anchor", "count", "rule"),
        [
            (0.257, 0.25, 9, RULE),  # 2.8 limits
            (0.26, 0.25, 1, RULE),  # who accepts once sees it
            (0.26, 0.25, 9, MetricRule("m", ignore=True)),
            (0.26, 0.25, 9, MetricRule("m", Limits(rel=1e-2), better="higher")),
            (0.26, 0.25, 9, MetricRule("m", Limits(rel=0.0))),  # exact: no limits to count in
            (0.26, 0.0, 9, RULE),
        ],
    )
    def test_all_else_is_not(self, value, anchor, count, rule):
        assert moved(value, anchor, count, rule) == ()

    def test_the_worse_side_is_told(self):
        assert moved(0.26, 0.25, 2, MetricRule("m", Limits(rel=1e-2), better="lower"))

    def test_limits_are_those_of_the_metric(self):
        assert moved(30, 20, rule=MetricRule("m", Limits(abs=2)), dtype="int")[0].limits == 5.0
        assert not moved(30, 20, dtype="int")
        of = MetricRule("m", of=450, flips=1)
        assert moved(405 / 450, 400 / 450, rule=of)[0].limits == pytest.approx(5.0)
        assert moved(0.25 * (1 + 4e-5), 0.25, dtype="float32")[0].limits == pytest.approx(4.0)

    def test_a_hard_range_is_another_matter(self):
        assert moved(0.26, 0.25, rule=MetricRule("m", Limits(rel=1e-2), max=0.1))[0].limits == pytest.approx(
            4.0
        )

    def test_a_statistical_one_is_counted_in_its_interval(self):
        now = Metric(1.0, samples=(0.9, 1.0, 1.1, 1.0, 1.0))
        (found,) = moved(now, 9.0)
        assert found.value == pytest.approx(1.0)
        assert 10 < found.limits < 13  # 8 / (t 8.61 * s 0.0707 * sqrt 1.2)
        assert not moved(now, 1.5)

    def test_the_farthest_comes_first_and_lost_ones_are_none(self):
        metrics = {"a": Metric(1.05), "b": Metric(1.09)}
        anchors = dict.fromkeys("abc", Anchor(1.0, 2))
        side = Baseline(None, metrics, {}, None, {}, anchors=anchors)
        spec = Spec(metrics=(MetricRule("*", Limits(rel=1e-2)),))
        assert [one.name for one in creep.moved(side, spec)] == ["b", "a"]
