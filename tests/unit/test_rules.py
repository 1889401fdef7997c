import pytest

from pytest_nbrepro.model import ArtifactRule, Limits, Masking, MetricRule, OutputsRule, OwnMask, Spec
from pytest_nbrepro.rules import across, settled
from pytest_nbrepro.sources import Fault


def test_nothing_said() -> None:
    assert settled({}) == Spec()


def test_everything_said() -> None:
    spec = settled(
        {
            "flags": {"noise": 0.0},
            "cases": {"left": {"x": -1.0}, "plain": None},
            "matrix": {"x": [-1, 0]},
            "metrics": {
                "loss": {"rel": 1e-3, "abs": 2, "ulp": 4, "xfail": "bug"},
                "acc": {"of": 450, "flips": 2, "better": "higher", "min": 0.9, "max": 1},
                "auc": {"value": " f(y) "},
                "curve": {"series": True},
                "score": {"margin": {"rel": 0.01}},
                "time*": "ignore",
            },
            "artifacts": {
                "p.csv": {
                    "rel": 1e-6,
                    "key": ["id"],
                    "order": "any",
                    "columns": {"a*": {"abs": 1}, "t": "ignore"},
                    "xfail": "bug",
                },
                "*.png": {"tile": "2%"},
                "*.txt": {"numbers": {"rel": 1e-3}},
                "*.log": "ignore",
            },
            "outputs": {"rel": 1e-4},
            "inputs": ["../data/**"],
            "seed": 7,
            "env": {"N": 2},
            "kernel": "python3",
            "timeout": "10m",
            "cell_timeout": 60,
            "memory": "1KiB",
            "runs": 10,
            "new_runs": 5,
            "xfail": "upstream",
            "marks": ["slow"],
        }
    )
    assert spec == Spec(
        flags={"noise": 0.0},
        cases={"left": {"x": -1.0}, "plain": {}},
        matrix={"x": (-1, 0)},
        metrics=(
            MetricRule("loss", Limits(1e-3, 2.0, 4), xfail="bug"),
            MetricRule("acc", of=450, flips=2, better="higher", min=0.9, max=1.0),
            MetricRule("auc", value="f(y)"),
            MetricRule("curve", series=True),
            MetricRule("score", margin=Limits(rel=0.01)),
            MetricRule("time*", ignore=True),
        ),
        artifacts=(
            ArtifactRule(
                "p.csv",
                Limits(1e-6),
                columns={"a*": Limits(abs=1.0)},
                ignore_columns=("t",),
                key=("id",),
                order="any",
                xfail="bug",
            ),
            ArtifactRule("*.png", tile=0.02),
            ArtifactRule("*.txt", numbers=Limits(1e-3)),
            ArtifactRule("*.log", ignore=True),
        ),
        outputs=OutputsRule(limits=Limits(1e-4)),
        inputs=("../data/**",),
        seed=7,
        env={"N": "2"},
        kernel="python3",
        timeout=600.0,
        cell_timeout=60.0,
        memory=1024,
        runs=10,
        new_runs=5,
        xfail="upstream",
        marks=("slow",),
    )


def test_values_keep_their_type() -> None:
    spec = settled({"flags": {"a": 1, "b": 1.0, "c": True}})
    assert [type(value) for value in spec.flags.values()] == [int, float, bool]


def test_outputs() -> None:
    assert settled({"outputs": "compare"}).outputs == OutputsRule()
    assert settled({"outputs": "ignore"}).outputs == OutputsRule(ignore=True)


@pytest.mark.parametrize(
    ("rule", "key", "what"),
    [
        ({"flips": 2}, "flips", "needs 'of', the number of cases that the metric is a share of"),
        ({"min": 3, "max": 2}, "max", "'min' is greater than 'max': 3 > 2"),
        ({"max": 2, "min": 3}, "min", "'min' is greater than 'max': 3 > 2"),
        (
            {"value": "x", "series": True},
            "series",
            "needs a printed metric, 'value' gives one number alone",
        ),
    ],
)
def test_keys_that_do_not_go_together(rule: dict, key: str, what: str) -> None:
    assert across({"metrics": {"loss": rule}}) == [Fault(("metrics", "loss", key), what)]


def test_a_series_does_not_go_with_runs() -> None:
    rules = {"a": {"series": True}, "b": {"series": False}, "c": "ignore"}
    what = "does not go with 'runs': a statistical baseline holds single values"
    assert across({"runs": 5, "metrics": rules}) == [Fault(("metrics", "a", "series"), what)]
    assert across({"runs": 1, "metrics": rules}) == []
    assert across({"runs": "many", "metrics": rules}) == []


