"""Changes that a person would call changes."""

import json

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pytest_nbrepro import comparers, files
from pytest_nbrepro.comparers import perturbing
from pytest_nbrepro.kernels import child, drawing, tabling
from pytest_nbrepro.model import Artifact, ArtifactRule, Limits


def table(path):
    frame = pl.DataFrame(
        {
            "id": [1, 2, 3],
            "score": [0.0, 0.5, 0.25],
            "label": ["a", "a", "b"],
            "same": ["x"] * 3,
            "none": [None] * 3,
        }
    )
    if path.suffix == ".frame":
        path.unlink(missing_ok=True)
        tabling.write(frame, str(path))
    elif path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")


def picture(mode):
    def write(path):
        pixels = np.zeros((50, 70, *(() if mode == "L" else (len(mode),))), np.uint8)
        pixels[25:30, 45:50] = 200
        Image.fromarray(pixels).save(path)

    return write


def figure(path):
    made = Figure()
    ax = made.subplots()
    ax.set_axis_off()
    ax.plot([1.0, 2.0], [0.5, -4.0])
    ax.imshow([[0, 1], [2, 3]], extent=(0, 1, 0, 1))
    ax.set_title("AUC")
    drawing.write(made, str(path), child.sibling, 1 << 20)


COLUMNS = ["column id: one value +1", "column score: one value +0.1 %", "column label: two labels swapped"]
TABLE = ["column none dropped", perturbing.MOVED, *COLUMNS]
FILES = {
    "a.csv": (table, TABLE),
    "a.tsv": (table, TABLE),
    "a.parquet": (table, TABLE),
    "a.frame": (table, TABLE),
    "a.npy": (
        lambda path: np.save(path, np.array([[1.0, -3.0], [np.nan, 0.0]])),
        ["one value +0.1 %", "one NaN", "dtype float64 -> float32"],
    ),
    "figure.npz": (
        figure,
        [
            "image 1 of axes 1: array: one value +0.1 %",
            "line 1 of axes 1: x: one value +0.1 %",
            "line 1 of axes 1: another colour",
            "line 1 of axes 1: another width",
            "title of axes 1 dropped",
            "title of axes 1: a full stop added",
        ],
    ),
    "b.npz": (
        lambda path: np.savez(path, n=np.array([1, 2]), f=np.float32([0.5]), s=np.array(["x"])),
        ["n: one value +1", "f: one value +0.1 %", "f: one NaN"],
    ),
    "c.json": (
        lambda path: path.write_text(json.dumps({"a": [0.5, True, None, 0.0], "n": 3, "s": "x"})),
        ["a.0: one value +0.1 %", "n: one value +1"],
    ),
    "one.json": (lambda path: path.write_text("0.5"), ["the value: one value +0.1 %"]),
    "d.png": (picture("RGB"), ["20 x 20 pixels at (40,20) inverted"]),
    "e.png": (picture("RGBA"), ["20 x 20 pixels at (40,20) inverted"]),
    "f.png": (picture("L"), ["20 x 20 pixels at (40,20) inverted"]),
    "g.txt": (lambda path: path.write_text("n 3, v1.2.3, zero 0.0, loss 0.25\n"), ["one value +0.1 %"]),
}

KINDS = {"a.frame": "table", "figure.npz": "figure"}  # of what only cells show


def tried(folder, name, rule=None):
    """Return each change of a file, and whether the checks notice it."""
    write, _ = FILES[name]
    accepted, other = folder / "accepted", folder / "other"
    for side in (accepted, other):
        (side / "files").mkdir(parents=True)
    path, target = accepted / "files" / name, other / "files" / name
    write(path)

    def of(side):
        file = side / "files" / name
        return comparers.described(
            Artifact(name, KINDS.get(name, ""), f"files/{name}", files.sha256(file), file.stat().st_size),
            side,
        )

    baseline, found = of(accepted), {}
    for what, change in perturbing.changes(baseline.kind, path):
        change(target)
        check = comparers.compare(baseline, accepted, of(other), other, rule or ArtifactRule(name))
        found[what] = not check.status.ok
    assert baseline == of(accepted)  # nothing touches the accepted file
    return found


@pytest.mark.parametrize("name", FILES)
def test_each_is_a_change_that_the_default_checks_notice(tmp_path, name):
    assert tried(tmp_path, name) == dict.fromkeys(FILES[name][1], True)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.npy", "c.json"])
def test_what_limits_let_pass_is_not_noticed(tmp_path, name):
    found = tried(tmp_path, name, ArtifactRule(name, Limits(rel=0.01)))
    assert [what for what, noticed in found.items() if not noticed] == [
        what for what in FILES[name][1] if what.endswith("0.1 %")
    ]


@pytest.mark.parametrize(
    ("kind", "name", "write"),
    [
        ("opaque", "a.pkl", lambda path: path.write_bytes(b"x")),
        ("image", "a.gif", lambda path: Image.new("L", (9, 9)).save(path)),
        ("image", "p.png", lambda path: Image.new("P", (9, 9)).save(path)),
        ("text", "a.txt", lambda path: path.write_text("no number but 3 and 0.0")),
        ("array", "a.npy", lambda path: np.save(path, np.array([]))),
        ("table", "a.csv", lambda path: path.write_text("a\nx\n")),
        ("json", "a.json", lambda path: path.write_text("{}")),
    ],
)
def test_nothing_to_change(tmp_path, kind, name, write):
    write(tmp_path / name)
    assert list(perturbing.changes(kind, tmp_path / name)) == []


def test_numbers():
    assert perturbing.number(3) == ("one value +1", 4)
    assert perturbing.number(-2.0) == ("one value +0.1 %", pytest.approx(-2.002))
    assert [perturbing.number(value) for value in (0.0, float("inf"), float("nan"))] == [None] * 3
