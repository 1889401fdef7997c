"""Text files: masks, line ends and encodings, then every line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.comparers import base
from pytest_nbrepro.comparers.text import TextComparer, read
from pytest_nbrepro.model import ArtifactRule, CheckStatus, Limits, Masking, OwnMask, Place

EQUAL, WITHIN, DRIFT = CheckStatus.EQUAL, CheckStatus.WITHIN, CheckStatus.DRIFT
STRUCTURE = CheckStatus.STRUCTURE


def judged(folder: Path, one: str | bytes, other: str | bytes, **rule) -> base.Outcome:
    paths = folder / "a.txt", folder / "b.txt"
    for path, text in zip(paths, (one, other), strict=True):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return base.judge(TextComparer(), *paths, ArtifactRule("*", **rule), {})


def test_lines_are_exact_by_default(tmp_path):
    outcome = judged(tmp_path, "start\nloss: 0.5\nend\n", "start\nloss: 0.50000001\nend\n")
    assert (outcome.status, outcome.limit, outcome.n, outcome.bad) == (DRIFT, "exact", 4, 1)
    assert outcome.worst == Place("line 2", "loss: 0.5", "loss: 0.50000001")
    assert outcome.message == "1 of 4 lines differ"


def test_limits_of_values_do_not_loosen_text(tmp_path):
    assert judged(tmp_path, "loss: 0.5", "loss: 0.50000001", limits=Limits(rel=1.0)).status is DRIFT


def test_numbers_within_limits_where_asked_for(tmp_path):
    numbers = Limits(rel=1e-3)
    outcome = judged(tmp_path, "loss: 0.5\n", "loss: 0.5001\n", numbers=numbers)
    assert (outcome.status, outcome.limit) == (WITHIN, "rel 0.001")
    assert outcome.used == pytest.approx(0.2)
    assert judged(tmp_path, "loss: 0.5\n", "loss: 0.501\n", numbers=numbers).status is DRIFT
    assert judged(tmp_path, "rows: 8000000\n", "rows: 8000001\n", numbers=numbers).status is DRIFT
    assert judged(tmp_path, "rows: 8\n", "rows: 9\n", numbers=Limits(abs=1)).status is WITHIN
    assert judged(tmp_path, "loss: 0.5\n", "lose: 0.5\n", numbers=numbers).status is DRIFT


def test_masks_are_those_of_the_rule(tmp_path):
    one, other = "took 3.2 s in run-1", "took 4.5 s in run-2"
    masks = Masking(own=(OwnMask("runs", r"run-\d", "<run>"),))
    outcome = judged(tmp_path, one, other, masks=masks)
    assert (outcome.status, outcome.message) == (EQUAL, "masked: runs 1, timings 1")
    outcome = judged(tmp_path, one, other, masks=Masking(frozenset({"timings"}), masks.own))
    assert outcome.worst == Place("line 1", "took 3.2 s in <run>", "took 4.5 s in <run>")


def test_masks_hide_what_means_nothing_and_say_so(tmp_path):
    one = "at 2026-11-23 17:18:42 <A object at 0x7f3a5c0d1e20>\nloss: 0.5\n"
    other = "at 2027-01-02 03:04:05 <A object at 0x7f3a5c0d1e99>\nloss: 0.5\n"
    outcome = judged(tmp_path, one, other)
    assert (outcome.status, outcome.bad) == (EQUAL, 0)
    assert outcome.message == "masked: addresses 1, dates and times 1"
    outcome = judged(tmp_path, one, other.replace("0.5", "0.6"))
    assert outcome.status is DRIFT
    assert outcome.message == "1 of 3 lines differ; masked: addresses 1, dates and times 1"


def test_colours_and_overwritten_lines_are_as_a_terminal_shows_them(tmp_path):
    assert judged(tmp_path, "\x1b[31mred\x1b[0m\n", "red\n").status is EQUAL
    assert judged(tmp_path, "10%\r20%\r99%\n", "50%\r99%\n").status is EQUAL
    assert judged(tmp_path, "10%\r99%\n", "99%\r10%\n").status is DRIFT


def test_line_ends_mean_nothing(tmp_path):
    outcome = judged(tmp_path, "a\r\nb\r\n", "a\nb\n")
    assert (outcome.status, outcome.message) == (EQUAL, "")
    assert judged(tmp_path, "a\r\nb\r\n", "a\nc\n").status is DRIFT


def test_lost_and_new_lines(tmp_path):
    outcome = judged(tmp_path, "a\nb\nc\n", "a\nc\n")
    assert (outcome.status, outcome.message) == (STRUCTURE, "1 line lost")
    assert judged(tmp_path, "a\n", "a").status is STRUCTURE
    assert judged(tmp_path, "a", "").status is DRIFT


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        (b"", "", "utf-8"),
        ("\xe9".encode(), "\xe9", "utf-8"),
        ("\xe9".encode("utf-8-sig"), "\xe9", "utf-8-sig"),
        ("\xe9".encode("utf-16"), "\xe9", "utf-16"),
        ("\xe9".encode("latin-1"), "\xe9", "latin-1"),
        (b"\xff\xfea", "\xff\xfea", "latin-1"),
    ],
)
def test_encodings(tmp_path, data, text, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert read(path) == (text, encoding)
    assert TextComparer().schema(path) == {"encoding": encoding}


def test_another_encoding_is_structure(tmp_path):
    outcome = judged(tmp_path, "\xe9", "\xe9".encode("latin-1"))
    assert (outcome.status, outcome.message) == (STRUCTURE, "encoding utf-8 -> latin-1")


def test_twenty_thousand_lines_with_two_percent_changed(tmp_path):
    lines = [f"line {i} has value {i * 0.37:.6f}" for i in range(20_000)]
    changed = [line + " x" if i % 50 == 0 else line for i, line in enumerate(lines)]
    outcome = judged(tmp_path, "\n".join(lines), "\n".join(changed))
    assert (outcome.status, outcome.n, outcome.bad) == (DRIFT, 20_000, 400)
    assert outcome.worst == Place("line 1", lines[0], changed[0])
    outcome = judged(tmp_path, "\n".join(lines), "\n".join(["start", *changed]))
    assert outcome.message == "400 lines lost, 401 lines new"


def test_one_line_of_megabytes_ends(tmp_path):
    line = b"0.1234 " * 400_000
    outcome = judged(tmp_path, line + b"a", line + b"b")
    assert (outcome.status, outcome.bad) == (DRIFT, 1)
    assert outcome.worst is not None
    assert outcome.worst.result.endswith("b")
    assert len(outcome.worst.result) < 70


@given(st.text(alphabet="ab 0.5\n", max_size=30), st.text(alphabet="ab 0.5\n", max_size=30))
def test_exact_text_passes_only_if_equal(tmp_path_factory, one, other):
    outcome = judged(tmp_path_factory.getbasetemp(), one, other)
    assert outcome.status.ok == (one == other)
