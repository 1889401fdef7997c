"""Figures of plotly, vega and bokeh in pages: their JSON by numbers, the page around them as before."""

from __future__ import annotations

import base64
import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.comparers import base, embedded
from pytest_nbrepro.comparers.base import IncomparableError
from pytest_nbrepro.comparers.figures import compare_figures
from pytest_nbrepro.comparers.jsons import JsonComparer
from pytest_nbrepro.comparers.markup import MarkupComparer
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR = CheckStatus.STRUCTURE, CheckStatus.ERROR
ID = "0a1b2c3d-0000-4000-8000-00000000000{}"


def packed(values, dtype="f8", **more):
    array = np.asarray(values, dtype)
    return {"dtype": dtype, "bdata": base64.b64encode(array.tobytes()).decode(), **more}


def bokeh(values, dtype="float64", order="little", zipped=True):
    array = np.asarray(values, np.dtype(dtype).newbyteorder("<" if order == "little" else ">"))
    data = gzip.compress(array.tobytes()) if zipped else array.tobytes()
    return {
        "type": "ndarray",
        "array": {"type": "bytes", "data": base64.b64encode(data).decode()},
        "shape": list(array.shape),
        "dtype": dtype,
        "order": order,
    }


def plotly(y, number=1, title="a"):
    data, layout = json.dumps([{"x": [1, 2], "y": y}]), json.dumps({"title": {"text": title}})
    name = ID.format(number)
    return (
        f'<div id="{name}"></div><script>window.P = window.P || {{}}; if (document.getElementById("{name}")) '
        f'{{ Plotly.newPlot( "{name}", {data}, {layout}, {{"responsive": true}} ).then(function(){{ f([1]) }}) }}'
        "</script>"
    )


@pytest.fixture
def pages(tmp_path):
    def compare(old, new, rule=None, **more):
        paths = tmp_path / "old.html", tmp_path / "new.html"
        for path, text in zip(paths, (old, new), strict=True):
            path.write_text(text)
        return base.judge(MarkupComparer(), *paths, rule or ArtifactRule("*", **more), {})

    return compare


def script(text, kind=""):
    return f'<script type="{kind}">{text}</script>' if kind else f"<script>{text}</script>"


# --- pages


def test_random_names_mean_nothing(pages):
    outcome = pages(plotly([1.5, 2.5], 1), plotly([1.5, 2.5], 2))
    assert (outcome.status, outcome.parts) == (EQUAL, ())


@pytest.mark.parametrize("pack", [list, packed])
def test_plotly_is_compared_by_numbers(pages, pack):
    old = plotly(pack([1.5, 2.5]))
    assert pages(old, plotly(pack([1.5, 2.5 + 1e-7]), 2)).status is WITHIN
    outcome = pages(old, plotly(pack([1.5, 2.6]), 2))
    assert outcome.status is DRIFT
    assert outcome.worst == base.Place("/script: $.data[0].y[1]", "2.5", "2.6")
    assert pages(old, plotly(pack([1.5, 2.6])), limits=Limits(rel=0.1)).status is WITHIN


def test_limits_by_path(pages):
    for pack in (list, packed):
        old, new = plotly(pack([1.5, 2.5])), plotly(pack([1.5, 2.51]))
        assert pages(old, new, columns={"data[*].y": Limits(rel=0.01)}).status is WITHIN
        assert pages(old, new, ignore_columns=("data[*].y",)).status is EQUAL
    near = pages(plotly(packed([1.0])), plotly(packed([1 + 2e-6])))
    assert near.allow == '{columns: {"data[0].y": {rel: 2.2e-6}}}'
    assert pages(plotly([1.0]), plotly([1 + 2e-6])).allow == '{columns: {"data[*].y[*]": {rel: 2.2e-6}}}'


def test_the_rest_of_the_page_is_compared_as_before(pages):
    outcome = pages(plotly([1.5]) + "<p>a</p>", plotly([1.5 + 1e-7], 2) + "<p>b</p>")
    assert outcome.status is DRIFT
    assert outcome.message.startswith("page: 1 of ")
    assert pages(plotly([1.5]), plotly([1.6]).replace("f([1])", "f([2])")).bad == 2
    assert pages(plotly([1.5]) + "<p>a</p>", plotly([1.6]) + "<p>b</p>").allow is None


