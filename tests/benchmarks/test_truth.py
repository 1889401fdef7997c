"""What the mutation benchmark takes for a result, and how it sees through rounding."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import polars as pl
import pytest
from mutation import truth
from PIL import Image

from pytest_nbrepro.model import Metric, Run, RunStatus


def png(colour: int, **options) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (2, 2), colour).save(stream, "png", **options)
    return stream.getvalue()


def run_of(folder, outputs=(), **metrics):
    cell = {"cell_type": "code", "outputs": list(outputs)}
    (folder / "notebook.ipynb").write_text(json.dumps({"cells": [{"cell_type": "markdown"}, cell]}))
    return Run(
        "r", folder, "a.ipynb", "default", {}, RunStatus.COMPLETED, "2026-11-23T00:00:00", metrics=metrics
    )


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data):
    return {
        "output_type": "display_data",
        "data": {key.replace("_", "/"): value for key, value in data.items()},
    }


@pytest.mark.parametrize(
    ("one", "other", "names"),
    [
        ([stream("at 0x7f8b2c0d5e50 a")], [stream(["at 0x7f8b2c0d5e51 ", "a"])], []),
        ([stream("a"), stream("b")], [stream("ab")], []),
        ([stream("0.50")], [stream("0.5")], ["stdout of cell 1"]),
        ([stream("a", "stderr")], [], ["stderr of cell 1"]),
        ([shown(text_plain="1")], [shown(text_plain="2")], ["text/plain 0 of cell 1"]),
    ],
)
def test_texts(tmp_path, one, other, names):
    found = [truth.results(run_of(tmp_path, outputs), tmp_path) for outputs in (one, other)]
    assert truth.changes(*found) == names


def test_pictures_are_their_pixels(tmp_path):
    same = [png(7), png(7, compress_level=0)]
    assert same[0] != same[1]
    first, second, third = (
        truth.results(run_of(tmp_path, [shown(image_png=base64.b64encode(data).decode())]), tmp_path)
        for data in (*same, png(8))
    )
    assert first == second != third


def test_metrics_count_with_their_dtype(tmp_path):
    found = [truth.results(run_of(tmp_path, a=Metric(1.0, d)), tmp_path) for d in ("float64", "float32")]
    assert truth.changes(*found) == ["metric a"]


def write_npz(path, value):
    np.savez(path, a=np.array([value]), b=np.zeros(2))


@pytest.mark.parametrize(
    ("name", "write", "one", "other", "changed"),
    [
        ("a.npz", write_npz, 1.0, 1.0 + 2**-52, "file a.npz a"),
        ("a.npz", write_npz, np.float32(1), 1.0, "file a.npz a"),
        ("a.npy", np.save, [1.0], [[1.0]], "file a.npy"),
        (
            "a.parquet",
            lambda p, v: pl.DataFrame({"x": [v]}).write_parquet(p),
            1.0,
            1.0 + 2**-52,
            "file a.parquet",
        ),
        ("a.csv", lambda p, v: p.write_text(v), "x\n1.0\n", "x\n1.00\n", "file a.csv"),
        ("a.png", lambda p, v: p.write_bytes(png(v)), 7, 8, "file a.png"),
    ],
    ids=["npz-value", "npz-dtype", "npy-shape", "parquet", "csv", "png"],
)
def test_files_are_every_value(tmp_path, name, write, one, other, changed):
    (tmp_path / "files").mkdir()
    found = []
    for value in (one, one, other):
        write(tmp_path / "files" / name, value)
        found.append(truth.results(run_of(tmp_path), tmp_path))
    assert truth.changes(found[0], found[1]) == []
    assert truth.changes(found[0], found[2]) == [changed]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("print(f'{x:.2f} {n} {k:>5d}')", "print(f'{x!r} {n} {k:>5d}')"),
        ("print(f'{x:8.3f} of {y:.1%}')", "print(f'{x!r} of {y!r}')"),
        ("round(round(x, 2) + 1)", "x + 1"),
        ("df.round(2).to_csv('a')", "df.to_csv('a')"),
        ("np.round(x, 2)", "x"),
        ("classification_report(a, b)", "classification_report(a, b, digits=17)"),
        ("np.savetxt('a', x, fmt='%.3f')", "np.savetxt('a', x)"),
    ],
)
def test_rounding_is_seen_through(source, wanted):
    assert truth.unrounded(source) == wanted


def test_the_prelude_is_python_that_runs_where_its_packages_are():
    compile(truth.PRELUDE, "prelude", "exec")
