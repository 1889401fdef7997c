"""SVG, HTML and XML: random names and dates mean nothing, every element and number does."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.comparers import base
from pytest_nbrepro.comparers.markup import MarkupComparer
from pytest_nbrepro.comparers.parsing import parse
from pytest_nbrepro.comparers.references import Names
from pytest_nbrepro.errors import UndecodableError
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits, Place

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE, ERROR = CheckStatus.STRUCTURE, CheckStatus.ERROR

SVG = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"
  "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="460.8pt" viewBox="0 0 460.8 345.6"
     xmlns="http://www.w3.org/2000/svg">
 <metadata>
  <rdf:RDF xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <dc:date>2026-11-23T17:18:42.219212</dc:date><dc:format>image/svg+xml</dc:format>
    <dc:creator><dc:title>Matplotlib v3.11.2</dc:title></dc:creator>
  </rdf:RDF>
 </metadata>
 <g id="axes_1">
  <defs><path id="m1a2b3c" d="M 0 3 C 0.795609 3 1.55874 2.683901 2.12132 2.12132"/></defs>
  <g id="line2d_1"><path d="M 57.6 280.8 L 103.68 216.5" clip-path="url(#p99aa)" style="stroke: #1f77b4"/></g>
  <g id="line2d_2"><use xlink:href="#m1a2b3c" x="73.832727" y="307.584"/></g>
  <text>AUC = 0.913</text>
 </g>
 <defs><clipPath id="p99aa"><rect x="57.6" y="34.56" width="357.12" height="266.112"/></clipPath></defs>
</svg>
"""

TABLE = """<table border="1" class="dataframe">
  <thead>
    <tr style="text-align: right;"><th></th><th>score</th><th>n</th></tr>
    <tr><th>id</th><th></th><th></th></tr>
  </thead>
  <tbody>
    <tr><th>a</th><td>0.913</td><td>8000000</td></tr>
    <tr><th>b</th><td>0.500</td><td>2</td></tr>
  </tbody>
</table>
"""

STYLED = """<style type="text/css">
#T_{id}_row0_col0, #T_{id}_row0_col1.blank {{
  background-color: yellow;
}}
</style>
<table id="T_{id}">
  <tr><th class="blank level0" >&nbsp;</th><th id="T_{id}_level0_col0" class="col_heading" >score</th></tr>
  <tr><td id="T_{id}_row0_col0" class="data row0 col0" >{value}</td></tr>
</table>
"""

PLOTLY = """<html><head><meta charset="utf-8" /></head><body><div>
<div id="{id}" class="plotly-graph-div" style="height:100%; width:100%;"></div>
<script type="text/javascript">window.PLOTLYENV = {{}};
if (document.getElementById("{id}")) {{ Plotly.newPlot("{id}", [{{"x":[1,2,3],"y":[0.5,{value},2.5]}}], {{}}) }};
</script></div></body></html>
"""


def judged(folder: Path, one: str | bytes, other: str | bytes, suffix: str = "svg", **limits) -> base.Outcome:
    paths = folder / f"a.{suffix}", folder / f"b.{suffix}"
    for path, text in zip(paths, (one, other), strict=True):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return base.judge(MarkupComparer(), *paths, ArtifactRule("*", limits=Limits(**limits)), {})


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


# ---------------------------------------------------------------------------------------------------
# What means nothing


def test_random_ids_dates_and_the_program_are_equal(tmp_path):
    other = (
        SVG.replace("m1a2b3c", "m777")
        .replace("p99aa", "pffff0")
        .replace("2026-11-23T17:18", "2027-01-01T00:00")
    )
    other = other.replace("v3.11.2", "v3.12.0")
    outcome = judged(tmp_path, SVG, other)
    assert (outcome.status, outcome.used, outcome.bad) == (EQUAL, 0.0, 0)
    assert outcome.n == 20


def test_a_date_that_is_left_out_is_equal(tmp_path):
    assert (
        judged(tmp_path, SVG, edited(SVG, "<dc:date>2026-11-23T17:18:42.219212</dc:date>", "")).status
        is EQUAL
    )


def test_comments_and_layout_of_xml_are_equal(tmp_path):
    other = SVG.replace(' <g id="axes_1">', '<!-- Created by x -->\n\n   <g id="axes_1">')
    assert judged(tmp_path, SVG, other).status is EQUAL


