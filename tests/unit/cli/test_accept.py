"""`nbrepro accept`, and the checks of `pending` behind it."""

from __future__ import annotations

import json
import shutil

import pytest

from pytest_nbrepro import baselines, files, pending
from pytest_nbrepro.cli.accept import look
from pytest_nbrepro.errors import BaselineError, StoreError

WHY = ("-m", "the new solver is right")


def record_of(bench, folder="train/default"):
    return bench.store.folder / "pending" / folder / "pending.json"


def edit(path, **changed):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


# -- listing ------------------------------------------------------------------------------------------


def test_nothing_waits(bench):
    said = bench("accept", "--list")
    assert (said.code, said.out, said.err) == (0, "", "nothing waits in .nbrepro/pending\n")
    said = bench("accept", "--list", "--json")
    assert (said.code, said.json) == (0, {"schema": 1, "pending": [], "unreadable": {}})
    for name in ("--all", "train.ipynb"):
        said = bench("accept", name, *WHY)
        assert (said.code, said.err) == (2, "error: .nbrepro/pending: nothing waits\n")


def test_list(bench):
    bench.waiting("a/train.ipynb", kind="changed", differences=tuple(f"metric m{n}: drift" for n in range(5)))
    bench.waiting("b.ipynb")
    said = bench("accept", "--list")
    assert said.code == 1
    assert [line.split(maxsplit=3) for line in said.out.splitlines()] == [
        ["KIND", "CASE", "RUN", "DIFFERENCES"],
        [
            "changed",
            "a/train.ipynb::default",
            "20250101T000001.000000-000001",
            "metric m0: drift, metric m1: drift, metric m2: drift, +2 more",
        ],
        ["new", "b.ipynb::default", "20250101T000001.000000-000001", "metric loss: drift"],
    ]


def test_list_as_json(bench):
    bench.waiting("a/train.ipynb", "x=1", kind="changed")
    said = bench("accept", "--list", "--json")
    assert said.code == 1
    assert said.json == {
        "schema": 1,
        "pending": [
            {
                "case": "a/train.ipynb::x=1",
                "notebook": "a/train.ipynb",
                "folder": "a/train/x=1",
                "kind": "changed",
                "run": "20250101T000001.000000-000001",
                "tags": [],
                "differences": ["metric loss: drift"],
            }
        ],
        "unreadable": {},
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("--list", "train.ipynb"),
        ("--list", "--all"),
        ("--list", *WHY),
        (),
        WHY,
        ("--all", "train.ipynb", *WHY),
        ("train.ipynb",),
        ("train.ipynb", "-m", "  "),
        ("--all",),
        ("--all", *WHY, "--from", "absent"),
    ],
)
def test_usage(bench, arguments):
    bench.waiting()
    said = bench("accept", *arguments)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("Usage: nbrepro accept")
    assert not bench.baselines.exists()


# -- accepting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a/train.ipynb::default", "a/train.ipynb", "a/train", "a/train/default", "a", "./a/"]
)
def test_accept_by_name(bench, name):
    bench.waiting("a/train.ipynb")
    bench.waiting("b.ipynb")
    said = bench("accept", name, *WHY)
    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "accepted 1 case into baselines:\n"
        "  new      a/train.ipynb::default\n"
        "next  git add baselines && git commit -m 'the new solver is right (accepts a/train.ipynb::default)'\n"
    )
    assert bench.loss("a/train/default") == 0.25
    assert [entry.case for entry in look(bench.store.pending).entries] == ["b.ipynb::default"]


def test_accept_from_the_notebook_s_folder(bench, monkeypatch):
    bench.waiting("a/train.ipynb")
    monkeypatch.chdir(bench.root / "a")
    said = bench("accept", "train.ipynb", *WHY)
    assert said.code == 0
    assert "git add ../baselines" in said.out


def test_accept_all(bench):
    bench.waiting("a.ipynb")
    bench.waiting("b.ipynb")
    said = bench("accept", "--all", "-m", "new\n machine", "--json")
    assert said.code == 0
    assert [entry["case"] for entry in said.json["accepted"]] == ["a.ipynb::default", "b.ipynb::default"]
    assert set(said.json) == {"schema", "accepted", "meant", "notes", "failed", "commit"}
    assert (said.json["schema"], said.json["failed"]) == (1, [])
    assert said.json["commit"] == "new machine (accepts 2 cases)"
    assert bench("accept", "--list").code == 0
    assert bench.tree(".nbrepro") == []


