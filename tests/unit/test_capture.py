"""What a run gave: metrics, rich outputs, files and texts, each once and none of them lost."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import capture, displays, files, notebook
from pytest_nbrepro.errors import WorkspaceError
from pytest_nbrepro.model import Artifact, CellRecord, Masking, Metric, Picture, Run, RunStatus

PNG = b"\x89PNG not a real one"


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def show(**data):
    """Return a displayed output; keywords are MIME types with `/` written as `__`."""
    return display({mime.replace("__", "/"): value for mime, value in data.items()})


def display(data, kind="display_data"):
    return {"output_type": kind, "data": data, "metadata": {}}


def figure(content=PNG):
    return display({"image/png": base64.b64encode(content).decode(), "text/plain": "<Figure>"})


def cell(*outputs, source="", tags=(), **more):
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags)},
        "outputs": list(outputs),
        "execution_count": None,
        **more,
    }


def book(*cells):
    named = [{"id": f"id{number}", **one} for number, one in enumerate(cells)]
    raw = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": named}
    return notebook.parse(json.dumps(raw), Path("a.ipynb"))


@pytest.fixture
def captured(tmp_path):
    """Capture a notebook of these cells into the folder `run`."""

    def run(*cells, values=None, written=(), flags=None, seconds=None, hidden=capture.Hidden()):
        executed = book(*cells)
        (tmp_path / "run").mkdir(exist_ok=True)
        return capture.capture(
            executed,
            tmp_path / "run",
            values=values or {},
            written=written,
            flags=flags or {},
            seconds=dict.fromkeys(range(len(cells)), 0.5) if seconds is None else seconds,
            hidden=hidden,
        )

    return run


def text_of(one, metrics=None, hidden=capture.Hidden()):
    return capture.cell_text(book(one).cells[0], metrics or {}, hidden)


class TestMetrics:
    def test_printed_lines_are_metrics_but_not_those_of_stderr_or_of_flags(self, captured):
        found = captured(
            cell(stream("loss: 0.5\nx: 1\n")),
            cell(stream("bad: 1\n", "stderr"), stream("acc: 3")),
            flags={"x": 1},
        )
        assert found.metrics == {"loss": Metric(0.5, "float64", 0), "acc": Metric(3, "int", 1)}

    def test_a_line_in_two_pieces_is_one_line(self, captured):
        assert captured(cell(stream(["lo", "ss: "]), stream("0.5\n"))).metrics == {
            "loss": Metric(0.5, "float64", 0)
        }

    def test_a_line_that_was_overwritten_does_not_count(self, captured):
        assert captured(cell(stream("loss: 1\rloss: 2\n"))).metrics == {"loss": Metric(2, "int", 0)}

    def test_what_the_kernel_reports_wins_over_what_is_glued_over_what_is_printed(self, captured):
        glued = display({"application/papermill.record+json": {"a": 2, "b": 2}})
        value = Metric(3.5, "float32", 1)
        found = captured(cell(stream("a: 1\nb: 1\nc: 1\n"), glued), values={"a": value})
        assert found.metrics == {"a": value, "b": Metric(2, "int", 0), "c": Metric(1, "int", 0)}

    def test_numbers_glued_by_scrapbook_are_metrics(self, captured):
        scrap = {"name": "auc", "data": 0.5, "encoder": "json", "version": 1}
        found = captured(cell(display({"application/scrapbook.scrap.json+json": scrap})))
        assert found.metrics == {"auc": Metric(0.5, "float64", 0)}
        assert found.artifacts == {}
        assert found.cells[0].outputs == files.sha256_text("")

    def test_a_boolean_is_one(self, captured):
        found = captured(cell(display({"application/papermill.record+json": {"ok": True}})))
        assert found.metrics == {"ok": Metric(True, "bool", 0)}

    def test_cells_tagged_ignore_give_none(self, captured):
        found = captured(cell(stream("loss: 0.5\n"), figure(), tags=["nbrepro:ignore"]))
        assert found.metrics == {}
        assert found.artifacts == {}


class TestGluedThings:
    @pytest.mark.parametrize(
        ("mime", "record"),
        [
            (
                "application/scrapbook.scrap.json+json",
                {"name": "losses", "data": [0.5, 0.25], "encoder": "json"},
            ),
            ("application/scrapbook.scrap.text+json", {"name": "note", "data": "good", "encoder": "text"}),
            ("application/papermill.record+json", {"note": "good", "n": 3}),
        ],
    )
    def test_what_is_no_number_is_compared_as_json(self, captured, tmp_path, mime, record):
        found = captured(cell(display({mime: record})))
        assert list(found.artifacts) == ["cell:id0"]
        assert json.loads((tmp_path / "run/cells/cell-id0.json").read_text()) == record
        assert found.metrics == ({"n": Metric(3, "int", 0)} if "n" in record else {})

    def test_what_scrapbook_names_has_that_name(self, captured, tmp_path):
        def scrap(output, name, **kind):
            return {**output, "metadata": {"scrapbook": {"name": name, **kind}}}

        record = {"name": "losses", "data": [0.5, 0.25], "encoder": "json", "version": 1}
        found = captured(
            cell(
                scrap(display({"application/scrapbook.scrap.json+json": record}), "losses", data=True),
                scrap(figure(), "roc/curve", display=True),
                scrap(figure(), "losses", display=True),
                figure(),
                tags=["artifact:mine"],
            )
        )
        assert list(found.artifacts) == ["losses", "roc/curve", "losses#2", "mine"]
        assert (tmp_path / "run" / found.artifacts["roc/curve"].path).read_bytes() == PNG

    def test_a_data_frame_glued_by_scrapbook_is_a_table(self, captured, tmp_path):
        content = base64.b64encode(b"PAR1 and more").decode()
        record = {"name": "preds", "data": content, "encoder": "pandas", "version": 1}
        found = captured(cell(display({"application/scrapbook.scrap.pandas+json": record})))
        (path,) = (tmp_path / "run/cells").iterdir()
        assert (path.name, path.read_bytes()) == ("cell-id0.parquet", b"PAR1 and more")
        assert list(found.artifacts) == ["cell:id0"]

    @pytest.mark.parametrize("about", [{}, {"scrapbook": 3}, {"scrapbook": {"name": 3}}])
    def test_metadata_that_name_nothing(self, captured, about):
        assert list(captured(cell({**figure(), "metadata": about})).artifacts) == ["cell:id0"]

    @pytest.mark.parametrize(
        "mime", ["application/papermill.record+json", "application/scrapbook.scrap.json+json"]
    )
    def test_a_record_that_is_none_leaves_the_text(self, mime):
        assert text_of(cell(display({mime: [1], "text/plain": "words"})))[0] == "words"


class TestText:
    def test_stdout_and_results_come_in_their_order_without_stderr(self):
        one = cell(
            stream("a\n"),
            stream("warning\n", "stderr"),
            stream("b\n"),
            display({"text/plain": "42"}, "execute_result"),
            stream("c"),
        )
        assert text_of(one)[0] == "a\nb\n42\nc"

    def test_lines_that_print_metrics_are_left_out_and_steps_too(self):
        assert text_of(cell(stream("step: 1\nloss: 1\nrate: 2\n")), {"loss": Metric(1)})[0] == "rate: 2"

    def test_the_result_of_a_metrics_cell_is_left_out_but_not_what_it_prints(self):
        one = cell(stream("hi\n"), display({"text/plain": "{'a': 1}"}, "execute_result"), tags=["metrics"])
        assert text_of(one)[0] == "hi"

    def test_what_a_metrics_cell_displays_stays(self):
        assert text_of(cell(display({"text/plain": "shown"}), tags=["metrics"]))[0] == "shown"

    def test_a_declared_error_is_text(self):
        error = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["a"]}
        assert text_of(cell(error))[0] == "ValueError: no"

    @pytest.mark.parametrize("mime", ["text/plain", "text/markdown", "text/latex"])
    def test_text_types_are_compared_as_text(self, mime):
        assert text_of(cell(display({mime: ["a\n", "b"], "application/x": "c"})))[0] == "a\nb"

    def test_what_has_a_better_form_is_no_text(self):
        assert text_of(cell(figure()))[0] == ""

    def test_an_estimator_is_its_text(self, captured):
        page = '<div class="sk-text-repr-fallback"><pre>SVC()</pre></div><table>…</table>'
        shown = display({"text/html": [page], "text/plain": "SVC()"}, "execute_result")
        assert text_of(cell(shown))[0] == "SVC()"
        assert captured(cell(shown)).artifacts == {}
        assert list(captured(cell(show(text__html=page))).artifacts) == ["cell:id0"]

    def test_masks_are_applied_and_counted(self):
        text, hits = text_of(
            cell(stream("<A at 0x7f00aa00bb00> in /run/work/x\n")), hidden=capture.Hidden(("/run/work",))
        )
        assert "0x7f" not in text
        assert "/run/work" not in text
        assert hits["addresses"] == 1

    def test_a_cell_without_outputs_has_no_text(self):
        assert text_of(cell()) == ("", {})

    @given(st.lists(st.sampled_from(["a\n", "b", "loss: 1\n", "\r", "\b", "step: 2\n", "x\n\n"]), max_size=8))
    def test_how_stdout_is_cut_into_pieces_does_not_matter(self, pieces):
        whole = text_of(cell(stream("".join(pieces))), {"loss": Metric(1)})
        assert text_of(cell(*map(stream, pieces)), {"loss": Metric(1)}) == whole


class TestRichOutputs:
    def test_the_best_type_wins(self):
        order = [
            "application/vnd.plotly.v1+json",
            "application/vnd.vegalite.v5+json",
            "application/json",
            "text/csv",
            "image/png",
            "image/jpeg",
            "image/gif",
            "image/webp",
            "image/svg+xml",
            "application/pdf",
            "text/html",
        ]
        suffixes = ["json"] * 3 + ["csv", "png", "jpg", "gif", "webp", "svg", "pdf", "html"]
        for place, (mime, suffix) in enumerate(zip(order, suffixes, strict=True)):
            data = dict.fromkeys([*reversed(order[place:]), "text/plain"], "")
            assert displays.best_mime(data) == (mime, suffix)
        assert displays.best_mime({"text/plain": "", "text/markdown": ""}) is None

    def test_each_is_kept_decoded(self, captured, tmp_path):
        found = captured(
            cell(figure(), display({"text/csv": ["a,b\n", "1,2\n"]})),
            cell(display({"application/json": {"b": 1, "a": [2]}, "text/plain": "x"})),
        )
        assert {name: (a.path, a.cell, a.kind) for name, a in found.artifacts.items()} == {
            "cell:id0": ("cells/cell-id0.png", 0, ""),
            "cell:id0#2": ("cells/cell-id0#2.csv", 0, ""),
            "cell:id1": ("cells/cell-id1.json", 1, ""),
        }
        run = tmp_path / "run"
        assert (run / "cells/cell-id0.png").read_bytes() == PNG
        assert (run / "cells/cell-id0#2.csv").read_text() == "a,b\n1,2\n"
        assert json.loads((run / "cells/cell-id1.json").read_text()) == {"a": [2], "b": 1}
        first = found.artifacts["cell:id0"]
        assert (first.sha256, first.bytes) == (hashlib.sha256(PNG).hexdigest(), len(PNG))

    def test_a_tag_names_them(self, captured):
        found = captured(cell(figure(), figure(), tags=["artifact:roc curve", "artifact:zzz", "other"]))
        assert list(found.artifacts) == ["roc curve", "roc curve#2"]

    def test_an_empty_name_is_none(self, captured):
        assert list(captured(cell(figure(), tags=["artifact:"])).artifacts) == ["cell:id0"]

    def test_what_is_no_base64_is_kept_as_it_is(self, captured, tmp_path):
        captured(cell(display({"image/png": "a"})), cell(display({"image/png": "ü"})))
        assert (tmp_path / "run/cells/cell-id0.png").read_bytes() == b"a"
        assert (tmp_path / "run/cells/cell-id1.png").read_text() == "ü"

    def test_a_nan_in_json_is_kept(self, captured, tmp_path):
        found = captured(cell(display({"application/json": [float("nan"), 1]})))
        assert (tmp_path / "run" / found.artifacts["cell:id0"].path).read_text() == "[NaN, 1]"

    def test_two_cells_of_one_name_lose_nothing(self, captured, tmp_path):
        found = captured(
            cell(figure(b"1"), tags=["artifact:a"]),
            cell(figure(b"2"), tags=["artifact:a"]),
            cell(figure(b"3"), id="a#2"),
        )
        kept = {name: (tmp_path / "run" / a.path).read_bytes() for name, a in found.artifacts.items()}
        assert kept == {"a": b"1", "a#2": b"2", "cell:a#2": b"3"}

    def test_a_tag_that_looks_like_another_cells_file_is_kept_apart(self, captured, tmp_path):
        cells = [
            cell(figure(b"1"), id="x"),
            cell(figure(b"2"), tags=["artifact:cell-x"]),
            cell(figure(b"3"), tags=["artifact:cell:x"]),
            cell(figure(b"4"), tags=["artifact:a/b"]),
            cell(figure(b"5"), tags=["artifact:a_b"]),
            cell(figure(b"6"), tags=[f"artifact:a_b--{files.sha256_text('a/b')[:8]}"]),
            cell(figure(b"7"), tags=["artifact:.hidden"]),
        ]
        found = captured(*cells)
        kept = [(tmp_path / "run" / a.path).read_bytes() for a in found.artifacts.values()]
        assert kept == [b"1", b"2", b"3", b"4", b"5", b"6", b"7"]
        assert list(found.artifacts)[2] == "cell:x#2"

    def test_a_file_and_a_figure_of_one_name_are_both_kept(self, captured, tmp_path):
        (tmp_path / "roc.png").write_bytes(b"file")
        found = captured(
            cell(figure(), tags=["artifact:roc.png"]), written=[("roc.png", tmp_path / "roc.png")]
        )
        assert {name: a.cell for name, a in found.artifacts.items()} == {"roc.png": None, "roc.png#2": 0}

    @given(st.lists(st.text(min_size=1, max_size=30), unique=True, max_size=6))
    def test_file_names_are_as_different_as_names(self, names):
        found = [displays._file_name(name) for name in names]
        assert len(set(found)) == len(names)

    @given(st.text(min_size=1, max_size=300) | st.text("𝒜漢a", min_size=100, max_size=400))
    def test_file_names_suit_every_file_system(self, name):
        found = displays._file_name(name)
        assert 0 < len(found.encode()) <= 210
        assert not set(found) & set('/\\:*?"<>|\0\n ')
        assert not found.startswith(".")


class TestDataBehindOutputs:
    """Files that the kernel kept, named by marks in the metadata of outputs."""

    @pytest.fixture
    def keep(self, tmp_path):
        def write(name="1.frame", content="data"):
            (tmp_path / "run/kept").mkdir(parents=True, exist_ok=True)
            (tmp_path / "run/kept" / name).write_text(content)

        return write

    def marked(self, data, **mark):
        return {**display(data, "execute_result"), "metadata": {"nbrepro": {"kind": "table", **mark}}}

    def test_they_are_the_artifact_and_what_is_seen_lies_beside(self, captured, tmp_path, keep):
        keep()
        found = captured(cell(self.marked({"text/html": "<p>", "text/plain": "a"}, file="1.frame")))
        assert found.artifacts == {
            "cell:id0": Artifact(
                "cell:id0",
                "table",
                "cells/cell-id0.frame",
                hashlib.sha256(b"data").hexdigest(),
                4,
                cell=0,
                shown=Picture("cells/cell-id0.html", hashlib.sha256(b"<p>").hexdigest(), 3),
            )
        }
        assert (tmp_path / "run/cells/cell-id0.frame").read_text() == "data"
        assert (tmp_path / "run/cells/cell-id0.html").read_text() == "<p>"
        assert not (tmp_path / "run/kept").exists()

    def test_what_has_a_text_alone_is_an_artifact_and_no_text(self, captured, keep):
        keep()
        one = cell(
            stream("before\n"), self.marked({"text/plain": "0  1.5"}, file="1.frame"), stream("after\n")
        )
        found = captured(one, cell(display({"text/plain": "42"}, "execute_result")))
        assert (found.artifacts["cell:id0"].path, found.artifacts["cell:id0"].shown) == (
            "cells/cell-id0.frame",
            None,
        )
        assert text_of(one)[0] == "before\nafter"
        assert found.cells[0].outputs == files.sha256_text("before\nafter")

    def test_names_and_numbers_go_on_as_ever(self, captured, keep):
        keep()
        keep("2.frame", "other")
        html = {"text/html": "<p>"}
        one = cell(
            self.marked(html, file="1.frame"),
            figure(),
            self.marked(html, file="2.frame"),
            tags=["artifact:a"],
        )
        assert [(a.name, a.path) for a in captured(one).artifacts.values()] == [
            ("a", "cells/a.frame"),
            ("a#2", "cells/a#2.png"),
            ("a#3", "cells/a#3.frame"),
        ]

    def test_outputs_that_share_a_display_id_share_a_file(self, captured, keep):
        keep()
        one = self.marked({"text/html": "<p>"}, file="1.frame")
        assert len(captured(cell(one), cell(one)).artifacts) == 2

    def test_where_there_are_none_the_reason_goes_with_what_is_seen(self, captured):
        found = captured(cell(self.marked({"text/html": "<p>"}, why="too large")))
        assert (found.artifacts["cell:id0"].path, found.artifacts["cell:id0"].untaken) == (
            "cells/cell-id0.html",
            "too large",
        )
        assert found.notes == ()

    def test_or_is_told_where_that_is_text(self, captured):
        one = cell(self.marked({"text/plain": "0  1.5"}, why="too large"), source="# show")
        found = captured(one)
        assert (found.artifacts, found.notes, text_of(one)[0]) == ({}, (), "0  1.5")
        assert displays.untaken(book(one).cells[0]) == ["table by its text: too large"]
        seen = self.marked({"text/html": "<p>"}, why="too large")
        assert displays.untaken(book(cell(seen, figure())).cells[0]) == []

    def test_ignored_cells_need_nothing(self, captured, keep, tmp_path):
        keep()
        one = cell(self.marked({"text/plain": "1"}, file="1.frame"), tags=["nbrepro:ignore"])
        other = cell(self.marked({"text/plain": "1"}, why="too large"), tags=["nbrepro:ignore"])
        found = captured(one, other)
        assert (found.artifacts, found.notes) == ({}, ())
        assert not (tmp_path / "run/kept").exists()

    @pytest.mark.parametrize(
        "mark",
        [
            "text",
            None,
            {},
            {"kind": "table"},
            {"file": "../../x.frame"},
            {"file": "x"},
            {"file": 1},
            {"why": ""},
        ],
    )
    def test_a_mark_that_is_none_of_ours_means_nothing(self, captured, mark):
        one = cell({**display({"text/html": "<p>"}), "metadata": {"nbrepro": mark}})
        (found,) = captured(one).artifacts.values()
        assert (found.path, found.kind, found.untaken) == ("cells/cell-id0.html", "", "")

    def test_a_file_that_is_gone_is_a_fault_and_no_pass(self, captured):
        with pytest.raises(FileNotFoundError):
            captured(cell(self.marked({"text/plain": "1"}, file="1.frame")))


class TestFiles:
    def test_they_are_moved_under_their_names(self, captured, tmp_path):
        work = tmp_path / "work"
        work.mkdir()
        for name in ("a.csv", "b.csv", "c.csv"):
            (work / name).write_text(name)
        found = captured(
            written=[("a.csv", work / "a.csv"), ("out/b ü.csv", work / "b.csv"), ("../c.csv", work / "c.csv")]
        )
        assert {name: a.path for name, a in found.artifacts.items()} == {
            "a.csv": "files/a.csv",
            "out/b ü.csv": "files/out/b ü.csv",
            "../c.csv": "files/@up/c.csv",
        }
        assert all((tmp_path / "run" / a.path).is_file() for a in found.artifacts.values())
        assert list(work.iterdir()) == []

    def test_one_file_under_two_names_is_kept_under_both(self, captured, tmp_path):
        (tmp_path / "latest.csv").write_text("data")
        found = captured(
            written=[("a.csv", tmp_path / "latest.csv"), ("latest.csv", tmp_path / "latest.csv")]
        )
        assert [(tmp_path / "run" / a.path).read_text() for a in found.artifacts.values()] == ["data", "data"]

    def test_two_files_that_claim_one_place_are_told(self, captured, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).write_text(name)
        with pytest.raises(WorkspaceError, match="two files claim the place of @up/a") as caught:
            captured(written=[("../a", tmp_path / "a"), ("@up/a", tmp_path / "b")])
        assert caught.value.hint == "rename the folder '@up'"


class TestCells:
    def test_each_code_cell_has_its_hashes_and_time(self, captured):
        found = captured(cell(stream("a\n"), source="print('a')"), cell(source="b"), seconds={0: 1.5})
        assert found.cells == (
            CellRecord(0, "id0", files.sha256_text("print('a')"), files.sha256_text("a"), 1.5),
            CellRecord(1, "id1", files.sha256_text("b"), "", None),
        )

    def test_markdown_has_none(self, captured):
        assert captured({"cell_type": "markdown", "source": "# A", "metadata": {}}).cells == ()

    def test_each_mask_that_hid_something_is_told_but_not_in_ignored_cells(self, captured):
        printed = stream("<A at 0x7f00aa00bb00>\n")
        found = captured(cell(printed, source="# fit"), cell(printed, tags=["nbrepro:ignore"]))
        assert found.notes == ("cell 1 \"fit\": the mask 'addresses' hid 1",)


@pytest.mark.parametrize(("value", "dtype"), [(True, "bool"), (1, "int"), (1.0, "float64")])
def test_dtypes(value, dtype):
    assert capture.dtype_of(value) == dtype


def test_a_runs_own_folders_and_the_project_mean_nothing_in_text():
    started = "2026-11-23T23:30:00+00:00"
    run = Run("1", Path("/p/.nbrepro/runs/1"), "t.ipynb", "default", {}, RunStatus.COMPLETED, started)
    hidden = capture.Hidden.of(run, Path("/p/project"), Masking())
    printed = (
        "/p/.nbrepro/runs/1/work/a.csv /p/.nbrepro/runs/1/b /p/project/c /other/d 2026-11-24 2026-11-30\n"
    )
    text, hits = text_of(cell(stream(printed)), hidden=hidden)
    assert text.startswith("<run folder>/a.csv <run folder>/b <run folder>/c /other/d <")
    assert text.endswith("> 2026-11-30")  # no day of the run: a result
    assert hits == {"run folder": 3, "dates and times": 1}
