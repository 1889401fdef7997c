"""Changes that a person would call changes."""

import importlib
import json

import h5py
import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pytest_nbrepro import comparers, files
from pytest_nbrepro.comparers import perturbing
from pytest_nbrepro.comparers.numbers import compare_metric
from pytest_nbrepro.comparers.perturbing import metrics, texts
from pytest_nbrepro.comparers.perturbing.values import MOVED, NAN, SWAPPED, moved, number, swapped
from pytest_nbrepro.comparers.series import compare_series
from pytest_nbrepro.kernels import child, drawing, tabling
from pytest_nbrepro.model import Artifact, ArtifactRule, Limits, Metric, MetricRule

FRAME = pl.DataFrame(
    {
        "id": [1, 2, 3],
        "score": [0.0, 0.5, 0.25],
        "label": ["a", "a", "b"],
        "same": ["x"] * 3,
        "none": [None] * 3,
    }
)


def table(path):
    if path.suffix == ".frame":
        path.unlink(missing_ok=True)
        tabling.write(FRAME, str(path))
    elif path.suffix == ".parquet":
        FRAME.write_parquet(path)
    elif path.suffix == ".feather":
        FRAME.write_ipc(path)
    elif path.name.startswith("semicolon"):
        FRAME.write_csv(path, separator=";")
    elif path.name.startswith("headless"):
        FRAME.select("id", "score").write_csv(path, include_header=False)
    else:
        FRAME.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")


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


def hdf5(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.array([[0.5, 1.5], [2.5, 0.0]])
        file["x"].attrs["units"] = "K"
        file["g/n"] = np.array([1, 2])
        file["names"] = ["a", "b"]
        file.create_dataset("large", (10**12,), "f4")
        file["link"] = h5py.SoftLink("/x")


def safetensors(path):
    arrays = {"w": ("F32", np.float32([0.5, 1.5])), "h": ("BF16", np.uint16([0x3F80, 0x4000]))}
    header, content = {}, b""
    for name, (dtype, values) in arrays.items():
        span = [len(content), len(content) + values.nbytes]
        header[name] = {"dtype": dtype, "shape": [2], "data_offsets": span}
        content += values.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)