def test_the_reason_is_kept_with_the_values(bench):
    bench.waiting()
    bench("accept", "--all", *WHY)
    record = json.loads((bench.baselines / "train/default/environment.json").read_text())
    assert record == {"schema": 1, "platform": "linux-x86_64", "accepted": "the new solver is right"}


def test_the_reason_of_the_last_time_goes(bench):
    bench.waiting()
    bench("accept", "--all", *WHY)
    entry = bench.waiting(loss=0.5, kind="changed")
    pending.accept(bench.store.pending, entry, bench.root, bench.baselines, baselines.Terms())
    assert "accepted" not in json.loads((bench.baselines / "train/default/environment.json").read_text())
    assert bench.loss() == 0.5


def test_a_reason_needs_no_environment_record(bench):
    bench.waiting()
    (record_of(bench).parent / "environment.json").unlink()
    assert bench("accept", "--all", *WHY).code == 0
    record = json.loads((bench.baselines / "train/default/environment.json").read_text())
    assert record == {"schema": 1, "accepted": "the new solver is right"}


def test_accept_changed_values(bench):
    bench.waiting()
    bench("accept", "--all", *WHY)
    bench.waiting(loss=0.5, kind="changed")
    assert bench("accept", "train", *WHY).code == 0
    assert bench.loss() == 0.5


# -- what stands against it ---------------------------------------------------------------------------


def test_an_unknown_name(bench):
    bench.waiting()
    said = bench("accept", "other.ipynb", "train.ipynb", *WHY)
    assert said.code == 2
    assert "nothing that waits matches 'other.ipynb'" in said.err
    assert "train.ipynb::default" in said.err
    assert not bench.baselines.exists()


def test_a_changed_notebook(bench):
    bench.waiting()
    bench.notebook("train.ipynb", "x = 2.0")
    said = bench("accept", "--all", *WHY)
    assert said.code == 2
    assert "train.ipynb::default: the notebook changed since this run" in said.err
    assert "pytest --nbrepro train.ipynb" in said.err
    assert said.err.endswith("nothing was accepted\n")


def test_a_notebook_that_is_gone(bench):
    bench.waiting()
    (bench.root / "train.ipynb").unlink()
    said = bench("accept", "--all", *WHY)
    assert said.code == 2
    assert "cannot be read" in said.err


def test_a_changed_baseline(bench):
    bench.waiting()
    bench("accept", "--all", *WHY)
    bench.waiting(loss=0.5)
    path = bench.baselines / "train/default/metrics.json"
    path.write_text(path.read_text().replace("0.25", "0.75"))
    said = bench("accept", "--all", *WHY)
    assert said.code == 2
    assert "the baseline changed since this run" in said.err
    assert bench.loss() == 0.75


def test_all_or_nothing(bench):
    bench.waiting("a.ipynb")
    bench.waiting("b.ipynb")
    bench.waiting("c.ipynb")
    bench.notebook("a.ipynb", "x = 2.0")
    bench.notebook("c.ipynb", "x = 2.0")
    said = bench("accept", "--all", *WHY)
    assert said.code == 2
    assert said.out == ""
    assert [line for line in said.err.splitlines() if line.startswith("error")] == [
        "error: a.ipynb::default: the notebook changed since this run",
        "error: c.ipynb::default: the notebook changed since this run",
    ]
    assert not bench.baselines.exists()
    said = bench("accept", "--all", *WHY, "--json")
    assert said.code == 2
    assert [failed["case"] for failed in said.json["failed"]] == ["a.ipynb::default", "c.ipynb::default"]
    assert (said.json["accepted"], said.json["commit"]) == ([], "")
    assert bench("accept", "b.ipynb", *WHY).code == 0


