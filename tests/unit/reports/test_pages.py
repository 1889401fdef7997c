"""What the templates are filled with."""

from __future__ import annotations

import pytest

from pytest_nbrepro.reports import shelf
from pytest_nbrepro.reports.pages import Pages
from pytest_nbrepro.reports.shelf import FolderShelf


@pytest.fixture
def view(tmp_path, cases, make_report, write_notebook):
    """The view of one case that fails, with this executed notebook."""

    def make(text=None):
        check, case = cases
        report = make_report(case(check("a", "drift", 2.0)))
        path = write_notebook(tmp_path / "notebook.ipynb", "x = 1")
        if text is not None:
            path.write_text(text)
        report.sheets[0]["notebook"] = str(path)
        return Pages(report, FolderShelf(tmp_path / "out")).view()["cases"][0]

    return make


def test_an_odd_notebook_costs_nothing_but_itself(view):
    shown = view("no notebook")
    assert shown["notebook"].html == ""
    assert "JSON" in shown["notebook"].fault
    assert [file["name"] for file in shown["files"]] == ["executed notebook"]


def test_a_large_notebook_lies_beside_the_page(view, tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "_NOTEBOOK", 0)
    address = view()["notebook"].address
    assert address.endswith("-notebook.html")
    assert "Executed notebook of a.ipynb::default" in (tmp_path / "out" / address).read_text()


def test_what_changed_in_several_cases_is_told_once(cases, make_report, tmp_path):
    from pytest_nbrepro.reports.record import case_record

    check, case = cases
    before = {"distributions": {"numpy": "1.0"}, "platform": "linux"}
    now = {"distributions": {"numpy": "2.0"}, "platform": "linux"}
    records = [
        case_record(case(check("a"), name=f"{name}.ipynb::d", before={}, environment=before), now)
        for name in ("a", "b")
    ]
    view = Pages(make_report(*records), FolderShelf(tmp_path)).view()
    assert view["changes"] == [{"name": "numpy", "before": "1.0", "after": "2.0", "cases": 2}]
    assert view["environment"]["platform"] == "linux"