SVG = """<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" version="1.1"><!-- 1.5 -->
<style>path {stroke-width: 1.5}</style><path d="M 0 1.5 L 2.25 0"/><circle cx="1" cy="2" r="3"/>
<text>loss</text><text>steps</text></svg>"""
HTML = """<html><head><title>page 0.5</title></head><body><table><tr><th>score</th><td>0.25</td></tr>
<tr><th>loss</th><td>1.0</td></tr></table></body></html>"""
SCORE = ["column score: one value +0.1 %", f"column score: {NAN}"]
LABEL = f"column label: {SWAPPED}"
TABLE = ["column none dropped", MOVED, "column id: one value +1", *SCORE, LABEL]
TYPED = [
    "column none dropped", MOVED, "column id: one value +1", "column id: dtype Int64 -> Int32",
    *SCORE, "column score: dtype Float64 -> Float32", LABEL,
]  # fmt: skip
VALUE, NUMBER = "one value +0.1 %", ["one value +0.1 %", "one value nan"]
PIXELS = ["20 x 20 pixels at (40,20) inverted", "tile at (0,0) moved by 5 pixels"]
FILES = {
    "a.csv": (table, TABLE),
    "a.tsv": (table, TABLE),
    "semicolon.csv": (table, TABLE),
    "headless.csv": (
        table,
        ["column column 2 dropped", MOVED, "column column 1: one value +1", "column column 2: one value +0.1 %",
         f"column column 2: {NAN}"],
    ),
    "a.parquet": (table, TYPED),
    "a.feather": (table, TYPED),
    "a.frame": (table, TABLE),
    "a.npy": (
        lambda path: np.save(path, np.array([[1.0, -3.0], [np.nan, 0.0]])),
        [VALUE, NAN, MOVED, "dtype float64 -> float32"],
    ),
    "full.npy": (lambda path: np.save(path, np.uint8([255, 255])), []),
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
        lambda path: np.savez(path, n=np.array([1, 2]), f=np.float32([0.5]), s=np.array(["x", "y"])),
        [
            "member s dropped", "n: one value +1", f"n: {MOVED}", "n: dtype int64 -> int32",
            f"f: {VALUE}", f"f: {NAN}", "f: dtype float32 -> float16", f"s: {SWAPPED}", f"s: {MOVED}",
        ],
    ),
    "c.json": (
        lambda path: path.write_text(json.dumps({"a": [0.5, True, None, 0.0], "n": 3, "s": "x", "t": ["y", "z"]})),
        [
            f"a.0: {VALUE}", "n: one value +1", f"a.0: {NAN}", "a.0: a number as text", SWAPPED,
            "t dropped", f"a: {MOVED}",
        ],
    ),
    "one.json": (
        lambda path: path.write_text("0.5"),
        [f"the value: {VALUE}", f"the value: {NAN}", "the value: a number as text"],
    ),
    "c.yaml": (lambda path: path.write_text("a: 0.5\nb: x\n"), [f"a: {VALUE}", f"a: {NAN}", "a: a number as text", "b dropped"]),
    "c.jsonl": (lambda path: path.write_text('{"n": 1}\n{"n": 2}\n'), ["0.n: one value +1", "1.n: one value +1", f"the value: {MOVED}"]),
    "d.png": (picture("RGB"), [*PIXELS, "mode RGB -> L"]),
    "e.png": (picture("RGBA"), [*PIXELS, "mode RGBA -> RGB"]),
    "f.png": (picture("L"), PIXELS),
    "f.tiff": (picture("L"), PIXELS),
    "g.txt": (
        lambda path: path.write_text("n 3, v1.2.3, zero 0.0, loss 0.25\r\nlast\n\n"),
        [*NUMBER, "last line dropped", "lines moved by one", SWAPPED],
    ),
    "h.svg": (lambda path: path.write_text(SVG), [*NUMBER, "last element dropped", SWAPPED]),
    "h.html": (lambda path: path.write_text(HTML), [*NUMBER, "last element dropped", MOVED, SWAPPED]),
    "i.h5": (
        hdf5,
        [
            "g/n dropped", "g/n: one value +1", f"g/n: {MOVED}", "g/n: dtype int64 -> int32", f"names: {SWAPPED}",
            f"x: {VALUE}", f"x: {NAN}", f"x: {MOVED}", "x: dtype float64 -> float32",
        ],
    ),
    "j.safetensors": (
        safetensors,
        ["h dropped", f"w: {VALUE}", f"w: {NAN}", f"w: {MOVED}", "w: dtype float32 -> float16"],
    ),
}  # fmt: skip

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
        result = of(other)
        assert "undecodable" not in result.schema, what
        check = comparers.compare(baseline, accepted, result, other, rule or ArtifactRule(name))
        found[what] = not check.status.ok
    assert baseline == of(accepted)  # nothing touches the accepted file
    return found


@pytest.mark.parametrize("name", FILES)
def test_each_is_a_change_that_the_default_checks_notice(tmp_path, name):
    found = tried(tmp_path, name)
    assert sorted(found) == sorted(FILES[name][1])
    assert all(found.values())


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.npy", "c.json", "h.svg", "i.h5", "j.safetensors"])
def test_what_limits_let_pass_is_not_noticed(tmp_path, name):
    found = tried(tmp_path, name, ArtifactRule(name, Limits(rel=0.01)))
    assert [what for what, noticed in found.items() if not noticed] == [
        what for what in found if what.endswith("0.1 %")
    ]


@pytest.mark.parametrize(
    ("kind", "name", "write"),
    [
        ("opaque", "a.pkl", lambda path: path.write_bytes(b"x")),
        ("image", "a.gif", lambda path: Image.new("L", (9, 9)).save(path)),
        ("image", "p.png", lambda path: Image.new("P", (9, 9)).save(path)),
        ("text", "a.txt", lambda path: path.write_text("3 and 0.0")),
        ("array", "a.npy", lambda path: np.save(path, np.array([]))),
        ("table", "a.csv", lambda path: path.write_text("a\nx\n")),
        ("json", "a.json", lambda path: path.write_text("{}")),
        ("markup", "a.xml", lambda path: path.write_text("<a/>")),
    ],
)
def test_nothing_to_change(tmp_path, kind, name, write):
    write(tmp_path / name)
    assert list(perturbing.changes(kind, tmp_path / name)) == []


def test_numbers():
    assert number(3) == ("one value +1", 4)
    assert number(-2.0) == ("one value +0.1 %", pytest.approx(-2.002))
    assert [number(value) for value in (0.0, float("inf"), float("nan"))] == [None] * 3