@pytest.mark.parametrize("suffix", ["svg", "xml", "fragment"])
def test_the_order_of_attributes_is_equal(tmp_path, suffix):
    one, other = '<svg><g a="1" b="2"/></svg>', '<svg><g b="2" a="1"/></svg>'
    assert judged(tmp_path, one, other, suffix).status is EQUAL


def test_styled_tables_are_equal_but_for_their_values(tmp_path):
    one = STYLED.format(id="feca2", value="0.913000")
    assert judged(tmp_path, one, STYLED.format(id="0a1b2", value="0.913000"), "html").status is EQUAL
    outcome = judged(tmp_path, one, STYLED.format(id="0a1b2", value="0.918000"), "html")
    assert (outcome.status, outcome.bad) == (DRIFT, 1)
    assert outcome.worst == Place("/table/tr[2]/td[1]", "0.913000", "0.918000")


def test_plotly_pages_are_equal_but_for_their_data(tmp_path):
    one = PLOTLY.format(id=uuid.UUID(int=1), value="1.5")
    assert judged(tmp_path, one, PLOTLY.format(id=uuid.UUID(int=2), value="1.5"), "html").status is EQUAL
    assert (
        judged(tmp_path, one, PLOTLY.format(id=uuid.UUID(int=2), value="1.5000001"), "html").status is WITHIN
    )
    outcome = judged(tmp_path, one, PLOTLY.format(id=uuid.UUID(int=2), value="1.6"), "html")
    assert outcome.status is DRIFT
    assert outcome.worst == Place("/html/body[1]/div[1]/script[1]: $.data[0].y[1]", "1.5", "1.6")


def test_maps_with_hexadecimal_names_are_equal(tmp_path):
    page = '<div id="map_{0}"></div><script>var map_{0} = L.map("map_{0}"); var tiles_{1} = 1;</script>'
    one, other = page.format("0" * 32, "1" * 32), page.format("a" * 32, "b" * 32)
    assert judged(tmp_path, one, other, "html").status is EQUAL


# ---------------------------------------------------------------------------------------------------
# References


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('<p id="a"></p><p id="b"></p><a href="#a">', '<p id="x"></p><p id="y"></p><a href="#x">', True),
        ('<p id="a"></p><p id="b"></p><a href="#a">', '<p id="x"></p><p id="y"></p><a href="#y">', False),
        ('<p id="a"></p><p id="b"></p><a href="#a">', '<p id="b"></p><p id="a"></p><a href="#a">', False),
        ('<p id="a"></p><label for="a">', '<p id="b"></p><label for="b">', True),
        ('<p id="a"></p><label for="a">', '<p id="b"></p><label for="c">', False),
        ('<p id="a"></p><b aria-labelledby="a z">', '<p id="b"></p><b aria-labelledby="b z">', True),
        ('<p id="a"></p><b onclick="f(\'a\')">', '<p id="b"></p><b onclick="f(\'b\')">', True),
        ('<p id="a"></p><b onclick="f(\'a\')">', '<p id="b"></p><b onclick="f(\'a\')">', False),
        ('<p id="a.b"></p><style>#a.b.c {}</style>', '<p id="d.e"></p><style>#d.e.c {}</style>', True),
        ('<p id="a"></p><style>#a.b.c {}</style>', '<p id="d"></p><style>#d.b.c {}</style>', True),
        ('<p id="a"></p><style>#a.b.c {}</style>', '<p id="d"></p><style>#d.b.x {}</style>', False),
        ('<a href="#none">', '<a href="#gone">', False),
        ('<p id="a">a</p>', '<p id="b">b</p>', False),  # text is no reference
        ('<p id="a"></p><b title="a">', '<p id="b"></p><b title="b">', False),
    ],
)
def test_ids_are_renamed_only_where_they_are_names(tmp_path, one, other, same):
    assert judged(tmp_path, one, other, "html").status is (EQUAL if same else DRIFT)


def test_uuids_are_the_same_where_they_are_used_alike(tmp_path):
    a, b, c, d = (str(uuid.UUID(int=i)) for i in range(1, 5))
    assert judged(tmp_path, f"<p>{a} {b} {a}</p>", f"<p>{c} {d} {c}</p>", "html").status is EQUAL
    outcome = judged(tmp_path, f"<p>{a} {b} {a}</p>", f"<p>{c} {d} {d}</p>", "html")
    assert outcome.status is DRIFT
    assert outcome.worst is not None
    assert a in outcome.worst.baseline
    assert d in outcome.worst.result


