"""Outputs in the notebook and in the log, and how often the notebook is written."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.kernels.recording import Recorder, Saver


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "output.log"


def recorder(log: Path, cap: int = 100) -> Recorder:
    return Recorder(log, cap, {0: 1, 2: 2})


def texts(outputs: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(out["name"], out["text"]) for out in outputs]


def test_what_follows_itself_is_one_output(log: Path) -> None:
    outputs: list[dict[str, Any]] = []
    one = recorder(log)
    for name, text in (("stdout", "a"), ("stdout", "b\r"), ("stderr", "c"), ("stdout", "d"), ("stdout", "")):
        one.stream(outputs, 0, name, text)
    one.finish(outputs, 0)
    one.close()
    one.close()
    assert texts(outputs) == [("stdout", "ab\r"), ("stderr", "c"), ("stdout", "d")]
    assert log.read_bytes() == b"--- cell 1 ---\nab\rcd"
    assert one.spilled == set()


def test_the_log_names_each_cell_on_a_line_of_its_own(log: Path) -> None:
    one = recorder(log)
    one.stream([], 0, "stdout", "no end of line")
    one.stream([], 2, "stdout", "second\n")
    one.stream([], 0, "stdout", "late\n")
    one.close()
    assert log.read_text().splitlines() == [
        "--- cell 1 ---",
        "no end of line",
        "--- cell 2 ---",
        "second",
        "--- cell 1 ---",
        "late",
    ]


def test_other_outputs_end_a_stream(log: Path) -> None:
    outputs: list[dict[str, Any]] = []
    one = recorder(log)
    one.stream(outputs, 0, "stdout", "a")
    outputs.append({"output_type": "display_data"})
    one.stream(outputs, 0, "stdout", "b")
    one.join(0)
    assert [out.get("text") for out in outputs] == ["a", None, "b"]
    one.close()


def test_a_snapshot_while_the_cell_runs(log: Path) -> None:
    outputs: list[dict[str, Any]] = []
    one = recorder(log)
    one.join(0)  # nothing yet
    one.stream(outputs, 0, "stdout", "a")
    assert one.changed
    one.join(0)
    assert texts(outputs) == [("stdout", "a")]
    one.stream(outputs, 0, "stdout", "b")
    one.finish(outputs, 0)
    assert texts(outputs) == [("stdout", "ab")]
    one.close()


def test_what_is_beyond_the_cap_is_named_by_size_and_hash(log: Path) -> None:
    outputs: list[dict[str, Any]] = []
    one = recorder(log, cap=5)
    one.stream(outputs, 0, "stdout", "abcé")  # the last character is two bytes
    one.stream(outputs, 0, "stdout", "fgh")
    one.stream(outputs, 0, "stderr", "ij")
    one.finish(outputs, 0)
    digest = hashlib.sha256(b"fgh").hexdigest()[:16]
    assert outputs[1]["text"] == f"\n[nbrepro: 3 more bytes of stdout, SHA-256 {digest}, in output.log]\n"
    assert [name for name, _ in texts(outputs)] == ["stdout", "stdout", "stderr"]
    assert outputs[0]["text"] == "abcé"
    one.stream(outputs, 0, "stdout", "k")  # a thread that prints later
    one.finish(outputs, 0)
    assert len(outputs) == 3
    assert "4 more bytes" in outputs[1]["text"]
    assert log.read_text() == "--- cell 1 ---\nabcéfghijk"
    assert one.spilled == {0}
    one.close()


def test_a_character_is_not_cut_in_two(log: Path) -> None:
    outputs: list[dict[str, Any]] = []
    one = recorder(log, cap=2)
    one.stream(outputs, 0, "stdout", "aé")
    one.finish(outputs, 0)
    assert outputs[0]["text"] == "a"
    one.close()


def test_clearing_gives_the_room_back(log: Path) -> None:
    outputs: list[dict[str, Any]] = []
    one = recorder(log, cap=3)
    for _ in range(5):
        outputs.clear()
        one.stream(outputs, 0, "stdout", "abc")
    one.finish(outputs, 0)
    assert texts(outputs) == [("stdout", "abc")]
    one.close()


def test_rich_data_beyond_the_cap(log: Path) -> None:
    outputs: list[dict[str, Any]] = []
    one = recorder(log, cap=10)
    data = {"text/plain": "abc", "application/json": {"a": 1}}
    assert one.bundle(outputs, 0, {"text/plain": "abc"}) == {"text/plain": "abc"}
    outputs.append({})
    cut = one.bundle(outputs, 0, data)["text/plain"].splitlines()
    digest = hashlib.sha256(b'{"a": 1}').hexdigest()[:16]
    assert cut[0] == f"[nbrepro: application/json, 8 bytes, SHA-256 {digest}, in output.log]"
    assert cut[1].startswith("[nbrepro: text/plain, 3 bytes")
    assert log.read_text().splitlines()[1:] == ["[application/json]", '{"a": 1}', "[text/plain]", "abc"]
    one.close()


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text())), st.integers(0, 40))
def test_nothing_is_lost_and_the_notebook_keeps_the_start(parts: list[tuple[str, str]], cap: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        outputs: list[dict[str, Any]] = []
        one = recorder(log, cap)
        for name, text in parts:
            one.stream(outputs, 0, name, text)
        one.finish(outputs, 0)
        one.close()
        whole = "".join(text for _, text in parts).encode("utf-8", "surrogatepass")
        logged = log.read_bytes() if log.exists() else b"--- cell 1 ---\n"
        assert logged == b"--- cell 1 ---\n" + whole
        kept = [out["text"] for out in outputs if "[nbrepro:" not in out["text"]]
        assert len("".join(kept).encode("utf-8", "surrogatepass")) <= cap
        if len(whole) <= cap:
            assert "".join(kept).encode("utf-8", "surrogatepass") == whole


def test_writing_takes_a_tenth_of_the_time_at_most() -> None:
    now, written = [0.0], []

    def write(lasting: bool) -> None:
        written.append((now[0], lasting))
        now[0] += 2.0

    saver = Saver(write, lambda: now[0])
    for _ in range(100):
        saver.maybe()
        now[0] += 1.0
    assert written == [(start, False) for start in (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)]
    saver.save()
    assert [lasting for _, lasting in written[6:]] == [True]
