"""Taking some values of a candidate into a baseline."""

import dataclasses
import math
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import baselines, files, notebook, pending
from pytest_nbrepro.baselines import Draft, Terms, changes, partly
from pytest_nbrepro.errors import BaselineError
from pytest_nbrepro.model import Artifact, Metric, Picture
from pytest_nbrepro.pending import Pending


def cell(name, text="", source="x", *shown, kind="code"):
    outputs = [{"name": "stdout", "output_type": "stream", "text": [text]}] if text else []
    outputs += [
        {"data": {"text/plain": [f"{a}: sha256 0"]}, "metadata": {}, "output_type": "display_data"}
        for a in shown
    ]
    own = {"outputs": outputs, "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": {}, "source": source.splitlines(keepends=True), **own}


def make(folder, metrics=None, content=None, cells=(), **fields):
    """Write a baseline and read it."""
    artifacts, sources = {}, {}
    for name, text in (content or {}).items():
        path = folder.parent / f"source-{folder.name}" / name
        files.write_bytes(path, text.encode())
        artifacts[name] = Artifact(name, "text", f"files/{name}", files.sha256(path), len(text))
        sources[name] = path
    book = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    environment = fields.pop("environment", {"schema": 1, "cpu": folder.name})
    draft = Draft(
        {n: Metric(v) for n, v in (metrics or {}).items()},
        artifacts,
        sources,
        book,
        environment,
        False,
        False,
    )
    folder.mkdir(parents=True)
    baselines.write_tree(draft, folder)
    return baselines.read(folder)


def two(tmp_path):
    """Return a candidate and a baseline that differ in all that can differ."""
    new = make(
        tmp_path / "new",
        {"a": 1.0, "b": 2.0, "new": 0.0},
        {"same.txt": "s", "x.txt": "new x", "n.txt": "n"},
        [
            cell("m", kind="markdown", source="# title"),
            cell("1", "new one\n", "# one\ny", "x.txt"),
            cell("2", "two\n", "# two"),
            cell("4", "four\n", "# four", "n.txt"),
        ],
    )
    old = make(
        tmp_path / "old",
        {"a": 0.5, "b": 2.0, "lost": 3.0},
        {"same.txt": "s", "x.txt": "old x", "l.txt": "l"},
        [
            cell("1", "old one\n", "# one\nx", "x.txt"),
            cell("2", "two\n", "# two"),
            cell("3", "three\n", "# three", "l.txt"),
        ],
    )
    return new, old


@pytest.fixture
def sides(tmp_path):
    return two(tmp_path)


ONE, FOUR = 'cell 1 "one"', 'cell 3 "four"'
ALL = [
    ("metric", "a"),
    ("metric", "lost"),
    ("metric", "new"),
    ("artifact", "l.txt"),
    ("artifact", "x.txt"),
    ("artifact", "n.txt"),
    ("output", ONE),
    ("output", 'cell 3 "three" of the baseline'),
    ("output", FOUR),
]


def test_what_differs(sides):
    found = {change.key: change for change in changes(*sides)}
    assert list(found) == ALL
    assert (found["metric", "a"].before.value, found["metric", "a"].after.value) == (0.5, 1.0)
    assert found["metric", "lost"].after is None
    assert (found["output", ONE].before, found["output", ONE].after) == ("old one\n", "new one\n")
    assert found["output", FOUR].before is None


def test_against_nothing_all_differs(sides):
    new, _ = sides
    assert len(changes(new, None)) == 3 + 3 + 3


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [(math.nan, math.nan, False), (0.0, -0.0, True), (1, 1.0, True), (True, 1, True), (1.0, 1.0, False)],
)
def test_values_are_compared_as_they_are_written(tmp_path, one, other, differ):
    from pytest_nbrepro.capture import dtype_of

    def side(name, value):
        made = make(tmp_path / name)
        return type(made)(made.folder, {"m": Metric(value, dtype_of(value))}, {}, None, {})

    assert bool(changes(side("a", one), side("b", other))) is differ


def written(draft, folder):
    folder.mkdir()
    baselines.write_tree(draft, folder)
    return baselines.read(folder)


def texts(baseline):
    return {c.id: baselines.stored_text(c) for c in notebook.read(baseline.notebook).code}


def test_nothing_taken_is_the_present_baseline(sides, tmp_path):
    new, old = sides
    merged = written(partly(new, old, []), tmp_path / "merged")
    assert changes(merged, old) == []
    assert merged.environment == old.environment
    assert baselines.fingerprint(merged.folder) == baselines.fingerprint(old.folder)


def test_all_taken_leaves_no_difference(sides, tmp_path):
    new, old = sides
    merged = written(partly(new, old, ALL), tmp_path / "merged")
    assert changes(new, merged) == []


@given(taken=st.sets(st.sampled_from(ALL)))
def test_what_is_taken_and_nothing_else_changes(taken, tmp_path_factory):
    folder = tmp_path_factory.mktemp("partly")
    new, old = two(folder)
    merged = written(partly(new, old, taken), folder / "merged")
    assert {change.key for change in changes(new, merged)} == set(ALL) - taken


def test_cells_and_files_of_what_is_taken(sides, tmp_path):
    new, old = sides
    merged = written(
        partly(new, old, {("output", FOUR), ("artifact", "x.txt"), ("metric", "lost")}), tmp_path / "m"
    )
    assert texts(merged) == {"1": "old one\n", "2": "two\n", "3": "three\n", "4": "four\n"}
    assert (merged.folder / "files/x.txt").read_text() == "new x"
    assert (merged.folder / "files/l.txt").exists()
    assert set(merged.metrics) == {"a", "b"}
    sources = [c.source for c in notebook.read(merged.notebook).code]
    assert sources[0] == "# one\nx"  # sources stay those of the baseline