def test_a_digest_in_text_is_a_value(tmp_path):
    assert judged(tmp_path, f"<p>md5_{'a' * 32}</p>", f"<p>md5_{'b' * 32}</p>", "html").status is DRIFT


def test_ids_of_xml_that_is_no_picture_are_data(tmp_path):
    assert judged(tmp_path, '<items><i id="a"/></items>', '<items><i id="b"/></items>', "xml").status is DRIFT


def test_dates_of_xml_that_is_no_picture_are_data(tmp_path):
    record = '<r xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:date>2026</dc:date></r>'
    assert judged(tmp_path, record, record.replace("2026", "2027"), "xml").status is DRIFT


@given(st.permutations(["a", "b", "c"]), st.lists(st.sampled_from(["a", "b", "c"]), max_size=5))
def test_any_renaming_of_ids_gives_the_same_text(tmp_path_factory, order, references):
    folder = tmp_path_factory.getbasetemp()
    renamed = dict(zip(["a", "b", "c"], order, strict=True))
    page = "".join(f'<p id="{name}"></p>' for name in "abc") + "".join(
        f'<a href="#{name}"></a>' for name in references
    )
    other = "".join(f'<p id="{renamed[name]}"></p>' for name in "abc") + "".join(
        f'<a href="#{renamed[name]}"></a>' for name in references
    )
    assert judged(folder, page, other, "html").status is EQUAL
    kept = all(renamed[name] == name for name in references)
    mixed = other.split("<a")[0] + page[len(page.split("<a")[0]) :]
    assert (judged(folder, page, mixed, "html").status is EQUAL) == kept


def test_names_are_put_back(tmp_path):
    (tmp_path / "a.html").write_text('<p id="first"></p>')
    names = Names(parse(tmp_path / "a.html", UndecodableError))
    assert names.restored(names.attribute("href", "x#first")) == "x#first"
    assert names.attribute("href", "x#first") != "x#first"


# ---------------------------------------------------------------------------------------------------
# Numbers


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("103.68", "103.68001", WITHIN),
        ("103.68", "103.69", DRIFT),
        ("M 0 3 C", "M 0.0000000005 3 C", WITHIN),
        ("M 0 3 C", "M 0.000001 3 C", DRIFT),
        ("M 0 3 C", "M 0.0 3.0 C", WITHIN),
        ("M 0 3 C", "M 0 3 L", DRIFT),
        ("M 0 3 C", "M0 3 C", EQUAL),
        ("M 0 3 C", "M 0 3 0 C", DRIFT),
        ("AUC = 0.913", "AUC = 0.918", DRIFT),
        ("AUC = 0.913", "AUC  = 0.913", DRIFT),
        ("AUC = 0.913", "AUC = 0.9130000001", WITHIN),
        ("#1f77b4", "#1f77b5", DRIFT),
        ("460.8pt", "460.8000001pt", WITHIN),
        ("0 0 460.8 345.6", "0 0 460.9 345.6", DRIFT),
    ],
)
def test_numbers_of_a_picture(tmp_path, old, new, status):
    assert judged(tmp_path, SVG, edited(SVG, old, new)).status is status


def test_a_moved_point_is_named(tmp_path):
    outcome = judged(tmp_path, SVG, edited(SVG, "103.68", "103.69"))
    assert outcome.worst == Place("/svg/g[1]/g[1]/path[1]@d", "103.68", "103.69")
    assert (outcome.bad, outcome.limit) == (1, "rel 1e-6, abs 1e-9")
    assert outcome.used == pytest.approx(0.01 / 103.68e-6)
    assert outcome.allow == "{rel: 1.1e-4}"
    assert judged(tmp_path, SVG, edited(SVG, "103.68", "103.69"), rel=1.1e-4).status is WITHIN


def test_other_text_comes_before_the_worst_number(tmp_path):
    other = edited(edited(SVG, "103.68", "903.68"), "stroke: #", "fill: #")
    outcome = judged(tmp_path, SVG, other)
    assert (outcome.status, outcome.bad, outcome.allow, outcome.limit) == (DRIFT, 2, None, "exact")
    assert outcome.worst == Place("/svg/g[1]/g[1]/path[1]@style", "stroke: #1f77b4", "fill: #1f77b4")


