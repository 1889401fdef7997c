"""`--nbrepro-report`: a page, data and a summary of a session."""

from __future__ import annotations

import io
import json
import re

import pytest
from bs4 import BeautifulSoup
from PIL import Image


def png(shade: int, size: int = 120) -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((size, size)).point(lambda level: (level + shade) % 256).save(
        stream, "PNG"
    )
    return stream.getvalue()


NOTEBOOK = """
import json
loss, png, word = {loss}, {png}, {word!r}
print("loss:", loss)
print("says", word)
with open("table.csv", "w") as out:
    out.write("id,score\\n" + "".join(f"{{i}},{{loss if i == 7 else 0.5}}\\n" for i in range(20)))
with open("notes.txt", "w") as out:
    out.write("\\n".join(["same"] * 30 + [word] + ["same"] * 30))
with open("data.json", "w") as out:
    json.dump({{"a": [1, loss], "b": 2}}, out)
with open("plot.png", "wb") as out:
    out.write(png)
show(png)
"""


def source(loss=0.25, shade=0, word="yes"):
    return {"cell_type": "markdown", "source": "# On $x^2$"}, NOTEBOOK.format(
        loss=loss, png=png(shade), word=word
    )


@pytest.fixture
def suite(project, fake_kernel):
    """A notebook whose values are accepted."""
    project.notebook("n.ipynb", *source())
    project.notebook("steady.ipynb", "print('auc: 0.875')")
    project.accept()
    return project


class Told:
    """A report."""

    def __init__(self, folder):
        self.data = json.loads((folder / "report.json").read_text())
        self.page = BeautifulSoup((folder / "index.html").read_text(), "html.parser")
        self.summary = (folder / "summary.md").read_text()
        self.metrics = (folder / "metrics.txt").read_text()
        self.beside = sorted(path.name for path in folder.rglob("*") if path.parent.name == "files")

    def case(self, name):
        return next(case for case in self.data["cases"] if case["case"] == name)

    def section(self, name):
        return next(a for a in self.page.select("article.case") if a.h3.get_text() == name)

    @property
    def statuses(self):
        return {case["case"]: case["status"] for case in self.data["cases"]}


def told(project, folder="out"):
    return Told(project.root / folder)


def test_what_differs_is_shown_in_the_way_that_suits_it(suite):
    suite.notebook("n.ipynb", *source(0.5, 90, "no"))
    result = suite.run("--nbrepro-report=out")
    assert result.ret == 1
    report = told(suite)
    assert report.statuses == {"n.ipynb::default": "drifted", "steady.ipynb::default": "passed"}
    section = report.section("n.ipynb::default")
    figure = section.select_one(".compare")
    assert all(image["src"].startswith("data:image/png") for image in figure.select("img"))
    assert len(figure.select("img")) == 2
    assert figure.select(".heat rect")
    excerpt = section.select_one(".excerpt")
    assert [row.th.get_text() for row in excerpt.select("tbody tr")] == ["6", "7", "8"]
    diffs = " ".join(pre.get_text() for pre in section.select("pre.diff"))
    assert "-yes" in diffs
    assert "+no" in diffs
    assert "$.a[1]" in section.get_text()
    assert "On x^2" not in section.iframe["srcdoc"]
    assert "<math" in section.iframe["srcdoc"]
    assert "sandbox" in section.iframe.attrs
    assert not section.iframe["sandbox"]
    assert "nbrepro review n.ipynb::default" in section.get_text()
    assert [name.partition("-")[2] for name in report.beside if "table" in name] == ["table.csv"] * 2
    assert 'nbrepro_metric{case="n.ipynb::default",metric="loss"} 0.5' in report.metrics
    assert "n.ipynb" in report.summary
    metric = report.case("n.ipynb::default")["metrics"]["loss"]
    assert (metric["baseline"], metric["result"], metric["difference"]) == (0.25, 0.5, 0.25)


def test_the_page_holds_nothing_from_elsewhere(suite):
    suite.notebook("n.ipynb", *source(0.5))
    suite.run("--nbrepro-report=out")
    page = told(suite).page
    for tag in page.find_all(True):
        for name in ("src", "href"):
            address = tag.get(name, "")
            assert re.match(r"$|data:|#|files/|report\.json|summary\.md", address), address
    assert [script.get("src") for script in page.find_all("script")] == [None]


def test_green_sessions_have_a_report_too_and_nothing_of_them_is_copied(suite):
    assert suite.run("--nbrepro-report=out").ret == 0
    report = told(suite)
    assert report.data["ok"]
    assert report.data["counts"] == {"passed": 2}
    assert report.beside == []
    assert "all 2 cases are fine" in report.page.h1.get_text()
    assert report.section("n.ipynb::default").select("img")
    assert not report.page.find_all("iframe")