def test_other_text_in_a_figure_fails(pages):
    outcome = pages(plotly([1.5], title="AUC 0.913"), plotly([1.5], title="AUC 0.319"))
    assert outcome.status is DRIFT
    assert (outcome.worst.baseline, outcome.worst.result) == ("'AUC 0.913'", "'AUC 0.319'")


def test_one_more_figure_fails(pages):
    call = "vegaEmbed('#v', {});"
    outcome = pages(script(call.format('{"a": 1}')), script(2 * call.format('{"a": 1}')))
    assert outcome.status is DRIFT
    assert outcome.parts == ()


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("vegaEmbed('#vis', {}, {{'a': 1}})", "$.spec.v"),
        ("var spec = {}; var embedOpt = {{}};", "$.spec.v"),
        ("const docs_json = {};", "$.docs_json.v"),
        ("(function(spec, o){{ vegaEmbed(e, spec, o); }})(\n {}, {{}});", "$.spec.v"),
        ("Plotly.react(document.getElementById('x'), {})", "$.data.v"),
    ],
)
def test_where_figures_are(pages, written, path):
    old, new = (script(written.format(json.dumps({"v": v, "w": None}))) for v in (1.5, 1.6))
    outcome = pages(old, new)
    assert outcome.worst.where.endswith(f": {path}")
    assert outcome.message == "/script: 1 of 2 values"


def test_scripts_that_are_json(pages):
    old, new = (
        script(f' {{"{ID.format(n)}": [1.5, "{ID.format(n)}"]}} ', "application/json") for n in (1, 2)
    )
    assert pages(old, new).status is EQUAL
    worse = new.replace("1.5", "1.6")
    outcome = pages(old, worse)
    assert (outcome.status, outcome.worst.baseline) == (DRIFT, "1.5")
    assert outcome.worst.where.endswith(f'$.json["{ID.format(1)}"][0]')
    assert ID.format(1) in pages(old, script('{"a": [1.5, 1]}', "application/json")).message


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("{} x", "application/json"),
        ("{'a': 1}", "application/ld+json; charset=utf-8"),
        ('{"a": 1, "a": 2}', "application/json"),
        ("[" * 100_000, "application/json"),
        ("vegaEmbed('#v', {a: 1})", ""),
        ("vegaEmbed('#v' + 1, {})", ""),
        ("spec = spec2; my_spec = {a}", ""),
        ("Plotly.newPlot(", ""),
        ("Plotly.newPlot", ""),
    ],
)
def test_what_is_no_json_is_text(written, kind):
    assert embedded.pull(written, kind) == (written, [])


def test_what_is_taken_out_leaves_a_mark():
    text = 'a(); Plotly.newPlot("x", [1], {"b": 2}); vegaEmbed(e, {"c": 3}); end'
    rest = f'a(); Plotly.newPlot("x", {embedded.STAND_IN}, {embedded.STAND_IN}); vegaEmbed(e, {embedded.STAND_IN}); end'
    assert embedded.pull(text, "text/javascript") == (
        rest,
        [{"data": [1], "layout": {"b": 2}}, {"spec": {"c": 3}}],
    )


def test_a_script_of_endless_misses_is_text():
    text = 1000 * "spec = {" + 'spec = {"a": 1}'
    assert embedded.pull(text, "") == (text, [])
    assert embedded.pull(text[8:], "")[1] == [{"spec": {"a": 1}}]


def test_no_more_is_read_than_a_call_has():
    text = "Plotly.newPlot('x', [1], {}, {}, [2])"
    mark = embedded.STAND_IN
    assert embedded.pull(text, "")[0] == f"Plotly.newPlot('x', {mark}, {mark}, {mark}, [2])"


@given(
    st.text(alphabet="Plotly.newPlot(vegaEmbed spec={}[]\"',:1)\\", max_size=60),
    st.sampled_from(["", "json"]),
)
def test_any_script_is_read(text, kind):
    rest, values = embedded.pull(text, kind)
    assert values or rest == text


# --- packed arrays


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (packed([1, 2], "i4"), packed([1, 3], "i4"), DRIFT),
        (packed([1, 2], "f4"), packed([1, 2.00001], "f4"), WITHIN),
        (packed([[1.0, 2.0]], shape="1, 2"), packed([[1.0, 3.0]], shape="1, 2"), DRIFT),
        (packed([], "f8"), packed([], "f8"), EQUAL),
        (bokeh([1.0, 2.0]), bokeh([1.0, 2.0 + 1e-7]), WITHIN),
        (bokeh([1.0, 2.0]), bokeh([1.0, 2.0], zipped=False), EQUAL),
        (bokeh([1, 2], "int64"), bokeh([1, 3], "int64", "big"), DRIFT),
    ],
)
def test_packed_arrays_are_numbers(old, new, status):
    outcome = compare_figures({"a": [old]}, {"a": [new]}, ArtifactRule("*"))
    assert outcome.status is status