def test_the_file_of_a_sketch_stays(sides, tmp_path):
    new, old = sides
    sketched = {n: dataclasses.replace(a, stored="sketch") for n, a in old.artifacts.items()}
    old = dataclasses.replace(old, artifacts=sketched)
    merged = written(partly(new, old, {("artifact", "x.txt")}), tmp_path / "m")
    assert (merged.folder / merged.artifacts["l.txt"].path).read_text() == "l"


def test_some_of_a_first_baseline(sides, tmp_path):
    new, _ = sides
    merged = written(partly(new, None, {("metric", "a"), ("output", ONE)}), tmp_path / "m")
    assert (list(merged.metrics), list(merged.artifacts)) == (["a"], [])
    assert texts(merged) == {"1": "new one\n", "2": "", "4": ""}
    assert merged.environment == new.environment


def test_baselines_without_a_copy(sides, tmp_path):
    new, old = sides
    for side in sides:
        side.notebook.unlink()
    new, old = baselines.read(new.folder), baselines.read(old.folder)
    assert [c.key for c in changes(new, old)] == ALL[:6]
    assert written(partly(new, old, ALL), tmp_path / "m").metrics.keys() == {"a", "b", "new"}


# -- as it waits --------------------------------------------------------------------------------------


@pytest.fixture
def waiting(sides, tmp_path, write_notebook):
    new, old = sides
    write_notebook(tmp_path / "a.ipynb", "x = 1")
    target = tmp_path / "baselines"
    shutil.copytree(old.folder, target / "a/default")
    entry = Pending(
        "a.ipynb::default", "a.ipynb", "a/default", "changed", "1",
        ("metric a: drift", "metric lost: lost", "text x.txt: drift", f"output {ONE}: drift"),
        baselines.fingerprint(target / "a/default"), pending.source_hash(tmp_path / "a.ipynb"),
    )  # fmt: skip
    root = tmp_path / "pending"
    pending.put(root, entry, partly(new, None, {change.key for change in changes(new, None)}))
    return root, entry, tmp_path, target


def accept(waiting, taken, why=""):
    root, entry, project, target = waiting
    return pending.accept(root, entry, project, target, Terms(why, taken=frozenset(taken)))


def test_the_rest_goes_on_waiting(waiting):
    root, _entry, project, target = waiting
    left = accept(waiting, {("artifact", "x.txt")}, "why").left
    assert list(pending.entries(root)) == [left]
    assert left.differences == ("metric a: drift", "metric lost: lost", f"output {ONE}: drift")
    present = baselines.read(target / "a/default")
    assert (present.folder / "files/x.txt").read_text() == "new x"
    assert present.environment == {"schema": 1, "cpu": "old", "accepted": "why"}
    pending.accept(root, left, project, target, Terms(intended=True))
    assert baselines.read(target / "a/default").environment["cpu"] == "new"


def test_no_reason(waiting):
    _root, _entry, _project, target = waiting
    accept(waiting, {("metric", "a")})
    moved = {"a": {"acceptances": 1, "value": 0.5}}
    assert baselines.read(target / "a/default").environment == {"schema": 1, "cpu": "old", "anchors": moved}


def test_the_last_of_it(waiting):
    root, _entry, _project, target = waiting
    assert accept(waiting, ALL, "all").left is None
    assert list(pending.entries(root)) == []
    environment = dict(baselines.read(target / "a/default").environment)
    assert environment.pop("anchors") == {"a": {"acceptances": 1, "value": 0.5}}
    assert environment == {"schema": 1, "cpu": "new", "accepted": "all"}


def test_a_full_disk_changes_nothing(waiting, monkeypatch):
    root, entry, _project, target = waiting

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "replacing", full)
    with pytest.raises(BaselineError, match="No space left"):
        accept(waiting, {("metric", "a")})
    assert list(pending.entries(root)) == [entry]
    assert baselines.read(target / "a/default").metrics["a"].value == 0.5


def test_sketches_and_what_is_seen_come_along(tmp_path):
    def side(name):
        folder = tmp_path / name
        draft_of = {}
        for path in ("cells/a.frame", "cells/a.html", "files/b.npy.sketch.npz"):
            source = tmp_path / "sources" / name / path
            files.write_bytes(source, f"{name} {path}".encode())
            draft_of[path] = source
        frame, html, sketch = draft_of.values()
        artifacts = {
            "a": Artifact(
                "a",
                "table",
                "cells/a.frame",
                files.sha256(frame),
                1,
                shown=Picture("cells/a.html", files.sha256(html), 1),
            ),
            "b": Artifact("b", "array", "files/b.npy.sketch.npz", name, 1, stored="sketch"),
        }
        book = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        baselines.write_tree(
            Draft({}, artifacts, {"a": frame, "b": sketch}, book, {"schema": 1}, False, False, {"a": html}),
            folder,
        )
        return baselines.read(folder)

    merged = partly(side("new"), side("old"), {("artifact", "a")})
    baselines.write_tree(merged, tmp_path / "merged")
    kept = {path: (tmp_path / "merged" / path).read_text() for path in ("cells/a.frame", "cells/a.html")}
    assert kept == {path: f"new {path}" for path in kept}
    assert (tmp_path / "merged/files/b.npy.sketch.npz").read_text() == "old files/b.npy.sketch.npz"