def test_new_runs_need_runs_and_a_margin_needs_both() -> None:
    metrics = {"a": {"margin": {"rel": 0.1}}, "b": {"rel": 1}, "c": "ignore"}
    assert across({"runs": 5, "new_runs": 3, "metrics": metrics}) == []
    assert across({"runs": 5, "new_runs": 3}) == []
    assert across({"new_runs": 1}) == []
    (alone,) = across({"new_runs": 3})
    assert (alone.path, alone.what[:12]) == (("new_runs",), "needs 'runs'")
    (fault,) = across({"runs": 5, "metrics": metrics})
    assert (fault.path, fault.what[:16]) == (("metrics", "a", "margin"), "needs 'new_runs'")


@pytest.mark.parametrize("margin", [{}, None])
def test_a_margin_says_how_much(margin: object) -> None:
    fault = Fault(("metrics", "a", "margin"), "needs 'rel' or 'abs'")
    assert across({"runs": 5, "new_runs": 3, "metrics": {"a": {"margin": margin}}}) == [fault]


@pytest.mark.parametrize("name", ["a*", "a?", "[ab]"])
def test_a_value_needs_one_name(name: str) -> None:
    fault = Fault(("metrics", name, "value"), f"needs the name of one metric, {name!r} is a pattern")
    assert across({"metrics": {name: {"value": "1"}}}) == [fault]
    assert across({"metrics": {name: {"rel": 1}}}) == []


@pytest.mark.parametrize(
    "merged",
    [
        {},
        {"metrics": {"a": {"flips": 2, "of": 3, "min": 1, "max": 1, "value": "x"}}},
        {"metrics": {"a": "ignore"}},
        {"metrics": [1]},
        {"metrics": {"a": {"min": "3", "max": 2}}},
        {"metrics": {"a": {"min": 1, "max": False}}},
    ],
)
def test_what_is_right_or_told_elsewhere(merged: dict) -> None:
    assert across(merged) == []


# ---------------------------------------------------------------------------------------------------
# Masks


def test_masks_of_outputs_and_of_files() -> None:
    own = {"my ids": {"regex": r"run-\d+"}, "b": {"regex": "b", "replace": r"\g<0>"}, "uuids": "on"}
    spec = settled({"outputs": {"masks": {"timings": "off", **own}}, "artifacts": {"a.txt": {"masks": own}}})
    kept = (OwnMask("my ids", r"run-\d+", "<my ids>"), OwnMask("b", "b", r"\g<0>"))
    assert spec.outputs.masks == Masking(frozenset({"timings"}), kept)
    assert spec.artifacts[0].masks == Masking(own=kept)


@pytest.mark.parametrize(
    ("masks", "fault"),
    [
        ({"timing": "off"}, Fault(("timing",), "unknown mask", "did you mean 'timings' or 'named timings'?")),
        (
            {"timings": {"regex": "a"}},
            Fault(
                ("timings",),
                "is a mask of nbrepro",
                "give yours another name; the word off switches this one off",
            ),
        ),
        ({"a": {"replace": "b"}}, Fault(("a",), "has no 'regex', which says what is hidden")),
    ],
)
@pytest.mark.parametrize("place", [("outputs",), ("artifacts", "*.log")])
def test_names_of_masks(place: tuple[str, ...], masks: dict, fault: Fault) -> None:
    value: object = {"masks": masks}
    for key in reversed(place):
        value = {key: value}
    assert isinstance(value, dict)
    assert across(value) == [Fault((*place, "masks", *fault.path), fault.what, fault.hint)]


@pytest.mark.parametrize("replace", [r"\2", r"\g<name>"])
def test_groups_that_a_regex_has_not(replace: str) -> None:
    [fault] = across({"outputs": {"masks": {"a": {"regex": "(b)", "replace": replace}}}})
    assert fault.path == ("outputs", "masks", "a", "replace")
    assert fault.what.startswith("does not fit its regex: ")


@pytest.mark.parametrize("masks", [None, 3, {"a": {"regex": "("}}, {"a": {"regex": "b", "replace": 3}}])
def test_what_is_wrong_by_itself_is_told_once(masks: object) -> None:
    assert across({"outputs": {"masks": masks}, "artifacts": {"a": "ignore", "b": None}}) == []
