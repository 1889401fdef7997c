"""All that a page tells of one case, as plain data."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from PIL import Image

from pytest_nbrepro import comparers, files
from pytest_nbrepro.assessment import Assessment, Places
from pytest_nbrepro.model import (
    Artifact,
    ArtifactRule,
    Baseline,
    Case,
    Check,
    CheckStatus,
    Picture,
    Run,
    RunStatus,
    Spec,
    Verdict,
)
from pytest_nbrepro.notebook import parse
from pytest_nbrepro.reports.data import case_report
from pytest_nbrepro.reports.sheet import sheet

EMPTY = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.fixture
def kit(tmp_path):
    return Kit(tmp_path)


class Kit:
    """A baseline and a run with one artifact."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.old, self.new = root / "baseline", root / "run"
        for folder in (self.old, self.new):
            (folder / "files").mkdir(parents=True)
            (folder / "notebook.ipynb").write_text(EMPTY)
        files.write_json(self.new / "environment.json", {"schema": 1})

    def artifact(self, folder: Path, name: str, content: bytes, **fields) -> Artifact:
        path = folder / "files" / name
        path.write_bytes(content)
        bare = Artifact(name, "", f"files/{name}", files.sha256(path), len(content))
        return dataclasses.replace(comparers.described(bare, folder), **fields)

    def exhibit(self, old: Artifact, new: Artifact, **check):
        """The exhibit of the one check, after the way through JSON."""
        rule = ArtifactRule(new.name)
        judged = comparers.compare(old, self.old, new, self.new, rule)
        judged = dataclasses.replace(judged, **check)
        case = Case("a.ipynb", "default", {}, Spec(), "a/default")
        run = Run(
            "1",
            self.new,
            "a.ipynb",
            "default",
            {},
            RunStatus.COMPLETED,
            "2026-01-01T00:00:00+00:00",
            artifacts={new.name: new},
        )
        baseline = Baseline(self.old, {}, {old.name: old}, self.old / "notebook.ipynb", {})
        executed = parse(EMPTY, self.new / "notebook.ipynb")
        assessment = Assessment(case, run, executed, baseline, Verdict((judged,)))
        places = Places(self.root, self.root, self.root)
        self.told = json.loads(json.dumps(sheet(case_report(assessment, self.root), assessment, places)))
        (exhibit,) = self.told["exhibits"]
        return exhibit

    def texts(self, old: str, new: str, name: str = "a.txt", **check):
        one, other = (
            self.artifact(folder, name, text.encode()) for folder, text in ((self.old, old), (self.new, new))
        )
        return self.exhibit(one, other, **check)


class TestTexts:
    def test_lines_that_differ_count_from_the_beginning_of_the_file(self, kit):
        same = "".join(f"line {i}\n" for i in range(5000))
        assert kit.texts(f"{same}a\nend", f"{same}b\nend")["text"] == [
            "@@ line 4999 -> line 4999 @@",
            " line 4998",
            " line 4999",
            "-a",
            "+b",
            " end",
        ]

    def test_what_is_masked_is_no_difference(self, kit):
        told = kit.texts("at 2026-01-01 00:00:00\nx", "at 2026-02-02 11:11:11\ny")["text"]
        assert [line[0] for line in told[1:]] == [" ", "-", "+"]

    def test_long_ones_are_cut(self, kit):
        told = kit.texts("a\n" * 400, "b\n" * 400)["text"]
        assert told[-1].startswith("… ")
        assert len(told) == 121
        (line,) = (line for line in kit.texts("a" * 900, "b" * 900)["text"] if line[0] == "-")
        assert len(line) == 400

    def test_very_large_ones_are_left_to_the_files(self, kit):
        large = "x" * ((4 << 20) + 1)
        assert kit.texts(large, f"{large}y")["text"] is None

    def test_passing_ones_are_not_compared_again(self, kit):
        told = kit.texts("a", "b", status=CheckStatus.WITHIN)
        assert told["text"] is None
        assert told["files"]["result"] == str(kit.new / "files/a.txt")


