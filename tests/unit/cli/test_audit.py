"""`nbrepro audit`."""

from __future__ import annotations

import pytest

from pytest_nbrepro import baselines, comparers, files
from pytest_nbrepro.model import Artifact, Metric

CELL = {
    "cell_type": "code",
    "id": "id0",
    "metadata": {},
    "source": ["# show"],
    "execution_count": None,
    "outputs": [{"name": "stdout", "output_type": "stream", "text": ["took 0.25 of it\n"]}],
}


@pytest.fixture
def audited(bench):
    """A notebook with a baseline; its annotation is written by the test."""

    def write(annotation="", name="train.ipynb", metrics=None, stored="file"):
        bench.notebook(name)
        (bench.root / name).with_suffix(".nbrepro.yaml").write_text(annotation)
        source = bench.root / "source.csv"
        source.write_text("id,score\n1,0.5\n2,0.25\n")
        table = Artifact(
            "a.csv", "table", "files/a.csv", files.sha256(source), source.stat().st_size,
            schema={}, stored=stored,
        )  # fmt: skip
        folder = bench.baselines / name.removesuffix(".ipynb") / "default"
        (folder / "files").mkdir(parents=True)
        (folder / "files/a.csv").write_bytes(source.read_bytes())
        table = comparers.described(table, folder)
        book = {"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        values = metrics or {"loss": Metric(0.25), "n": Metric(3, "int"), "ok": Metric(True, "bool")}
        sources = {"a.csv": source} if stored == "file" else {}
        draft = baselines.Draft(values, {"a.csv": table}, sources, book, {"schema": 1}, False, False)
        baselines.write_tree(draft, folder)

    return write


def test_the_defaults_notice_all(bench, audited):
    audited()
    before = {path: (bench.root / "baselines" / path).read_bytes() for path in bench.tree("baselines")}
    said = bench("audit")
    assert (said.code, said.out, said.err) == (0, "", "0 of 7 changes would go unnoticed\n")
    assert before == {
        path: (bench.root / "baselines" / path).read_bytes() for path in bench.tree("baselines")
    }


def test_what_goes_unnoticed(bench, audited):
    audited(
        "metrics: {loss: {rel: 1e-2}, n: {abs: 2}}\nartifacts: {a.csv: {rel: 1e-2, key: [id]}}\noutputs: {rel: 1e-2}\n"
    )
    said = bench("audit", "--json")
    assert said.code == 1
    assert said.json["failed"] == {}
    assert [(f["kind"], f["name"], f["change"]) for f in said.json["unnoticed"]] == [
        ("metric", "loss", "one value ±0.1 %"),
        ("metric", "n", "one value ±1"),
        ("table", "a.csv", "column score: one value +0.1 %"),
        ("output", 'cell 1 "show"', "one value +0.1 %"),
    ]
    said = bench("audit", "train.ipynb")
    assert said.code == 1
    assert said.out.splitlines()[1].split() == [
        "train.ipynb::default",
        "metric",
        "loss",
        "one",
        "value",
        "±0.1",
        "%",
    ]


def test_it_is_noticed_where_one_side_is(bench, audited):
    audited("metrics: {loss: {better: lower}}")
    assert bench("audit").code == 0


def test_limits_that_check_nothing(bench, audited):
    audited(
        "metrics: {loss: {abs: 0.25, rel: 0}, n: {rel: 0.5}}\nartifacts: {a.csv: {rel: 0.1}}\noutputs: {rel: 0.2}\n"
    )
    found = [(f["name"], f["change"]) for f in bench("audit", "--json").json["unnoticed"]]
    assert ("loss", "abs 0.25 is as large as the value") in found
    assert ("n", "rel 0.5 lets a tenth or more pass") in found
    assert ("a.csv", "rel 0.1 lets a tenth or more pass") in found
    assert ("all cells", "rel 0.2 lets a tenth or more pass") in found


def test_what_is_ignored_is_left_out(bench, audited):
    audited('metrics: {"*": ignore}\nartifacts: {"*": ignore}\noutputs: ignore\n')
    assert bench("audit").err == "0 of 0 changes would go unnoticed\n"


def test_a_file_of_which_only_the_hash_is_kept(bench, audited):
    audited(stored="hash", metrics={"loss": Metric(0.0)})
    (bench.baselines / "train/default/notebook.ipynb").unlink()
    assert bench("audit").err == "0 of 0 changes would go unnoticed\n"


def test_names(bench, audited):
    audited(name="a/train.ipynb")
    audited("metrics: {loss: {rel: 1e-2}}", name="b.ipynb")
    assert bench("audit", "a").code == 0
    assert bench("audit", "b").code == 1
    said = bench("audit", "c.ipynb")
    assert (said.code, said.err) == (2, "error: baselines: no baseline matches 'c.ipynb'\n")


def test_baselines_that_cannot_be_audited(bench, audited):
    audited()
    audited(name="gone.ipynb")
    (bench.root / "gone.ipynb").unlink()
    said = bench("audit")
    assert said.code == 2
    assert "0 of 7 changes would go unnoticed\nerror: gone/default: " in said.err
    assert "no case has this baseline" in said.err


def test_overlays_are_audited_too(bench, audited):
    audited("metrics: {loss: {rel: 1e-2}, n: {abs: 2}}")
    overlay = bench.baselines / "train/default/overlay/linux-aarch64"
    draft = baselines.Draft({"loss": Metric(0.5)}, {}, {}, None, {"schema": 1}, once=False, fixture=False)
    baselines.write_tree(draft, overlay)
    said = bench("audit", "--json")
    assert said.json["changes"] == 8
    assert [(f["name"], f["overlay"]) for f in said.json["unnoticed"]] == [
        ("loss", ""),
        ("n", ""),
        ("loss", "linux-aarch64"),
    ]
    assert "loss, overlay linux-aarch64" in bench("audit").out


def test_a_timing_is_noticed_only_where_a_rule_names_it(bench, audited):
    audited(metrics={"fit_time": Metric(0.25)})
    said = bench("audit")
    assert said.code == 1
    assert "fit_time" in said.out
    audited("metrics: {fit_time: {rel: 1e-6}}", metrics={"fit_time": Metric(0.25)}, name="other.ipynb")
    assert bench("audit", "other.ipynb").code == 0