def test_coordinates_only_in_pictures(tmp_path):
    one, other = '<a x="8000000"/>', '<a x="8000001"/>'
    assert judged(tmp_path, one, other, "xml").status is DRIFT
    assert judged(tmp_path, one, other, "html").status is DRIFT
    assert judged(tmp_path, f"<svg>{one}</svg>", f"<svg>{other}</svg>", "svg").status is WITHIN


def test_a_small_number_of_a_table_is_not_nothing(tmp_path):
    assert judged(tmp_path, "<td>3e-9</td>", "<td>3.9e-9</td>", "html").status is DRIFT
    assert judged(tmp_path, '<td v="3e-9">', '<td v="3.9e-9">', "html").status is DRIFT


def test_new_nan_is_told(tmp_path):
    outcome = judged(tmp_path, TABLE, edited(TABLE, "0.913", "NaN"), "html")
    assert (outcome.status, outcome.used, outcome.allow) == (DRIFT, float("inf"), None)
    assert outcome.message.endswith("new NaN")


# ---------------------------------------------------------------------------------------------------
# Tables


def test_a_cell_is_named_by_row_and_column(tmp_path):
    outcome = judged(tmp_path, TABLE, edited(TABLE, "0.500", "0.501"), "html")
    assert outcome.worst == Place('row "b", column "score"', "0.500", "0.501")
    outcome = judged(tmp_path, TABLE, edited(TABLE, "8000000", "8000001"), "html", rel=1e-3)
    assert outcome.status is DRIFT
    assert outcome.worst == Place('row "a", column "n"', "8000000", "8000001")


def test_text_inside_a_cell_is_named_by_the_cell(tmp_path):
    page = edited(TABLE, "0.500", "<b>0.500</b>")
    outcome = judged(tmp_path, page, edited(page, "0.500", "0.501"), "html")
    assert outcome.worst == Place('row "b", column "score"', "0.500", "0.501")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<td>0.500</td><td>2</td>", "<td>0.500</td><td>2</td><td>9</td>"),
        ("<th>score</th>", '<th colspan="2">score</th>'),
        ("<td>8000000</td>", "<td><table></table></td>"),
    ],
)
def test_a_table_that_is_no_grid_is_a_tree(tmp_path, old, new):
    page = edited(TABLE, old, new)
    outcome = judged(tmp_path, page, edited(page, "0.500", "0.501"), "html")
    assert (outcome.worst, outcome.parts) == (Place('row "b"', "0.500", "0.501"), ())
    page = edited(page, "<th>b</th>", "<td>b</td>")
    outcome = judged(tmp_path, page, edited(page, "0.500", "0.501"), "html")
    assert outcome.worst is not None
    assert "/tr[2]/td[2]" in outcome.worst.where


def test_cells_outside_of_tables_are_named_by_their_path(tmp_path):
    outcome = judged(tmp_path, "<td>0.5</td>", "<td>0.6</td>", "html")
    assert outcome.worst == Place("/td", "0.5", "0.6")


def test_an_attribute_of_a_cell_is_named_as_such(tmp_path):
    page = edited(TABLE, "<td>2</td>", '<td class="x">2</td>')
    outcome = judged(tmp_path, page, edited(page, 'class="x"', 'class="y"'), "html")
    assert outcome.worst == Place("/table/tbody[1]/tr[2]/td[2]@class", "x", "y")


# ---------------------------------------------------------------------------------------------------
# Structure


def test_a_lost_element_is_named(tmp_path):
    line = '<g id="line2d_1"><path d="M 57.6 280.8 L 103.68 216.5" clip-path="url(#p99aa)" style="stroke: #1f77b4"/></g>'
    outcome = judged(tmp_path, SVG, edited(SVG, line, "").replace("p99aa", "p0"))
    assert (outcome.status, outcome.bad) == (STRUCTURE, 1)
    assert outcome.message == "lost: /svg/g[1]/g[1] (id line2d_1)"
    assert outcome.worst == Place("/svg/g[1]/g[1] (id line2d_1)", "there", "")
    back = judged(tmp_path, edited(SVG, line, ""), SVG)
    assert back.message == "new: /svg/g[1]/g[1] (id line2d_1)"
    assert back.worst == Place("/svg/g[1]/g[1] (id line2d_1)", "", "there")


