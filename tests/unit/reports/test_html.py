"""The page of a report as HTML."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from bs4 import BeautifulSoup

from pytest_nbrepro.model import Place, RunError, Why
from pytest_nbrepro.reports import html
from pytest_nbrepro.reports.pages import Pages
from pytest_nbrepro.reports.shelf import FolderShelf

EVIL = "</script></title></style>\"'><img src=x onerror=alert(1)><script>alert(1)</script>&amp;{{ 7 * 7 }}"


@pytest.fixture
def rendered(tmp_path, make_report):
    """The page of a report of cases, parsed."""

    def render(*cases, **fields):
        view = Pages(make_report(*cases, **fields), FolderShelf(tmp_path)).view()
        return BeautifulSoup(html.page(view), "html.parser")

    return render


def test_names_and_texts_are_text(cases, rendered):
    check, case = cases
    part = check(EVIL, "drift", 2.0, worst=Place(EVIL, EVIL, EVIL), message=EVIL, limit=EVIL)
    evil = case(
        check(EVIL, "drift", 2.0, worst=Place(EVIL, "1", "2"), message=EVIL, overlay=EVIL),
        check(EVIL, "drift", 3.0, kind=EVIL, message=EVIL, parts=(part, part), allow=f"{EVIL}: {{rel: 1}}"),
        check(EVIL, "drift", 3.0, kind="output", message=EVIL),
        name=f"{EVIL}.ipynb::{EVIL}",
        metrics={EVIL: 1.0},
        before={EVIL: 2.0},
        environment={"platform": EVIL, "distributions": {EVIL: "1"}},
        why=Why("CODE", EVIL),
        first=EVIL,
        diff=f"## {EVIL}\n-  {EVIL}\n+  {EVIL}",
        waits=True,
        expected=None,
    )
    failed = case(
        check(EVIL, "error", kind="run"),
        name="b.ipynb::default",
        status="failed",
        error=RunError(EVIL, EVIL, 1, EVIL, EVIL),
    )
    page = rendered(evil, failed, project=EVIL, faults=[EVIL], obsolete={EVIL: EVIL}, version=EVIL)
    assert len(page.find_all("script")) == 1
    assert not page.find_all("img")
    assert len(page.find_all("title")) >= 1
    for tag in page.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on")]
    assert EVIL in page.h1.get_text()
    assert "49" not in page.h1.get_text()


def test_the_policy_lets_the_page_s_own_script_run_and_nothing_else(rendered):
    page = rendered()
    policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    digest = base64.b64encode(hashlib.sha256(page.script.string.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "'self' data:"


def test_every_control_has_a_name_and_every_id_is_one(cases, rendered):
    check, case = cases
    page = rendered(
        case(check("a", "drift", 2.0)), case(check("b", "drift", 2.0, kind="table"), name="b.ipynb::default")
    )
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for link in page.select("a[href^='#']"):
        assert link["href"][1:] in ids
    for control in page.select("input, select"):
        assert control.get("aria-label") or control.find_parent("label")
    for name in page.select("[aria-labelledby]"):
        assert name["aria-labelledby"] in ids
    assert all(table.thead for table in page.find_all("table"))


def test_without_javascript_what_needs_it_is_hidden(rendered, cases):
    check, case = cases
    page = rendered(case(check("a", "drift", 2.0)))
    assert all("hidden" in tag.attrs for tag in page.select("[data-js]"))
    assert page.select_one("article.case details").has_attr("open")


def test_nothing_ran(rendered):
    assert "No case ran" in rendered().get_text()


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("## modified cell 1/source:", "head"),
        ("@@ line 3 -> line 3 @@", "head"),
        ("… 3 more lines", "head"),
        ("-a", "minus"),
        ("+  b", "plus"),
        ("   -1.5", ""),
        (" - item", ""),
        ("", ""),
    ],
)
def test_lines_of_a_diff(line, kind):
    assert html.sign(line) == kind


def test_moments():
    assert html.moment("2026-01-02T03:04:05.678+00:00") == "2026-01-02 03:04:05 UTC"
    assert html.moment("yesterday") == "yesterday"


def test_the_style_names_no_address():
    for name in ("report.css", "report.js", "common.js", "notebook.css"):
        assert not re.search(r"https?:|@import|url\(", html.text(name))
