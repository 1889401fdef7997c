"""Tables of HTML: cell by cell, by the limits of columns, with rows and columns told by name."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pytest_nbrepro.comparers import base
from pytest_nbrepro.comparers.markup import MarkupComparer
from pytest_nbrepro.model import ArtifactRule, Check, CheckStatus, Limits, Masking, OwnMask, Place

EQUAL, WITHIN, DRIFT, STRUCTURE = (
    CheckStatus.EQUAL,
    CheckStatus.WITHIN,
    CheckStatus.DRIFT,
    CheckStatus.STRUCTURE,
)
ASIDE = CheckStatus.ASIDE


def table(rows: dict[str, tuple[str, ...]], *columns: str) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("", *columns))
    body = "".join(
        f"<tr><th>{label}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for label, cells in rows.items()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


ROWS = {"a": ("0.913", "8000000", "1.5"), "b": ("0.500", "2", "2.5")}
OLD = table(ROWS, "score", "n", "rate")


@pytest.fixture
def judged(tmp_path: Path):
    def judge(one: str, other: str, **rule) -> base.Outcome:
        paths = tmp_path / "a.html", tmp_path / "b.html"
        for path, text in zip(paths, (one, other), strict=True):
            path.write_text(text)
        return base.judge(MarkupComparer(), *paths, ArtifactRule("*", **rule), {})

    return judge


def column(outcome: base.Outcome, name: str) -> Check:
    (found,) = [part for part in outcome.parts if part.name == name]
    return found


def test_a_number_out_of_limit_is_named_with_its_row_and_column(judged):
    outcome = judged(OLD, OLD.replace("0.500", "0.50001"))
    assert (outcome.status, outcome.bad, outcome.limit) == (DRIFT, 1, "rel 1e-6")
    assert outcome.used == pytest.approx(20)
    assert outcome.worst == Place('row "b", column "score"', "0.500", "0.50001")
    assert outcome.message == "score: 1 of 2 cells differ"
    assert outcome.allow == "{columns: {score: {rel: 2.2e-5}}}"
    assert (
        judged(OLD, OLD.replace("0.500", "0.50001"), columns={"score": Limits(rel=2.2e-5)}).status is WITHIN
    )
    assert judged(OLD, OLD.replace("0.500", "0.50000001")).status is WITHIN


def test_limits_hold_for_their_column_alone(judged):
    other = OLD.replace("0.913", "0.914").replace("1.5", "1.501")
    outcome = judged(OLD, other, columns={"s*": Limits(rel=1e-2)})
    assert (outcome.bad, outcome.message) == (1, "rate: 1 of 2 cells differ")
    assert judged(OLD, OLD.replace("8000000", "8000001"), columns={"n": Limits(rel=0.5)}).status is DRIFT
    assert judged(OLD, OLD.replace("8000000", "8000001"), columns={"n": Limits(abs=1)}).status is WITHIN


def test_a_column_may_be_left_out_also_where_it_comes_and_goes(judged):
    rule = {"ignore_columns": ("rate",)}
    assert judged(OLD, OLD.replace("1.5", "<b>x</b>"), **rule).status is EQUAL
    without = table({label: cells[:2] for label, cells in ROWS.items()}, "score", "n")
    assert judged(OLD, without, **rule).status is EQUAL
    assert judged(without, OLD, **rule).status is EQUAL
    assert judged(OLD, without.replace("0.913", "0.914"), **rule).message == "score: 1 of 2 cells differ"


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (table({k: v[:2] for k, v in ROWS.items()}, "score", "n"), "rate: column lost"),
        (table({k: (*v, "1") for k, v in ROWS.items()}, "score", "n", "rate", "more"), "more: column new"),
        (table({"a": ROWS["a"]}, "score", "n", "rate"), 'rows: 1 row lost: "b"'),
        (table({**ROWS, "c": ("1", "2", "3")}, "score", "n", "rate"), 'rows: 1 row new: "c"'),
        (table(ROWS, "score", "n", "rating"), "rate: column lost; rating: column new"),
    ],
)  # fmt: skip
def test_rows_and_columns_that_are_lost_or_new_are_told_as_such(judged, new, message):
    outcome = judged(OLD, new)
    assert (outcome.status, outcome.message) == (STRUCTURE, message)


def test_what_both_have_is_compared_all_the_same(judged):
    new = table({"b": ("0.600", "2", "2.5")}, "score", "n", "rate")
    outcome = judged(OLD, new)
    assert outcome.message == 'rows: 1 row lost: "a"; score: 1 of 1 cells differ'
    assert column(outcome, "score").worst == Place('row "b", column "score"', "0.500", "0.600")


def test_rows_without_headings_cannot_be_told_apart(judged):
    one, other = ("<table><tr><th>a</th></tr>" + "<tr><td>1.5</td></tr>" * n + "</table>" for n in (3, 2))
    assert judged(one, other).message == "rows: 3 -> 2 rows"
    assert judged(one, one.replace("1.5", "1.6", 1)).worst == Place('row 0, column "a"', "1.5", "1.6")


def test_another_order_of_columns_is_told_and_passes(judged):
    new = table({k: (v[1], v[0], v[2]) for k, v in ROWS.items()}, "n", "score", "rate")
    outcome = judged(OLD, new)
    assert (outcome.status, outcome.message) == (EQUAL, "the columns are in another order")
    assert (
        judged(OLD, new.replace("0.913", "0.9")).message
        == "score: 1 of 2 cells differ; the columns are in another order"
    )


def test_a_caption_counts_whatever_the_columns(judged):
    page = OLD.replace("<table>", "<table><caption>Test set</caption>")
    without = table({k: v[:2] for k, v in ROWS.items()}, "score", "n").replace(
        "<table>", "<table><caption>Train set</caption>"
    )
    outcome = judged(page, without, ignore_columns=("rate",))
    assert (outcome.status, outcome.worst) == (DRIFT, Place("/table", "Test set", "Train set"))


def test_looks_and_words_of_cells_count(judged):
    styled = OLD.replace("<td>0.500", '<td class="max">0.500')
    assert judged(styled, styled.replace("max", "min")).worst == Place(
        "/table/tbody[1]/tr[2]/td[1]@class", "max", "min"
    )
    assert judged(OLD, styled).message == "score: new: /table/tbody[1]/tr[2]/td[1]@class"
    assert judged(OLD, OLD.replace("0.500", "none")).worst == Place(
        'row "b", column "score"', "0.500", "none"
    )
    assert judged(OLD, OLD.replace("<th>a", "<th>A")).worst == Place('row "a", column "column 1"', "a", "A")
    assert judged(OLD, OLD.replace("<table>", '<table class="x">')).message == "page: new: /table@class"


def test_several_tables_are_told_apart(judged):
    page = f"<h1>All</h1>{OLD}{OLD}"
    head, tail = page.rsplit("0.500", 1)
    outcome = judged(page, f"{head}0.501{tail}")
    assert outcome.message == "table 2: score: 1 of 2 cells differ"
    assert outcome.worst == Place('table 2: row "b", column "score"', "0.500", "0.501")
    assert outcome.allow is None  # more than 100 times its limit
    outcome = judged(page, f"{head}0.50001{tail}")
    assert outcome.allow == "{columns: {score: {rel: 2.2e-5}}}"
    assert judged(page, f"{head}0.50001{tail}".replace("All", "Some")).allow is None


# ---------------------------------------------------------------------------------------------------
# Timings


TIMED = table({"svm": ("0.0123", "0.9"), "nb": ("0.5", "0.8")}, "fit_time", "score")


def test_timings_by_column_and_by_row_are_set_aside(judged):
    outcome = judged(TIMED, TIMED.replace("0.0123", "1.2"))
    assert outcome.status is EQUAL
    assert column(outcome, "fit_time").worst == Place('row "svm", column "fit_time"', "0.0123", "1.2")
    rows = table({"fit_time": ("0.5", "0.01"), "score": ("0.9", "0.1")}, "mean", "std")
    outcome = judged(rows, rows.replace("0.5", "0.6").replace("0.01", "0.02"))
    assert (outcome.status, [part.name for part in outcome.parts if part.status is ASIDE]) == (
        EQUAL,
        ["fit_time"] * 2,
    )
    assert judged(rows, rows.replace("0.9", "0.8")).status is DRIFT


@pytest.mark.parametrize("new", ["1.2 s", "(0.012)", "1e-3", "0 days 00:00:01.2", "1.5 ± 0.2 ms", " 3 min"])
def test_timings_may_have_units(judged, new):
    assert judged(TIMED, TIMED.replace("0.0123", new)).status is EQUAL


@pytest.mark.parametrize(
    "new", ["", "none", "<b></b>", "NaN", "error 1", "0.5 kg", "failed after 0.5 s", "s"]
)
def test_a_timing_that_is_none_any_more_fails(judged, new):
    assert not judged(TIMED, TIMED.replace("0.0123", new)).status.ok


def test_whole_numbers_are_data_and_a_rule_brings_timings_back(judged):
    whole = table({"film": ("148", "0.9")}, "runtime", "score")
    assert judged(whole, whole.replace("148", "149")).status is DRIFT
    assert judged(TIMED, TIMED.replace("0.5", "0.6"), columns={"fit*": Limits()}).status is DRIFT
    assert judged(TIMED, TIMED.replace("0.5", "0.6"), columns={"*": Limits()}).status is EQUAL


# ---------------------------------------------------------------------------------------------------
# Masks

DAY = dt.date(2026, 11, 23)
SUMMARY = """<table class="simpletable"><caption>OLS Regression Results</caption>
<tr><th>Dep. Variable:</th><td>y</td><th>  R-squared:         </th><td>   0.913</td></tr>
<tr><th>Date:</th><td>{date}</td><th>  Prob (F-statistic):</th><td>4.00e-05</td></tr>
<tr><th>Time:</th><td>{time}</td><th>  Log-Likelihood:    </th><td> -12.978</td></tr>
</table>
<table class="simpletable">
<tr><td></td><th>coef</th><th>std err</th></tr>
<tr><th>const</th><td>    1.5000</td><td>    0.012</td></tr>
</table>"""


def summary(date: str, time: str) -> str:
    return SUMMARY.format(date=date, time=time)


def test_the_date_of_a_summary_is_no_result(judged):
    one = summary("Fri, 20 Nov 2026", "09:10:11")
    outcome = judged(one, summary("Mon, 23 Nov 2026", "16:59:03"), days=frozenset({DAY}))
    assert (outcome.status, outcome.message) == (EQUAL, "masked: dates and times 2")
    same = judged(
        summary("Mon, 23 Nov 2026", "09:10:11"),
        summary("Mon, 23 Nov 2026", "16:59:03"),
        days=frozenset({DAY}),
    )
    assert same.status is EQUAL
    outcome = judged(
        one, summary("Mon, 23 Nov 2026", "16:59:03").replace("0.913", "0.914"), days=frozenset({DAY})
    )
    assert outcome.worst == Place('row "R-squared:"', "0.913", "0.914")
    outcome = judged(one, one.replace("1.5000", "1.5001"), days=frozenset({DAY}))
    assert outcome.worst == Place('row "const", column "coef"', "1.5000", "1.5001")


def test_other_dates_are_results(judged):
    one, other = (table({date: ("0.5",)}, "score") for date in ("2019-01-01", "2019-01-02"))
    outcome = judged(one, other, days=frozenset({DAY}))
    assert (outcome.status, outcome.bad) == (DRIFT, 1)
    assert judged(one, one.replace("2019-01-01", "2026-11-22"), days=frozenset({DAY})).status is DRIFT


def test_a_date_that_the_baseline_has_twice_and_the_result_once_is_a_result(judged):
    one = "<p>2019-01-01</p><p>2019-01-01</p>"
    assert judged(one, "<p>2019-01-01</p><p>2019-01-02</p>", days=frozenset({DAY})).status is DRIFT


def test_masks_are_applied_to_texts_and_told(judged):
    one = "<p>&lt;Model at 0x7f3c2a1b4d90&gt; took 3.2 s, run-1</p>"
    other = "<p>&lt;Model at 0x7f3c2a1b4d99&gt; took 4.5 s, run-2</p>"
    own = (OwnMask("runs", r"run-\d", "<run>"),)
    outcome = judged(one, other, masks=Masking(own=own))
    assert (outcome.status, outcome.message) == (EQUAL, "masked: addresses 1, runs 1, timings 1")
    outcome = judged(one, other, masks=Masking(frozenset({"timings"}), own))
    assert outcome.status is DRIFT
    assert outcome.message == "1 of 1 texts and attributes differ; masked: addresses 1, runs 1"


# ---------------------------------------------------------------------------------------------------
# Of pandas


def test_tables_of_pandas(judged):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"group": ["x", "x", "y"], "score": [0.913, 0.5, 0.25], "fit_time": [0.1, 0.2, 0.3]},
        index=["a", "b", "c"],
    )
    again = frame.assign(fit_time=[1.1, 2.2, 3.3])
    assert judged(frame.to_html(), again.to_html()).status is EQUAL
    by = [
        each.groupby("group").agg({"score": ["mean", "max"], "fit_time": ["mean"]}) for each in (frame, again)
    ]
    assert judged(*(each.to_html() for each in by), columns={"score.max": Limits(rel=1e-3)}).status is EQUAL
    moved = (
        frame.assign(score=[0.914, 0.5, 0.25])
        .groupby("group")
        .agg({"score": ["mean", "max"], "fit_time": ["mean"]})
    )
    outcome = judged(by[0].to_html(), moved.to_html())
    assert {part.name for part in outcome.parts if not part.status.ok} == {"score.mean", "score.max"}
    outcome = judged(frame.to_html(), frame.drop(index="b").to_html())
    assert outcome.message == 'rows: 1 row lost: "b"'
    pytest.importorskip("jinja2")
    styled = [each.style.format(precision=3).hide(axis="index").to_html() for each in (frame, again)]
    assert judged(*styled).status is EQUAL
    outcome = judged(styled[0], styled[0].replace("0.913", "0.914"))
    assert outcome.worst == Place('row 0, column "score"', "0.913", "0.914")