def test_places_change():
    assert swapped(["a", "a", "b"]) == ["b", "a", "a"]
    assert moved([1, 2, 3]) == [2, 3, 1]
    assert (swapped(["a"] * 3), moved([1, 1]), moved([])) == (None, None, None)


def test_text_of_cells():
    assert dict(texts.edits("fitted a model\nscore 0.5\n")) == {
        "one value +0.1 %": "fitted a model\nscore 0.5005\n",
        "one value nan": "fitted a model\nscore nan\n",
        "last line dropped": "fitted a model\n",
        "lines moved by one": "score 0.5\nfitted a model\n",
        SWAPPED: "model a fitted\nscore 0.5\n",
    }


def test_metrics():
    def noticed(metric, **rule):
        check = compare_series if rule.get("series") else compare_metric
        limits = Limits(rel=rule.pop("rel", None))
        asked = MetricRule("m", limits, **rule)
        return {
            what: not all(check("m", metric, variant, asked).status.ok for variant in variants)
            for what, variants in metrics.changes(metric, asked)
        }

    assert noticed(Metric(0.5)) == {"one value ±0.1 %": True, NAN: True, "dtype float64 -> float32": True}
    assert noticed(Metric(3, "int")) == {"one value ±1": True, "dtype int -> float64": True}
    assert noticed(Metric(0.5), better="higher")["one value ±0.1 %"] is True
    assert noticed(Metric(0.5), rel=0.01)["one value ±0.1 %"] is False
    assert noticed(Metric(True, "bool")) == {}
    assert noticed(Metric(float("nan"))) == {"dtype float64 -> float32": True}
    steps = Metric(0.5, steps=((1, 2.0), (2, 1.0), (3, 0.5)))
    assert noticed(steps, series=True) == {
        "one value ±0.1 %": True, NAN: True, "dtype float64 -> float32": True,
        "last step dropped": True, "steps moved by one": True,
    }  # fmt: skip


# What issue 3 lists, by the words that each kind has for it; None where a kind has no such thing.
LISTED = {
    "drop a column": {
        "a.csv": "dropped", "a.parquet": "dropped", "b.npz": "dropped", "c.json": "dropped", "g.txt": "dropped",
        "d.png": None, "h.svg": "dropped", "i.h5": "dropped", "j.safetensors": "dropped",
    },
    "shift a row": {
        "a.csv": MOVED, "a.parquet": MOVED, "a.npy": MOVED, "c.json": MOVED, "g.txt": "lines moved", "d.png": None,
        "h.html": MOVED, "i.h5": MOVED, "j.safetensors": MOVED,
    },
    "off by 0.1 %": {
        "a.csv": VALUE, "a.parquet": VALUE, "a.npy": VALUE, "c.json": VALUE, "g.txt": VALUE, "d.png": None,
        "h.svg": VALUE, "h.html": VALUE, "i.h5": VALUE, "j.safetensors": VALUE,
    },
    "swap two labels": {
        "a.csv": SWAPPED, "a.parquet": SWAPPED, "b.npz": SWAPPED, "c.json": SWAPPED, "g.txt": SWAPPED, "d.png": None,
        "h.svg": SWAPPED, "h.html": SWAPPED, "i.h5": SWAPPED, "j.safetensors": None,
    },
    "move one tile": {"d.png": "tile at", "f.tiff": "tile at"},
    "NaN": {
        "a.csv": NAN, "a.parquet": NAN, "a.npy": NAN, "c.json": NAN, "g.txt": "nan", "d.png": None, "h.svg": "nan",
        "i.h5": NAN, "j.safetensors": NAN,
    },
    "a narrower dtype": {
        "a.csv": None, "a.parquet": "dtype", "a.npy": "dtype", "c.json": "as text", "g.txt": None, "d.png": "mode",
        "h.svg": None, "i.h5": "dtype", "j.safetensors": "dtype",
    },
}  # fmt: skip


@pytest.mark.parametrize("change", LISTED)
def test_each_change_of_the_list_exists_where_it_applies(change):
    for name, words in LISTED[change].items():
        if words is not None:
            assert any(words in each for each in FILES[name][1]), name


def test_every_kind_that_can_be_written_is_changed():
    unwritable = {"pdf", "opaque"}
    assert set(perturbing._MODULES) == set(comparers._CLASSES) - unwritable
    for name in perturbing._MODULES.values():
        importlib.import_module(f"pytest_nbrepro.comparers.perturbing.{name}")