def test_a_full_disk_half_way_is_told(bench, monkeypatch):
    bench.waiting("a.ipynb")
    bench.waiting("b.ipynb")
    exchange = baselines.exchange

    def full(tree, target, tags):
        if target.parent.name == "b":
            raise BaselineError("cannot write this baseline: No space left on device", where=str(target))
        exchange(tree, target, tags)

    monkeypatch.setattr(baselines, "exchange", full)
    said = bench("accept", "--all", *WHY)
    assert said.code == 2
    assert said.out.startswith("accepted 1 case into baselines:\n  new      a.ipynb::default\n")
    assert "No space left" in said.err
    assert "nothing was accepted" not in said.err
    assert [entry.case for entry in look(bench.store.pending).entries] == ["b.ipynb::default"]


def test_a_folder_that_cannot_be_written_is_told(bench, monkeypatch):
    bench.waiting()

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "write_text", refused)
    said = bench("accept", "--all", *WHY)
    assert said.code == 2
    assert "cannot write this baseline: Permission denied; nothing was changed" in said.err
    assert bench.tree("baselines") == []


def test_a_fault_of_the_system_names_the_case(bench, monkeypatch):
    bench.waiting()

    def refused(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pending, "drop", refused)
    said = bench("accept", "--all", *WHY)
    assert said.code == 2
    assert said.err.startswith("error: train.ipynb::default: ")
    assert "Input/output error" in said.err


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (lambda path: path.write_text("{"), "cannot read what waits"),
        (lambda path: path.write_bytes(b"\xff"), "cannot read what waits"),
        (lambda path: path.write_text("[]"), "schema"),
        (lambda path: edit(path, schema=99), "update pytest-nbrepro"),
        (lambda path: edit(path, folder="../../elsewhere"), "it belongs to '../../elsewhere'"),
        (lambda path: edit(path, surplus=1), "surplus"),
        (lambda path: edit(path, differences=None), "cannot read what waits"),
        (lambda path: edit(path, differences=[1]), "a text is none"),
        (lambda path: edit(path, case=1), "a text is none"),
        (lambda path: path.write_text('{"schema": 1}'), "differences"),
    ],
)
def test_an_unreadable_record(bench, fault, what):
    bench.waiting("a/train.ipynb")
    bench.waiting("b.ipynb")
    fault(record_of(bench, "a/train/default"))

    said = bench("accept", "--list")
    assert said.code == 2
    assert "b.ipynb::default" in said.out
    assert what in said.err
    assert "delete" in said.err
    assert list(bench("accept", "--list", "--json").json["unreadable"]) == ["a/train/default"]

    for name in ("--all", "a/train.ipynb", "a/train", "a", "a/train.ipynb::default", "a/train/default"):
        said = bench("accept", name, *WHY)
        assert said.code == 2
        assert what in said.err
        assert not bench.baselines.exists()
    assert bench("accept", "b.ipynb::default", *WHY).code == 0


def test_only_unreadable_records(bench):
    bench.waiting()
    record_of(bench).write_text("{")
    assert bench("accept", "--list").out == ""
    assert "cannot read what waits" in bench("accept", "--all", *WHY).err


@pytest.mark.parametrize(
    "fault",
    [
        lambda folder: (folder / "files/notes.txt").unlink(),
        lambda folder: (folder / "files/notes.txt").write_text("cut"),
        lambda folder: (folder / "artifacts.json").unlink(),
        lambda folder: (folder / "metrics.json").write_text("{"),
        lambda folder: [path.unlink() for path in folder.glob("*.*") if path.name != "pending.json"],
    ],
    ids=["file gone", "file cut", "manifest gone", "metrics cut", "all gone"],
)
def test_values_that_are_not_whole(bench, fault):
    bench.waiting(artifact="notes.txt")
    bench("accept", "--all", *WHY)
    before = bench.tree("baselines")
    bench.waiting(artifact="notes.txt", loss=0.5, kind="changed")
    fault(record_of(bench).parent)
    said = bench("accept", "--all", *WHY)
    assert said.code == 2
    assert "run it again" in said.err
    assert bench.tree("baselines") == before
    assert bench.loss() == 0.25


# -- from elsewhere -----------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", ["", ".nbrepro"])
def test_from_another_store(bench, tmp_path, inside):
    bench.waiting(loss=0.125)  # an older one of this machine's
    bench.waiting(loss=0.5, store=tmp_path / "download" / inside)
    assert bench("accept", "--list", "--from", "download").code == 1
    said = bench("accept", "train.ipynb", *WHY, "--from", "download")
    assert (said.code, said.err) == (0, "")
    assert bench.loss() == 0.5
    assert look(bench.store.pending).entries == []  # it is out of date
    assert bench("accept", "--list", "--from", "download").code == 0  # it is taken