def test_what_is_accepted_is_shown_as_it_was(suite):
    suite.notebook("n.ipynb", *source(0.5, 90))
    assert suite.run("--nbrepro-report=out", "--nbrepro-update=changed").ret == 0
    report = told(suite)
    assert report.statuses["n.ipynb::default"] == "accepted"
    images = report.section("n.ipynb::default").select_one(".compare").select("img")
    assert images[0]["src"] != images[1]["src"]
    metric = report.case("n.ipynb::default")["metrics"]["loss"]
    assert (metric["baseline"], metric["result"]) == (0.25, 0.5)


def test_every_fate_of_a_case(suite, fake_kernel):
    suite.notebook("broken.ipynb", {"source": "1/0"})
    suite.notebook("fresh.ipynb", "print('a: 1')")
    suite.notebook("typo.ipynb", "x = 1", nbrepro={"metricz": {}})
    suite.notebook("skipped.ipynb", "x = 1", nbrepro={"marks": ["skip"]})
    suite.notebook("known.ipynb", "1/0", nbrepro={"xfail": "bug 1"})
    suite.notebook("shaky.ipynb", "print('a:', runs)")
    suite.notebook("n.ipynb", *source(0.5))
    suite.run("--nbrepro-report=out")
    report = told(suite)
    assert report.statuses == {
        "broken.ipynb::default": "failed",
        "fresh.ipynb::default": "new",
        "typo.ipynb::annotation": "error",
        "skipped.ipynb::default": "skipped",
        "known.ipynb::default": "expected",
        "shaky.ipynb::default": "refused",
        "n.ipynb::default": "drifted",
        "steady.ipynb::default": "passed",
    }
    assert "metricz" in report.section("typo.ipynb::annotation").get_text()
    assert "ZeroDivisionError" in report.section("broken.ipynb::default").get_text()
    assert "disagree" in report.section("shaky.ipynb::default").get_text()
    order = [case["ok"] for case in report.data["cases"]]
    assert order == sorted(order)


def test_obsolete_baselines_are_told(suite):
    (suite.root / "steady.ipynb").unlink()
    assert suite.run("--nbrepro-report=out").ret == 1
    report = told(suite)
    assert list(report.data["obsolete"]) == ["steady/default"]
    assert not report.data["ok"]
    assert "steady/default" in report.page.get_text()


def test_a_new_report_takes_the_place_of_an_old_one(suite):
    suite.notebook("n.ipynb", *source(0.5))
    suite.run("--nbrepro-report=out")
    assert told(suite).beside
    suite.notebook("n.ipynb", *source())
    assert suite.run("--nbrepro-report=out").ret == 0
    assert told(suite).beside == []


def test_notebooks_in_a_report_are_not_collected(suite):
    suite.notebook("n.ipynb", *source(0.5))
    suite.run("--nbrepro-report=out")
    assert any(name.endswith(".ipynb") for name in told(suite).beside)
    suite.run().assert_outcomes(passed=1, failed=1)


def test_a_page_of_somebody_else_is_left_alone(suite):
    page = suite.write("site/index.html", "mine")
    result = suite.run("--nbrepro-report=site")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*this folder holds index.html, and no report*"])
    assert page.read_text() == "mine"
    assert [path.name for path in (suite.root / "site").iterdir()] == ["index.html"]


def test_a_folder_that_cannot_be_written_is_a_fault(suite):
    suite.write("file", "x")
    result = suite.run("--nbrepro-report=file")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*report cannot be written*"])
    result.assert_outcomes(passed=2)


def test_a_crash_of_the_report_costs_no_results(suite, monkeypatch):
    from pytest_nbrepro.reports import html

    monkeypatch.setattr(html, "page", lambda _: 1 / 0)
    result = suite.run("--nbrepro-report=out")
    result.assert_outcomes(passed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["the report crashed: ZeroDivisionError*"])


def test_nothing_is_written_where_nothing_runs(suite):
    suite.run("--nbrepro-report=out", "--collect-only")
    assert not (suite.root / "out").exists()


def test_the_ini_key_and_the_variable(suite, monkeypatch):
    monkeypatch.setenv("NBREPRO_REPORT", "from-variable")
    suite.run()
    assert (suite.root / "from-variable/index.html").exists()
    suite.write("pytest.ini", "[pytest]\nnbrepro_report = from-ini\n")
    suite.run()
    assert (suite.root / "from-ini/index.html").exists()


def test_workers_of_ours(suite):
    suite.notebook("n.ipynb", *source(0.5))
    suite.run("--nbrepro-report=out", "--nbrepro-workers=2")
    assert told(suite).statuses == {"n.ipynb::default": "drifted", "steady.ipynb::default": "passed"}


def test_a_test_of_one_s_own(suite):
    suite.write("test_own.py", "def test_own(nbrepro):\n    nbrepro.check(nbrepro.run('steady.ipynb'))\n")
    suite.run("--nbrepro-report=out", "test_own.py")
    assert told(suite).statuses == {"steady.ipynb::default": "passed"}