def test_the_one_of_many_that_is_lost_is_named(tmp_path):
    page = "<ul>" + "".join(f"<li>{i}.5</li>" for i in range(9)) + "</ul>"
    outcome = judged(tmp_path, page, edited(page, "<li>4.5</li>", ""), "html")
    assert outcome.message == "lost: /ul/li[5]"
    outcome = judged(tmp_path, page, "<ul></ul>", "html")
    assert outcome.message == "lost: /ul/li[1], /ul/li[2], /ul/li[3] and 6 more"
    assert outcome.bad == 9


def test_an_element_of_another_name_is_lost_and_new(tmp_path):
    outcome = judged(tmp_path, TABLE, edited(TABLE, "<th>b</th>", "<td>b</td>"), "html")
    assert outcome.message == "page: lost: /table/tbody[1]/tr[2]/th[1]; new: /table/tbody[1]/tr[2]/td[1]"


def test_elements_in_another_order(tmp_path):
    outcome = judged(tmp_path, "<p><b>1</b><i>2</i></p>", "<p><i>2</i><b>1</b></p>", "html")
    assert (outcome.status, outcome.message) == (STRUCTURE, "lost: /p: the order of its elements")


def test_lost_and_new_attributes(tmp_path):
    outcome = judged(tmp_path, '<p class="a" title="b">', '<p class="a" lang="en">', "html")
    assert (outcome.status, outcome.message) == (STRUCTURE, "lost: /p@title; new: /p@lang")


def test_text_lost_or_moved_around_elements(tmp_path):
    assert judged(tmp_path, "<p>0.5</p>", "<p></p>", "html").status is DRIFT
    assert judged(tmp_path, "<p>a<b></b></p>", "<p><b></b>a</p>", "html").status is DRIFT


def test_a_long_path_is_cut(tmp_path):
    one, other = ("<i>" * 30 + text + "</i>" * 30 for text in ("a", "b"))
    outcome = judged(tmp_path, one, other, "html")
    assert outcome.worst is not None
    assert outcome.worst.where == "/i/i[1]/…" + "/i[1]" * 10


def test_depth_does_not_matter(tmp_path):
    one, other = ("<a>" * 5_000 + text + "</a>" * 5_000 for text in ("1.0", "2.0"))
    for suffix in ("xml", "html"):
        assert judged(tmp_path, one, other, suffix).status is DRIFT


# ---------------------------------------------------------------------------------------------------
# HTML as it comes


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("<p>a  b\n c</p>", "<p>a b c</p>", True),
        ("<p>a b</p>", "<p>ab</p>", False),
        ("<pre>a  b</pre>", "<pre>a b</pre>", False),
        ("<pre><b>a</b>  <i>b</i></pre>", "<pre><b>a</b> <i>b</i></pre>", False),
        ("<script>a  = 1</script>", "<script>a = 1</script>", False),
        ("<br>", "<br/>", True),
        ("<div/>", "<div></div>", True),
        ("<p>&lt;b&gt;</p>", "<p><b></p>", False),
        ("<p>&amp;</p>", "<p>&#38;</p>", True),
        ("<P CLASS='a'>", '<p class="a">', True),
        ("<p>a</b></p>", "<p>a</p>", True),
        ("<input disabled>", "<input>", False),
        ('<p title="1" title="2">', '<p title="3" title="2">', False),
        ("<p>a</p><!-- x -->", "<p>a</p>", True),
        ("<p>a&nbsp;b</p>", "<p>a b</p>", False),
        ("<p title=a>", "<p title='a'>", True),
        ("<p title=a/b>", "<p title='a/c'>", False),
        ("<p title = 'a>b'>", '<p title="a>b">', True),
        ("<p title='\"a\"'>", "<p title='a'>", False),
        ("<p title='&lt;'>", "<p title='<'>", True),
        ("<p title='a", "<p title='a'>", False),
        ('<p ">a</p>', "<p>a</p>", False),
        ("<textarea> <b> &amp;</textarea>", "<textarea> &lt;b&gt; &</textarea>", True),
        ("<textarea>a  b</textarea>", "<textarea>a b</textarea>", False),
        ("<script>if (a < b) x = '<p>';</script>", "<script>if (a < b) x = '<b>';</script>", False),
        ("<script>a && b</script>", "<script>a &amp;&amp; b</script>", False),
        ("<script>a</SCRIPT><p>", "<script>a</script><p>", True),
        ("<script>a", "<script>a</script>", False),
        ("<svg><![CDATA[a < b]]></svg>", "<svg>a &lt; b</svg>", True),
        ("<svg><![CDATA[a < b]]></svg>", "<svg><![CDATA[a < c]]></svg>", False),
        ("<!DOCTYPE html><p>", "<p>", True),
        ("a < b", "a &lt; b", True),
        ("a <!-- b", "a", False),
        ("a </", "a", False),
        ("a <", "a", False),
    ],
)
def test_html(tmp_path, one, other, same):
    assert (judged(tmp_path, one, other, "html").status is EQUAL) == same