def test_from_a_folder_that_is_no_store(bench, tmp_path):
    (tmp_path / "download").mkdir()
    said = bench("accept", "--all", *WHY, "--from", "download")
    assert said.code == 2
    assert "download: nothing waits here" in said.err


def test_from_a_store_of_another_state_of_the_notebook(bench, tmp_path):
    bench.waiting(store=tmp_path / "download")
    bench.notebook("train.ipynb", "x = 3.0")
    assert bench("accept", "--all", *WHY, "--from", "download").code == 2
    assert not bench.baselines.exists()


# -- records among what runs wrote --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pending.json", "artifacts.json", "deep/pending.json"])
def test_a_notebook_may_write_files_of_these_names(bench, name):
    bench.waiting(artifact=name)
    (entry,) = look(bench.store.pending).entries
    assert entry.folder == "train/default"
    assert bench("accept", "--all", *WHY).code == 0
    assert list(baselines.folders(bench.baselines)) == ["train/default"]


def test_what_a_crash_left_is_passed_over(bench):
    bench.waiting()
    root = bench.store.pending
    shutil.copytree(root / "train/default", root / ".tmp-crash")
    assert len(look(root).entries) == 1
    bench("accept", "--all", *WHY)
    shutil.copytree(bench.baselines / "train/default", bench.baselines / "train/.tmp-crash")
    assert list(baselines.folders(bench.baselines)) == ["train/default"]


def test_entries_raise_where_a_record_cannot_be_read(bench):
    bench.waiting()
    assert [entry.case for entry in pending.entries(bench.store.pending)] == ["train.ipynb::default"]
    record_of(bench).write_text("{")
    with pytest.raises(StoreError):
        list(pending.entries(bench.store.pending))


# -- overlays and anchors -----------------------------------------------------------------------------


ARM = ("linux-aarch64", "cuda")


@pytest.fixture
def differing(bench):
    """Two baselines, and runs elsewhere that differ."""
    for name in ("a.ipynb", "b.ipynb"):
        bench.waiting(name)
    assert bench("accept", "--all", *WHY).code == 0
    for name in ("a.ipynb", "b.ipynb"):
        waiting(bench, name, 0.5)
    return bench


def waiting(bench, name, loss, tags=ARM):
    folder = bench.baselines / name.removesuffix(".ipynb") / "default"
    base = baselines.fingerprint(folder, tags)
    return bench.waiting(name, loss=loss, kind="changed", tags=tags, base=base)


def overlays(bench, folder="a/default"):
    found = baselines.read_overlays(bench.baselines / folder)
    return {tag: side.metrics["loss"].value for tag, side in found.items()}


@pytest.mark.parametrize(
    ("arguments", "tag"),
    [
        (("--overlay",), "linux-aarch64"),
        (("--overlay", "cuda"), "cuda"),
        (("--overlay=linux-aarch64",), "linux-aarch64"),
    ],
)
def test_an_overlay(differing, arguments, tag):
    said = differing("accept", "a.ipynb", *WHY, *arguments)
    assert said.code == 0
    assert f"  changed  a.ipynb::default\n           overlay {tag}: metric loss\n" in said.out
    assert overlays(differing) == {tag: 0.5}
    assert differing.loss("a/default") == 0.25
    assert [entry.case for entry in look(differing.store.pending).entries] == ["b.ipynb::default"]


def test_an_overlay_as_json(differing):
    said = differing("accept", "--all", *WHY, "--overlay", "--json")
    one, other = said.json["accepted"]
    assert (one["tags"], one["common"], one["dropped"]) == (list(ARM), [], {})
    assert one["overlays"] == other["overlays"] == {"linux-aarch64": ["metric loss"]}
    waiting(differing, "a.ipynb", 0.25)
    (one,) = differing("accept", "--all", *WHY, "--json").json["accepted"]
    assert (one["common"], one["overlays"], one["dropped"]) == ([], {}, {"linux-aarch64": ["metric loss"]})
    assert overlays(differing) == {}


