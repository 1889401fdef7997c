"""The nbdime diff of one cell: what differs and nothing else, short and soon whatever the cell put out."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.diffs import cell_diff


def shown(name, digest):
    data = {"text/plain": [f"{name}: sha256 {digest}"]}
    return {"data": data, "metadata": {}, "output_type": "display_data"}


def cell(text="", *outputs, source="print(1)", **fields):
    stream = {"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}
    known = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None}
    return {
        **known,
        "source": source.splitlines(keepends=True),
        "outputs": [*([stream] if text else []), *outputs],
        **fields,
    }


def lines(accepted, result, label='cell 3 "fit"'):
    return cell_diff(accepted, result, label).splitlines()


class TestWhatIsShown:
    def test_a_line_of_output(self):
        assert lines(cell("a\nb\nc\n"), cell("a\nx\nc\n")) == [
            '## modified cell 3 "fit"/outputs/0/text:',
            "@@ -1,3 +1,3 @@",
            "   a",
            "-  b",
            "+  x",
            "   c",
        ]

    def test_a_line_of_the_source(self):
        told = lines(cell(source="x = 1\ny = 2"), cell(source="x = 1\ny = 3"))
        assert told[0] == '## modified cell 3 "fit"/source:'
        assert told[-2:] == ["-  y = 2", "+  y = 3"]

    def test_a_figure(self):
        told = lines(cell("same\n", shown("curve", "aa")), cell("same\n", shown("curve", "bb")))
        assert told == [
            '## modified cell 3 "fit"/outputs/1/data/text/plain:',
            "-  curve: sha256 aa",
            "+  curve: sha256 bb",
        ]

    def test_an_output_that_is_gone_and_one_that_is_new(self):
        told = lines(cell("only text\n"), cell("", shown("curve", "bb")))
        assert "-    text: only text" in told or "-      only text" in told
        assert any("curve: sha256 bb" in line and line.startswith("+") for line in told)

    def test_nothing_differs(self):
        assert cell_diff(cell("a\n"), cell("a\n"), "cell 1") == ""

    def test_ids_counts_and_metadata_do_not_count(self):
        other = cell("a\n", id="b", execution_count=7, metadata={"tags": ["x"]})
        assert cell_diff(cell("a\n"), other, "cell 1") == ""

    def test_blank_lines_that_are_new_are_seen(self):
        assert "+" in lines(cell("a\nb\n"), cell("a\n\nb\n"))

    def test_texts_may_be_lists_or_strings_and_outputs_of_any_kind(self):
        error = {"output_type": "error", "ename": "E", "evalue": "no", "traceback": []}
        one = {"source": "x", "outputs": [{"output_type": "stream", "name": "stdout", "text": "a"}, error]}
        other = {
            "source": ["x"],
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["b"]}, error],
        }
        assert [line for line in lines(one, other) if line.endswith((" a", " b"))] == [
            "+    text: b",
            "-    text: a",
        ]

    def test_a_cell_without_outputs_is_no_fault(self):
        assert lines({"source": "x"}, {"source": "y"})[1:] == ["-  x", "+  y"]

    @pytest.mark.parametrize("label", [r"cell 1 \1 \g<x>", "cell 1 /cells/0"])
    def test_any_label_will_do(self, label):
        assert lines(cell("a\nx\n"), cell("b\nx\n"), label)[0] == f"## modified {label}/outputs/0/text:"

    def test_text_that_looks_like_a_place_stays(self):
        assert "-  ## /cells/0" in lines(cell("## /cells/0\n" + "x\n" * 30), cell("y\n" + "x\n" * 30))

    @given(st.text(max_size=40), st.text(max_size=40))
    def test_no_text_makes_it_fail(self, one, other):
        assert bool(cell_diff(cell(one), cell(other), "cell 1")) == (one != other)


class TestLongTexts:
    def test_at_most_forty_lines_are_shown_of_both_sides(self):
        told = lines(cell("a\n" * 300), cell("b\n" * 300))
        assert len(told) == 42
        assert {line[:1] for line in told} == {"#", "+", "-", "…"}
        assert all(line.endswith(" more lines") for line in told if line[0] == "…")

    def test_many_differences_are_counted(self):
        told = lines(
            cell("", *[shown(f"c{n}", "a") for n in range(20)]),
            cell("", *[shown(f"c{n}", "b") for n in range(20)]),
        )
        assert sum(line.startswith("##") for line in told) == 8
        assert told[-1] == "… 12 more differences"

    @pytest.mark.parametrize("other", ["x {n} {m}\n", "line {n}\n", "line {m}\n", "{m}\n"])
    def test_a_hundred_thousand_lines_that_all_differ_are_soon_done(self, other):
        one = "".join(f"line {n} {n * 7919 % 10_007}\n" for n in range(100_000))
        two = "".join(other.format(n=n, m=n * 7907 % 101) for n in range(100_000))
        assert len(lines(cell(one), cell(two))) <= 48

    def test_texts_of_two_kinds_of_lines_are_soon_done(self):
        one = "".join("ab"[hash((n, 1)) % 2] + "\n" for n in range(100_000))
        two = "".join("ab"[hash((n, 2)) % 2] + "\n" for n in range(100_000))
        assert len(lines(cell(one), cell(two))) <= 48

    def test_a_difference_far_down_is_shown(self):
        same = "".join(f"line {n}\n" for n in range(100_000))
        told = lines(cell(f"{same}old\nend\n"), cell(f"{same}new\nend\n"))
        assert told[2:] == [
            "   … 99998 lines that are the same",
            "   line 99998",
            "   line 99999",
            "-  old",
            "+  new",
            "   end",
        ]

    def test_lines_that_are_only_more_are_shown(self):
        told = lines(cell("a\n" * 1000), cell("a\n" * 1000 + "more\n"))
        assert told[-1] == "+  more"

    def test_how_many_lines_follow_is_said(self):
        told = lines(cell("a\n" + "x\n" * 1000), cell("b\n" + "x\n" * 2000))
        assert [line for line in told if line[0] != " "][1:] == [
            "@@ -1,4 +1,4 @@",
            "-  a",
            "+  b",
            "@@ -188,4 +188,4 @@",
            "-  … 811 more lines",
            "+  … 1811 more lines",
        ]

    def test_a_line_of_millions_of_characters_is_folded(self):
        told = lines(cell("a b " * 1_000_000 + "1"), cell("a b " * 1_000_000 + "2"))
        assert max(map(len, told)) <= 210
        assert told[-2:] == ["-  1", "+  2"]


def test_the_libraries_are_loaded_only_when_something_differs():
    code = "import sys, pytest_nbrepro.diffs; print('nbdime' in sys.modules, 'nbformat' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_importing_and_diffing_warns_of_nothing():
    code = f"from pytest_nbrepro.diffs import cell_diff; cell_diff(*{json.dumps([{'source': 'x'}, {'source': 'y'}, 'c'])})"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
