"""Setting limits in an annotation: comments, order and layout of all else stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import yaml12
from pytest_nbrepro.cli.annotating import with_value

AUC = ("metrics", "auc")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "metrics:\n  auc: {rel: 1.4e-2}\n", id="empty"),
        pytest.param(
            "# only this", "# only this\nmetrics:\n  auc: {rel: 1.4e-2}\n", id="comment, no newline"
        ),
        pytest.param("seed: 7\n", "seed: 7\nmetrics:\n  auc: {rel: 1.4e-2}\n", id="no section"),
        pytest.param(
            "metrics:\n    # well\n    loss: {rel: 1e-3}  # solver\n\n# end\nseed: 7\n",
            "metrics:\n    # well\n    loss: {rel: 1e-3}  # solver\n    auc: {rel: 1.4e-2}\n\n# end\nseed: 7\n",
            id="new name, odd indent",
        ),
        pytest.param(
            "metrics:\n  auc: {rel: 1e-3}  # why\n  b: {}\n",
            "metrics:\n  auc: {rel: 1.4e-2}  # why\n  b: {}\n",
            id="replaced in flow",
        ),
        pytest.param(
            "metrics:\n  auc:\n    rel: 1e-3 # why\n    min: 0.5\n",
            "metrics:\n  auc:\n    rel: 1.4e-2 # why\n    min: 0.5\n",
            id="replaced in block",
        ),
        pytest.param(
            "metrics:\n  auc:\n    better: higher  # up\nseed: 7\n",
            "metrics:\n  auc:\n    better: higher  # up\n    rel: 1.4e-2\nseed: 7\n",
            id="added to block",
        ),
        pytest.param(
            "metrics: {auc: {min: 0.5}, b: {}}",
            "metrics: {auc: {min: 0.5, rel: 1.4e-2}, b: {}}",
            id="all flow",
        ),
        pytest.param("metrics: {b: {}}\n", "metrics: {b: {}, auc: {rel: 1.4e-2}}\n", id="flow section"),
        pytest.param("metrics: {}\n", "metrics: {auc: {rel: 1.4e-2}}\n", id="empty flow"),
        pytest.param("{}", "{metrics: {auc: {rel: 1.4e-2}}}", id="flow document"),
        pytest.param(
            "metrics:\n  auc:  # why\n", "metrics:\n  auc: {rel: 1.4e-2}  # why\n", id="nothing said"
        ),
        pytest.param("metrics:\n", "metrics: {auc: {rel: 1.4e-2}}\n", id="empty section"),
        pytest.param("metrics:\n  auc: ~\n", "metrics:\n  auc: {rel: 1.4e-2}\n", id="null"),
        pytest.param(
            "seed: 7\r\nmetrics:\r\n  b: {}\r\n",
            "seed: 7\r\nmetrics:\r\n  b: {}\r\n  auc: {rel: 1.4e-2}\r\n",
            id="CRLF",
        ),
        pytest.param(
            "xfail: |\n  of old\n  age\n\n# end\n",
            "xfail: |\n  of old\n  age\nmetrics:\n  auc: {rel: 1.4e-2}\n\n# end\n",
            id="below a text of several lines",
        ),
        pytest.param(
            "marks:\n  - slow\n  - big # so\n",
            "marks:\n  - slow\n  - big # so\nmetrics:\n  auc: {rel: 1.4e-2}\n",
            id="below a list",
        ),
    ],
)
def test_a_limit_is_set_and_all_else_stays(before, after):
    assert with_value(before, AUC, "{rel: 1.4e-2}") == after


@pytest.mark.parametrize(
    ("path", "limits", "before", "after"),
    [
        (("outputs",), "{rel: 1e-3}", "outputs: compare # all\n", "outputs: {rel: 1e-3} # all\n"),
        (("outputs",), "{rel: 1e-3}", "seed: 1\n", "seed: 1\noutputs: {rel: 1e-3}\n"),
        (("seed",), "0", "# mine\n", "# mine\nseed: 0\n"),
        (("seed",), "0", "seed: 7  # why\nruns: 5\n", "seed: 0  # why\nruns: 5\n"),
        (("runs",), "10", "{seed: 0}", "{seed: 0, runs: 10}"),
        (
            ("artifacts", "a.txt"),
            "{numbers: {rel: 1e-3}}",
            "artifacts:\n  a.txt: {}\n",
            "artifacts:\n  a.txt: {numbers: {rel: 1e-3}}\n",
        ),
        (
            ("metrics", "acc"),
            "{of: 450, flips: 3}",
            "metrics:\n  acc: {of: 450, flips: 1}\n",
            "metrics:\n  acc: {of: 450, flips: 3}\n",
        ),
        (
            ("artifacts", "figures/a b.png"),
            "{tile: 2.5%}",
            "artifacts:\n  '*.log': ignore\n",
            "artifacts:\n  '*.log': ignore\n  \"figures/a b.png\": {tile: 2.5%}\n",
        ),
        (
            ("artifacts", "a.csv"),
            "{columns: {score: {rel: 1e-3}, count: {abs: 2}}}",
            "artifacts:\n  a.csv:\n    key: [id]\n    columns:\n      score: {rel: 1e-6}\n",
            "artifacts:\n  a.csv:\n    key: [id]\n    columns:\n      score: {rel: 1e-3}\n      count: {abs: 2}\n",
        ),
    ],
)
def test_other_places(path, limits, before, after):
    assert with_value(before, path, limits) == after


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("metrics: [", id="no YAML"),
        pytest.param("- a\n", id="a list"),
        pytest.param("word", id="a word"),
        pytest.param("metrics:\n  b: &x {min: 0}\n  auc: *x\n", id="an alias"),
        pytest.param("metrics:\n  auc: &x {}\n", id="an anchor on an empty mapping"),
        pytest.param("metrics:\n  auc: [1]\n", id="a list in its place"),
        pytest.param("seed: 1\nseed: 2\n", id="a key given twice"),
        pytest.param("? metrics\n: {auc: {rel: 1}}\n? auc\n: !!str x\n...\n---\n", id="two documents"),
        pytest.param("metrics: {auc}\n", id="a name alone"),
    ],
)
def test_what_cannot_be_edited_safely_is_left(text):
    assert with_value(text, AUC, "{rel: 1.4e-2}") is None


WORDS = st.sampled_from(["auc", "loss", "b", "*", "a b", "no", "1e3", "ü", "#x", "a: b"])
RULES = st.dictionaries(st.sampled_from(["rel", "abs", "min"]), st.floats(0, 1), max_size=2)


def dumped(value, indent, flow):
    import yaml

    return yaml.safe_dump(value, indent=indent, default_flow_style=flow, allow_unicode=True, sort_keys=False)


@given(
    st.dictionaries(WORDS, RULES, max_size=4), WORDS, st.integers(2, 6), st.sampled_from([None, True, False])
)
def test_whatever_is_written_says_this_and_all_else_as_before(rules, name, indent, flow):
    text = dumped({"seed": 7, "metrics": rules, "marks": ["x"]}, indent, flow)
    before = yaml12.read(text).value
    changed = with_value(text, ("metrics", name), "{rel: 0.125}")
    if changed is not None:
        wanted = {**before["metrics"], name: {**before["metrics"].get(name, {}), "rel": 0.125}}
        assert yaml12.read(changed).value == {**before, "metrics": wanted}