def test_nothing_is_accepted_where_one_of_them_cannot_be(differing):
    waiting(differing, "b.ipynb", 0.5, tags=("linux-aarch64",))
    before = differing.tree("baselines")
    said = differing("accept", "--all", *WHY, "--overlay=cuda")
    assert said.code == 2
    assert "b.ipynb::default: the run that waits does not have the tag 'cuda'" in said.err
    assert said.err.endswith("nothing was accepted\n")
    assert differing.tree("baselines") == before


def test_a_name_behind_the_option_is_no_tag(differing):
    said = differing("accept", *WHY, "--overlay", "a.ipynb")
    assert said.code == 2
    assert "--overlay took 'a.ipynb' as its TAG: put it last" in said.err
    assert overlays(differing) == {}


@pytest.mark.parametrize("arguments", [("--overlay",), ("--overlay=x",), ("--intended",)])
def test_listing_takes_no_terms(differing, arguments):
    assert differing("accept", "--list", *arguments).code == 2


def test_a_value_that_an_overlay_decides_is_written_there(differing):
    differing("accept", "a.ipynb", *WHY, "--overlay")
    waiting(differing, "a.ipynb", 0.75)
    said = differing("accept", "a.ipynb", *WHY)
    assert "overlay linux-aarch64: metric loss" in said.out
    assert (differing.loss("a/default"), overlays(differing)) == (0.25, {"linux-aarch64": 0.75})


def crept(bench, name="a.ipynb"):
    for loss in (0.5, 0.75):
        waiting(bench, name, loss)
        said = bench("accept", name, *WHY)
        assert said.code == 0
    return said


def test_creep_is_told(differing):
    said = crept(differing)
    note = "loss has moved 2.0e6 limits since it was meant to change: 0.2500 -> 0.7500, by 2 acceptances"
    assert f"note  a.ipynb::default: {note}\n" in said.out
    assert "nbrepro accept --intended NAME -m WHY" in said.out
    waiting(differing, "a.ipynb", 1.0)
    assert "by 3 acceptances" in differing("accept", "a.ipynb", *WHY, "--json").json["notes"][0]


def test_an_annotation_with_a_fault_leaves_creep_untold(differing):
    (differing.root / "a.nbrepro.yaml").write_text("metricks: {}")
    waiting(differing, "a.ipynb", 0.5)
    said = differing("accept", "a.ipynb", *WHY)
    assert said.code == 0
    assert "how far its metrics moved cannot be told" in said.out


def test_what_is_intended_begins_anew(differing):
    crept(differing)
    waiting(differing, "a.ipynb", 1.0)
    said = differing("accept", "a.ipynb", *WHY, "--intended")
    assert said.code == 0
    assert "note" not in said.out
    assert baselines.read(differing.baselines / "a/default").anchors == {}


@pytest.mark.parametrize("name", ["a.ipynb", "a", "a.ipynb::default", "a/default"])
def test_what_was_accepted_may_be_called_meant_afterwards(differing, name):
    crept(differing)
    said = differing("accept", name, "-m", "new solver", "--intended")
    assert said.code == 0
    assert said.out.startswith("meant as it is: a/default\nnext  git add ")
    record = baselines.read(differing.baselines / "a/default").environment
    assert (record["accepted"], "anchors" in record) == ("new solver", False)
    assert differing.loss("a/default") == 0.75
    assert differing("accept", name, *WHY, "--intended").code == 2  # nothing to do any more


def test_what_waits_and_what_does_not_may_be_meant_together(differing):
    crept(differing)
    said = differing("accept", "a", "b", *WHY, "--intended", "--json")
    assert said.code == 0
    assert (said.json["meant"], [one["case"] for one in said.json["accepted"]]) == (
        ["a/default"],
        ["b.ipynb::default"],
    )
    assert said.json["commit"].endswith("(accepts 2 cases)")


def test_a_name_that_selects_nothing_is_told_though_others_are_meant(differing):
    crept(differing)
    said = differing("accept", "a", "c", *WHY, "--intended")
    assert said.code == 2
    assert "nothing that waits matches 'c'" in said.err
    assert baselines.read(differing.baselines / "a/default").anchors