def test_html_cut_short_never_passes(tmp_path):
    whole = "<html><body>" + TABLE.strip() + "</body></html>"
    for cut in range(len(whole)):
        assert not judged(tmp_path, whole, whole[:cut], "html").status.ok, cut
    outcome = judged(tmp_path, whole, whole.removesuffix("</body></html>"), "html")
    assert outcome.message == "page: left open at the end: nothing -> html, body"
    assert (outcome.status, outcome.bad) == (STRUCTURE, 1)
    outcome = judged(tmp_path, whole, whole.removesuffix("</body></html>") + "<p>" * 100, "html")
    assert len(outcome.message) < 200
    assert judged(tmp_path, "<p>a<p>b", "<p>a <p>b", "html").message == "1 of 2 texts and attributes differ"


def test_html_in_latin_1(tmp_path):
    assert judged(tmp_path, "<p>\xe9</p>".encode("latin-1"), "<p>\xe9</p>", "html").status is EQUAL


PIECES = [
    "<",
    "<!--",
    "<a ",
    "<a b='",
    "</p ",
    "<p>",
    "<p></b>",
    "<script>",
    "<textarea></",
    "<![CDATA[",
    "<?",
    "&",
    "=",
    "<a =",
]


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_run_of_one_piece_ends(tmp_path, piece):
    text = piece * 30_000
    assert not judged(tmp_path, text, text + "x", "html").status.ok


def test_changes_everywhere_in_a_large_table_end(tmp_path):
    rows = "".join(f'<tr class="r"><td>{i}.5</td></tr>' for i in range(5_000))
    outcome = judged(tmp_path, f"<table>{rows}</table>", f"<table>{rows.replace('.5', '.6')}</table>", "html")
    assert (outcome.status, outcome.bad) == (DRIFT, 5_000)
    plain = rows.replace(' class="r"', "")
    outcome = judged(tmp_path, f"<table>{rows}</table>", f"<table>{plain}</table>", "html")
    assert (
        outcome.message == "lost: /table/tr[1]@class, /table/tr[2]@class, /table/tr[3]@class and 4,997 more"
    )


# ---------------------------------------------------------------------------------------------------
# Broken and dangerous files


def test_svg_cut_short_never_passes(tmp_path):
    text = SVG.strip()
    for cut in range(0, len(text), 7):
        outcome = judged(tmp_path, text, text[:cut])
        assert outcome.status is STRUCTURE, cut
        assert outcome.message.startswith("the result is not readable: broken XML")
        assert judged(tmp_path, text[:cut], text).status is ERROR


BOMB = '<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;</svg>'
OUTSIDE = '<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/hostname">]><svg>&a;</svg>'
HIDDEN = '<!-- <!DOCTYPE s> --><!DOCTYPE s SYSTEM "x"><svg a="&b;"/>'


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, HIDDEN])
def test_declared_entities_are_an_error_on_either_side(tmp_path, text):
    for pair in ((text, "<svg/>"), ("<svg/>", text)):
        outcome = judged(tmp_path, *pair)
        assert outcome.status is ERROR
        assert "entities" in outcome.message
    (tmp_path / "c.svg").write_text(text)
    with pytest.raises(UndecodableError, match="entities"):
        MarkupComparer().schema(tmp_path / "c.svg")