@pytest.mark.parametrize(
    "new",
    [
        packed([1.0, 2.0], "f4"),
        packed([1.0, 2.0, 3.0]),
        packed([1.0, 2.0], shape="2, 1"),
        [1.0, 2.0],
        {},
    ],
)
def test_another_dtype_or_shape_never_passes(new):
    outcome = compare_figures({"a": packed([1.0, 2.0])}, {"a": new}, ArtifactRule("*"))
    assert not outcome.status.ok


@pytest.mark.parametrize(
    "odd",
    [
        {"dtype": "c16", "bdata": "AAAA"},
        {"dtype": "f8", "bdata": "AAAA"},
        {"dtype": "f8", "bdata": "?"},
        {"dtype": [], "bdata": "AAAA"},
        {"dtype": "i1", "bdata": "AAAA", "shape": "-1"},
        {"dtype": "i1", "bdata": "AAAA", "shape": "7"},
        {"type": "ndarray"},
        bokeh([1.0]) | {"dtype": "object"},
        bokeh([1.0]) | {"shape": [1 << 40]},
        bokeh([1.0]) | {"array": {"type": "bytes", "data": base64.b64encode(b"\x1f\x8bno").decode()}},
        bokeh([1.0]) | {"array": {"type": "list", "data": ""}},
    ],
)
def test_what_only_looks_packed_is_compared_as_it_is(odd):
    assert compare_figures({"a": odd}, {"a": odd}, ArtifactRule("*")).status is EQUAL
    assert not compare_figures({"a": odd}, {"a": {**odd, "new": 1}}, ArtifactRule("*")).status.ok
    if odd.get("bdata") == "AAAA":
        assert compare_figures({"a": odd}, {"a": {**odd, "bdata": "AAAB"}}, ArtifactRule("*")).status is DRIFT


def test_a_bomb_is_not_unpacked():
    bomb = base64.b64encode(gzip.compress(bytes(1 << 24))).decode()
    odd = bokeh([1.0]) | {"array": {"type": "bytes", "data": bomb}}
    assert compare_figures(odd, odd, ArtifactRule("*")).status is EQUAL


def test_plain_and_packed_values_both_count():
    def figure(y, packed_y):
        return {"y": y, "z": packed(packed_y)}

    outcome = compare_figures(figure(1.0, [1.0]), figure(1 + 2e-6, [1 + 2e-6]), ArtifactRule("*"))
    assert (outcome.status, outcome.bad, outcome.allow) == (DRIFT, 2, None)
    outcome = compare_figures(figure(1.0, [1.0]), figure(1 + 2e-6, [1.0]), ArtifactRule("*"))
    assert outcome.allow == "{columns: {y: {rel: 2.2e-6}}}"
    outcome = compare_figures(figure(1.0, [1.0]), figure("a", [1 + 2e-6]), ArtifactRule("*"))
    assert (outcome.status, outcome.allow) == (STRUCTURE, None)


def test_endless_nesting_is_refused():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(IncomparableError):
        compare_figures(deep, deep, ArtifactRule("*"))


def test_packed_arrays_in_json_files_are_numbers(tmp_path):
    def judged(old, new, suffix="json"):
        paths = tmp_path / f"old.{suffix}", tmp_path / f"new.{suffix}"
        for path, value in zip(paths, (old, new), strict=True):
            path.write_text(json.dumps(value))
        return base.judge(JsonComparer(), *paths, ArtifactRule("*"), {})

    old, near, far = ({"data": [{"y": packed([1.0, y])}]} for y in (2.0, 2.0 + 1e-7, 2.5))
    assert judged(old, near).status is WITHIN
    outcome = judged(old, far)
    assert (outcome.status, outcome.worst.where) == (DRIFT, "$.data[0].y[1]")
    assert judged({"data": [{"y": [1.0, 2.0]}]}, old).status is STRUCTURE
    assert judged({"a": bokeh([1.0])}, {"a": bokeh([1.0 + 1e-7])}).status is WITHIN
    assert judged(old, near, "yaml").status is DRIFT