class TestPictures:
    def picture(self, kit, folder, shade):
        path = folder / "files" / "p.png"
        Image.new("L", (60, 60), shade).save(path)
        return kit.artifact(folder, "p.png", path.read_bytes())

    def test_both_sides_and_their_tiles(self, kit):
        told = kit.exhibit(self.picture(kit, kit.old, 0), self.picture(kit, kit.new, 255))
        assert told["pictures"] == {
            side: str(folder / "files/p.png") for side, folder in (("baseline", kit.old), ("result", kit.new))
        }
        assert [tile["share"] for tile in told["heat"]["tiles"]] == [1.0] * 4

    def test_one_that_cannot_be_decoded_says_why(self, kit):
        old, new = self.picture(kit, kit.old, 0), kit.artifact(kit.new, "p.png", b"broken")
        told = kit.exhibit(old, new)
        assert told["heat"] is None
        assert "image" in told["fault"]

    def test_what_is_seen_of_data(self, kit):
        (kit.new / "cells").mkdir()
        Image.new("L", (60, 60)).save(kit.new / "cells/c.png")
        shown = Picture("cells/c.png", "0", 1)
        one = kit.artifact(kit.old, "a.npy", b"x", stored="hash")
        other = kit.artifact(kit.new, "a.npy", b"y", shown=shown)
        told = kit.exhibit(one, other)
        assert told["pictures"] == {"baseline": None, "result": str(kit.new / "cells/c.png")}
        assert told["files"]["baseline"] is None


class TestTables:
    def test_bad_rows(self, kit):
        told = kit.texts("a\n1.5\n2.5\n", "a\n1.5\n3.5\n", name="t.csv")["table"]
        assert [row["bad"] for row in told["rows"]] == [False, True]

    def test_a_crash_says_why(self, kit, monkeypatch):
        from pytest_nbrepro.comparers import excerpts

        def crash(*_):
            raise ZeroDivisionError("odd")

        monkeypatch.setattr(excerpts, "excerpt", crash)
        told = kit.texts("a\n1.5\n", "a\n3.5\n", name="t.csv")
        assert told["table"] is None
        assert "ZeroDivisionError: odd" in told["fault"]


def test_links_out_of_a_run_are_not_followed(kit):
    secret = kit.root / "secret.txt"
    secret.write_text("secret")
    old, new = (kit.artifact(folder, "a.txt", text) for folder, text in ((kit.old, b"a"), (kit.new, b"b")))
    (kit.new / "files/a.txt").unlink()
    (kit.new / "files/a.txt").symlink_to(secret)
    told = kit.exhibit(old, new)
    assert told["files"]["result"] is None
    assert told["text"] is None
    (kit.new / "files/a.txt").unlink()
    (kit.new / "files/a.txt").symlink_to(kit.new / "files/a.txt")
    assert kit.exhibit(old, new, status=CheckStatus.DRIFT)["files"]["result"] is None


def test_a_baseline_that_cannot_be_read(tmp_path):
    case = Case("a.ipynb", "default", {}, Spec(), "a/default")
    run = Run("1", tmp_path, "a.ipynb", "default", {}, RunStatus.COMPLETED, "")
    verdict = Verdict((Check("baseline", "a/default", CheckStatus.ERROR, message="half-written"),))
    assessment = Assessment(case, run, None, None, verdict)
    told = sheet(case_report(assessment, tmp_path), assessment, Places(tmp_path, tmp_path, tmp_path))
    assert (told["exhibits"], told["cells"], told["notebook"], told["log"]) == ([], None, None, None)
    assert told["record"]["status"] == "error"


def test_cells_that_cannot_be_compared_are_a_note(kit, monkeypatch):
    from pytest_nbrepro import differences

    monkeypatch.setattr(differences, "cell_differences", lambda *_: 1 / 0)
    kit.texts("a", "b")
    assert kit.told["cells"] is None
    assert "cell by cell: the comparison crashed: ZeroDivisionError" in kit.told["record"]["notes"][0]
