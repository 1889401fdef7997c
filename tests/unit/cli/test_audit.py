"""`nbrepro audit`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_nbrepro import baselines, comparers, files
from pytest_nbrepro.comparers import sketches
from pytest_nbrepro.model import Artifact, Metric

CELL = {
    "cell_type": "code",
    "id": "id0",
    "metadata": {},
    "source": ["# show"],
    "execution_count": None,
    "outputs": [{"name": "stdout", "output_type": "stream", "text": ["took 0.25 of it"]}],
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
    assert (said.code, said.out, said.err) == (0, "", "0 of 13 changes would go unnoticed\n")
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


def lints(bench, *, wide):
    said = bench("audit", "--json")
    return said.code, [(f["name"], f["lint"]) for f in said.json["lints"] if f["wide"] == wide]


def test_limits_that_check_nothing(bench, audited):
    audited(
        "metrics: {loss: {abs: 0.25, rel: 0}, n: {rel: 0.5}}\n"
        "artifacts: {a.csv: {rel: 0.1, columns: {score: {rel: 1}}}, '*.txt': {numbers: {rel: 0.3}}}\n"
        "outputs: {rel: 0.2}\n"
    )
    code, found = lints(bench, wide=True)
    assert code == 1
    assert found == [
        ("loss", "abs 0.25 is as large as the value"),
        ("n", "rel 0.5 lets a tenth or more pass"),
        ("a.csv", "rel 0.1 lets a tenth or more pass"),
        ("a.csv", "score: rel 1 lets a tenth or more pass"),
        ("all cells", "rel 0.2 lets a tenth or more pass"),
    ]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("abs: 0.2, min: 0.1, max: 0.3", "rel 1e-6, abs 0.2 reaches across all from min 0.1 to max 0.3"),
        ("abs: 0.19, min: 0.1, max: 0.3", None),
        ("abs: 0.2, min: 0.1", None),
        (
            "of: 100, flips: 20, min: 0.1, max: 0.3",
            "flips 20 of 100 reaches across all from min 0.1 to max 0.3",
        ),
        ("of: 100, flips: 2, min: 0.1, max: 0.3", None),
    ],
)
def test_a_limit_that_reaches_across_the_hard_range(bench, audited, rule, told):
    audited(f"metrics: {{loss: {{{rule}}}}}")
    assert lints(bench, wide=True)[1] == ([("loss", told)] if told else [])


def test_limits_are_told_apart_from_changes(bench, audited):
    audited("metrics: {loss: {rel: 0.5}}")
    said = bench("audit")
    assert [line.split()[-1] if "NAME" in line else line.split()[2] for line in said.out.splitlines() if line] == [
        "NOTICED", "loss", "WIDE", "loss",
    ]  # fmt: skip
    assert said.err == "1 of 13 changes would go unnoticed\n"


# --- limits that no run came near


def stored(bench, number, **metrics):
    """Put runs into the store, of which the last one used most."""
    for k in range(number):
        values = {name: Metric(value if k == 0 else 0.25) for name, value in metrics.items()}
        bench.run(executed={**BOOK, "cells": [{**CELL, "outputs": []}]}, metrics=values)


BOOK = {"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
LOOSE = "metrics: {loss: {rel: 1e-3}}\nartifacts: {'*': ignore}\noutputs: ignore\n"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.25, "rel 0.001 was never used in 12 runs: the default would do"),
        (0.25 * (1 + 2e-6), "rel 0.001 was never used above 0.2 % in 12 runs: rel 1e-5 would do"),
        (0.25 * (1 + 1e-8), "rel 0.001 was never used above 0.001 % in 12 runs: rel 1e-6 would do"),
        (0.25 * (1 + 1e-4), None),
        (0.5, None),
    ],
)
def test_a_limit_that_was_never_used(bench, audited, value, told):
    audited(LOOSE, metrics={"loss": Metric(0.25)})
    stored(bench, 12, loss=value)
    said = bench("audit", "--json").json
    assert [(f["name"], f["lint"], f["wide"]) for f in said["lints"]] == (
        [("loss", told, False)] if told else []
    )


def test_a_limit_that_is_worth_a_look_is_no_failure(bench, audited):
    audited("metrics: {loss: {rel: 1e-5}}", metrics={"loss": Metric(0.25)})
    stored(bench, 5, loss=0.25)
    said = bench("audit")
    assert said.code == 0
    assert said.out.splitlines()[0].endswith("WORTH A LOOK")
    assert said.out.splitlines()[1].endswith("rel 1e-5 was never used in 5 runs: the default would do")


@pytest.mark.parametrize(
    ("annotation", "metric"),
    [
        ("metrics: {loss: {rel: 1e-6}}", Metric(0.25)),
        ("metrics: {loss: {rel: 1e-3, xfail: later}}", Metric(0.25)),
        ("metrics: {loss: ignore}", Metric(0.25)),
        ("metrics: {loss: {rel: 1e-5}}", Metric(0.25, "float32")),
        ("runs: 5\nmetrics: {loss: {rel: 1e-3}}", Metric(0.25, samples=(0.25, 0.2, 0.3, 0.25, 0.25))),
    ],
)
def test_limits_of_which_nothing_is_said(bench, audited, annotation, metric):
    audited(f"{annotation}\n", metrics={"loss": metric})
    stored(bench, 12, loss=0.25)
    assert lints(bench, wide=False)[1] == []


def test_few_runs_say_nothing(bench, audited):
    audited(LOOSE, metrics={"loss": Metric(0.25)})
    stored(bench, 4, loss=0.25)
    bench.run(executed=BOOK, metrics={"loss": Metric(0.25)}, case="another")
    bench.run(executed=BOOK, metrics={"loss": Metric(0.25)}, status="failed")
    bench.run(metrics={"loss": Metric(0.25)})  # without its executed copy
    (bench.store.runs / "20250101T000009.000000-000009").mkdir()
    assert lints(bench, wide=False)[1] == []
    stored(bench, 1, loss=0.25)
    assert len(lints(bench, wide=False)[1]) == 1


def test_of_many_runs_the_newest_count(bench, audited):
    audited(LOOSE, metrics={"loss": Metric(0.25)})
    stored(bench, 1, loss=9.0)
    stored(bench, 20, loss=0.25)
    assert lints(bench, wide=False)[1] == [
        ("loss", "rel 0.001 was never used in 20 runs: the default would do")
    ]


def test_limits_of_files_and_texts_and_counts(bench, audited):
    audited(
        "metrics: {loss: {of: 100, flips: 3}, n: {abs: 2}}\n"
        "artifacts: {a.csv: {abs: 0.5, columns: {score: {rel: 1e-2}, 'i*': {abs: 1}}}}\noutputs: {rel: 1e-2}\n"
    )
    source = bench.root / "source.csv"
    for _ in range(5):
        run = bench.run(
            executed=BOOK,
            metrics={"loss": Metric(0.25), "n": Metric(3, "int"), "ok": Metric(True, "bool")},
        )
        folder = run.folder / "files"
        folder.mkdir()
        (folder / "a.csv").write_text(source.read_text().replace("0.25", "0.25000025"))
        found = Artifact("a.csv", "", "files/a.csv", files.sha256(folder / "a.csv"), 1)
        bench.store.write(replace(run, artifacts={"a.csv": comparers.described(found, run.folder)}))
    assert lints(bench, wide=False)[1] == [
        ("loss", "flips 3 was never used in 5 runs: 0 would do"),
        ("n", "abs 2 was never used in 5 runs: the default would do"),
        (
            "a.csv",
            "score: rel 0.01, abs 0.5 was never used above 5e-05 % in 5 runs: rel 1e-6, abs 5e-7 would do",
        ),
        ("a.csv", "i*: abs 1 was never used in 5 runs: the default would do"),
        ("all cells", "rel 0.01 was never used in 5 runs: the default would do"),
    ]


# --- sketches


def test_a_sketch_tells_what_it_cannot_show(bench, audited, tmp_path):
    audited("artifacts: {big.csv: {columns: {n: {abs: 3}}}}")
    folder = bench.baselines / "train/default"
    rows = "".join(f"{i},{1 + i / 7},name {i % 3},{i / 7}\n" for i in range(3000))
    source = tmp_path / "big.csv"
    source.write_text("n,x,name,y\n" + rows)
    found = comparers.described(Artifact("big.csv", "", "big.csv", files.sha256(source), 1), tmp_path)
    sketches.write(source, "table", found.schema, folder / "files/big.csv.sketch.npz")
    manifest = json.loads((folder / "artifacts.json").read_text())
    manifest["artifacts"] = {
        "big.csv": {
            "kind": "table", "path": "files/big.csv.sketch.npz", "sha256": found.sha256, "bytes": 1,
            "schema": dict(found.schema), "stored": "sketch",
        }
    }  # fmt: skip
    (folder / "artifacts.json").write_text(json.dumps(manifest))
    said = bench("audit", "--json")
    per = sketches.read(folder / "files/big.csv.sketch.npz")["n"].about.per
    assert [(f["name"], f["change"]) for f in said.json["unnoticed"]] == [
        ("big.csv", f"n: one value +1; one of +{3 * per + 1} is noticed")
    ]
    assert [(f["name"], f["lint"]) for f in said.json["lints"]] == [
        (
            "big.csv",
            f"kept as a sketch, sums of {per} values: errors that cancel in a sum are not noticed (x, y)",
        )
    ]


def test_what_is_ignored_is_left_out(bench, audited):
    audited('metrics: {"*": ignore}\nartifacts: {"*": ignore}\noutputs: ignore\n')
    assert bench("audit").err == "0 of 0 changes would go unnoticed\n"


def test_a_file_of_which_only_the_hash_is_kept(bench, audited):
    audited(stored="hash", metrics={"ok": Metric(True, "bool")})
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
    assert "0 of 13 changes would go unnoticed\nerror: gone/default: " in said.err
    assert "no case has this baseline" in said.err


def test_overlays_are_audited_too(bench, audited):
    audited("metrics: {loss: {rel: 1e-2}, n: {abs: 2}}")
    overlay = bench.baselines / "train/default/overlay/linux-aarch64"
    draft = baselines.Draft({"loss": Metric(0.5)}, {}, {}, None, {"schema": 1}, once=False, fixture=False)
    baselines.write_tree(draft, overlay)
    said = bench("audit", "--json")
    assert said.json["changes"] == 16
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