def test_an_undeclared_entity_is_never_dropped(tmp_path):
    page = '<!DOCTYPE svg SYSTEM "x"><svg a="{}">{}</svg>'
    for pair in (("&b;", ""), ("", "&b;")):
        assert judged(tmp_path, page.format("", ""), page.format(*pair)).status is STRUCTURE


def test_an_unknown_encoding_is_not_readable(tmp_path):
    for name in ("none-such", "utf-7"):
        text = f'<?xml version="1.0" encoding="{name}"?><a/>'
        outcome = judged(tmp_path, "<a/>", text, "xml")
        assert (outcome.status, outcome.bad) == (STRUCTURE, 1)
        assert "not readable" in outcome.message


def test_another_format_under_a_free_name_is_structure(tmp_path):
    outcome = judged(tmp_path, "<svg></svg>", "<p></p>", "out")
    assert (outcome.status, outcome.message) == (STRUCTURE, "format xml -> html")


@pytest.mark.parametrize(
    ("name", "text", "schema"),
    [
        ("a.svg", SVG, {"format": "xml", "roots": ["svg"]}),
        ("a.html", TABLE, {"format": "html", "roots": ["table"]}),
        ("a.htm", "<svg/>", {"format": "html", "roots": ["svg"]}),
        ("a.out", "  <?xml?><a/>".strip().replace("<?xml?>", ""), {"format": "html", "roots": ["a"]}),
        ("a.out", "<svg/>", {"format": "xml", "roots": ["svg"]}),
        ("a.html", "", {"format": "html", "roots": []}),
    ],
)
def test_schema(tmp_path, name, text, schema):
    (tmp_path / name).write_text(text)
    assert MarkupComparer().schema(tmp_path / name) == schema


def test_an_empty_page_does_not_stand_for_a_full_one(tmp_path):
    assert judged(tmp_path, TABLE, "", "html").status is STRUCTURE
    assert judged(tmp_path, "", TABLE, "html").status is STRUCTURE
    assert judged(tmp_path, "a", "", "html").status is DRIFT


# ---------------------------------------------------------------------------------------------------
# What the usual libraries write


def figure(path: Path, *, power=2.0, series=2, title="AUC = 0.913") -> Path:
    figures = pytest.importorskip("matplotlib.figure")
    import numpy as np

    drawn = figures.Figure()
    axes = drawn.add_subplot()
    x = np.linspace(0, 1, 20)
    axes.plot(x, x**power)
    if series == 2:
        axes.plot(x, x**3, "o")
    axes.set_ylim(0, 1)
    axes.set_title(title)
    drawn.savefig(path)
    return path


def test_figures_of_matplotlib(tmp_path):
    def status(other: Path):
        return base.judge(MarkupComparer(), one, other, ArtifactRule("*"), {}).status

    one, again = figure(tmp_path / "a.svg"), figure(tmp_path / "b.svg")
    assert one.read_bytes() != again.read_bytes()
    assert status(again) is EQUAL
    assert status(figure(tmp_path / "c.svg", power=2.001)) is DRIFT
    assert status(figure(tmp_path / "d.svg", title="AUC = 0.319")) is DRIFT
    assert status(figure(tmp_path / "e.svg", title="AUC = 0.918")) is STRUCTURE
    lost = base.judge(MarkupComparer(), one, figure(tmp_path / "f.svg", series=1), ArtifactRule("*"), {})
    assert lost.status is STRUCTURE
    assert "(id line2d_" in lost.message


def test_tables_of_pandas(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"score": [0.913, 0.5], "n": [8_000_000, 2]}, index=["a", "b"])
    other = frame.copy()
    other.loc["b", "score"] = 0.6
    outcome = judged(tmp_path, frame.to_html(), other.to_html(), "html")
    assert (outcome.status, outcome.worst) == (DRIFT, Place('row "b", column "score"', "0.500", "0.600"))
    pytest.importorskip("jinja2")
    one, again = frame.style.highlight_max().to_html(), frame.style.highlight_max().to_html()
    assert one != again
    assert judged(tmp_path, one, again, "html").status is EQUAL
    outcome = judged(tmp_path, one, other.style.highlight_max().to_html(), "html")
    assert (outcome.status, outcome.worst) == (
        DRIFT,
        Place('row "b", column "score"', "0.500000", "0.600000"),
    )
