"""Reading notebooks: what is accepted, what is refused with which words, labels, copies to run."""

import copy
import json
import pickle
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import notebook as nb
from pytest_nbrepro.errors import NotebookError


def code(source, tags=(), **more):
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": [],
        "execution_count": None,
        **more,
    }


def text(source):
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def book(*cells, path="a.ipynb", minor=5, **metadata):
    raw = {"nbformat": 4, "nbformat_minor": minor, "metadata": metadata, "cells": list(cells)}
    from pathlib import Path

    return nb.parse(json.dumps(raw), Path(path))


def refused(raw, tmp_path):
    path = tmp_path / "bad.ipynb"
    path.write_bytes(raw if isinstance(raw, bytes) else json.dumps(raw).encode())
    with pytest.raises(NotebookError) as caught:
        nb.read(path)
    assert caught.value.where is not None
    assert str(path) in caught.value.where
    return caught.value


class TestReading:
    def test_cells_come_with_joined_sources_tags_and_outputs(self):
        output = {"output_type": "stream", "name": "stdout", "text": ["1\n"]}
        book_ = book(
            text(["# A\n", "b"]), code(["x = 1\n", "y = 2"], ["parameters"], id="q", outputs=[output])
        )
        first, second = book_.cells
        assert (first.index, first.id, first.kind, first.source) == (0, "c0", "markdown", "# A\nb")
        assert (second.index, second.id, second.kind, second.source) == (1, "q", "code", "x = 1\ny = 2")
        assert second.tags == {"parameters"}
        assert second.outputs == (output,)
        assert book_.code == (second,)

    def test_an_empty_notebook_reads_fine(self):
        assert book().cells == ()
        assert book().code == ()

    def test_a_byte_order_mark_and_unicode_are_read(self, tmp_path):
        path = tmp_path / "ünï 数.ipynb"
        raw = {"nbformat": 4, "cells": [{"cell_type": "code", "source": "x = 'ü\u2028'"}]}
        path.write_bytes(b"\xef\xbb\xbf" + json.dumps(raw, ensure_ascii=False).encode())
        assert nb.read(path).cells[0].source == "x = 'ü\u2028'"

    def test_missing_and_repeated_ids_become_unique(self):
        cells = [
            code("", id="a"),
            code("", id="a"),
            code(""),
            code("", id="c2"),
            code("", id="a"),
            code("", id=7),
        ]
        assert [cell.id for cell in book(*cells).cells] == ["a", "a-2", "c2", "c2-2", "a-3", "c5"]

    @given(st.lists(st.sampled_from(["a", "a-2", "c1", "", None])))
    def test_ids_are_always_unique(self, ids):
        found = [cell.id for cell in book(*[code("", id=name) for name in ids]).cells]
        assert len(set(found)) == len(ids)

    def test_language_and_kernel(self):
        assert book().language == "python"
        assert book().kernel is None
        assert book(language_info={"name": "R"}, kernelspec={"name": "ir", "language": "x"}).language == "r"
        known = book(kernelspec={"name": "julia-1.9", "language": "julia"})
        assert (known.language, known.kernel) == ("julia", "julia-1.9")
        assert book(kernelspec="odd", language_info={"name": 3}).language == "python"
        assert book(kernelspec={"name": ""}).kernel is None

    def test_a_notebook_travels_to_a_worker(self):
        book_ = book(code("x = 1"))
        assert pickle.loads(pickle.dumps(book_)) == book_


class TestRefusing:
    def test_not_json_names_line_and_column(self, tmp_path):
        error = refused(b'{"nbformat": 4,\n "cells": [}', tmp_path)
        assert error.where.endswith("bad.ipynb:2:12")
        assert "not JSON" in error.what
        assert error.hint is None

    @pytest.mark.parametrize(
        ("raw", "hint"),
        [
            (b"  \n", "empty"),
            (b'{\n<<<<<<< HEAD\n "nbformat": 4\n=======\n', "merge conflicts"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ],
    )
    def test_not_json_says_why_where_it_knows(self, raw, hint, tmp_path):
        assert hint in refused(raw, tmp_path).hint

    def test_not_utf8(self, tmp_path):
        assert "not UTF-8 at byte 2" in refused(b'{"\xff": 1}', tmp_path).what

    @pytest.mark.parametrize("raw", [b"[" * 200_000, b"1" * 5000])
    def test_json_that_python_cannot_hold(self, raw, tmp_path):
        assert "not JSON" in refused(raw, tmp_path).what

    def test_unreadable(self, tmp_path):
        with pytest.raises(NotebookError, match="cannot be read: No such file"):
            nb.read(tmp_path / "absent.ipynb")
        with pytest.raises(NotebookError, match="cannot be read"):
            nb.read(tmp_path)

    @pytest.mark.parametrize("raw", [[], 3, {}, {"cells": []}, {"nbformat": "4"}, {"nbformat": True}])
    def test_not_a_notebook(self, raw, tmp_path):
        assert "no number 'nbformat'" in refused(raw, tmp_path).what

    def test_old_and_new_formats_say_what_to_do(self, tmp_path):
        old = refused({"nbformat": 3, "worksheets": []}, tmp_path)
        assert "format 3 is too old" in old.what
        assert "jupyter nbconvert --to notebook --inplace bad.ipynb" in old.hint
        new = refused({"nbformat": 5, "cells": []}, tmp_path)
        assert "format 5 is too new" in new.what
        assert "format 4" in new.hint

    @pytest.mark.parametrize(
        ("raw", "what"),
        [
            ({"nbformat": 4}, "no list 'cells'"),
            ({"nbformat": 4, "cells": {}}, "no list 'cells'"),
            ({"nbformat": 4, "nbformat_minor": "5", "cells": []}, "'nbformat_minor'"),
            ({"nbformat": 4, "cells": [], "metadata": []}, "'metadata'"),
        ],
    )
    def test_broken_outline(self, raw, what, tmp_path):
        assert what in refused(raw, tmp_path).what

    @pytest.mark.parametrize(
        ("cell", "what"),
        [
            ("x", "'cell_type'"),
            ({"source": ""}, "'cell_type'"),
            ({"cell_type": "code", "source": 3}, "'source'"),
            ({"cell_type": "code", "source": ["x", 3]}, "'source'"),
            ({"cell_type": "code", "metadata": None}, "'metadata'"),
            ({"cell_type": "code", "metadata": {"tags": "parameters"}}, "'tags'"),
            ({"cell_type": "code", "metadata": {"tags": [1]}}, "'tags'"),
            ({"cell_type": "code", "outputs": {}}, "'outputs'"),
            ({"cell_type": "code", "outputs": ["x"]}, "'outputs'"),
        ],
    )
    def test_a_broken_cell_is_named_by_its_position(self, cell, what, tmp_path):
        error = refused({"nbformat": 4, "cells": [text("fine"), cell]}, tmp_path)
        assert what in error.what
        assert error.where.endswith("cell at position 2")


class TestLabels:
    def test_numbers_count_code_cells_that_run(self):
        book_ = book(text("no heading"), code("a"), code("  \n"), text("x"), code("b"), code(""))
        assert [book_.label(index) for index in (1, 4)] == ["cell 1", "cell 2"]

    @pytest.mark.parametrize(
        ("source", "title"),
        [
            ("# fit model\nx = 1", "fit model"),
            ("\n\n## -- fit model --\nx", "fit model"),
            ("# %% fit model\n", "fit model"),
            ("#@title fit model\n", "fit model"),
            ("#-------\n# fit model\n#------", "fit model"),
            ("%%time\n\n# fit model\nx = 1", "fit model"),
            ('# the "best"  model', "the 'best' model"),
            ("# über 数\x07", "über 数"),
        ],
    )
    def test_titles_from_comments(self, source, title):
        assert book(text("# Heading"), code(source)).label(1) == f'cell 1 "{title}"'

    @pytest.mark.parametrize(
        "source", ["x = 1\n# later", "%time\n# no", "# ---\n", "#", "%%time\n", "x\n%%time\n# no"]
    )
    def test_no_title_from_what_is_no_leading_comment(self, source):
        assert book(code(source)).label(0) == "cell 1"

    def test_titles_from_the_nearest_heading_above(self):
        book_ = book(
            text("# Top\ntext\n## Fit the *best* [model](http://x.org/a) ##\nmore"),
            code("a = 1"),
            text("text without\n#hashtag\n    # code\n```\n# not one\n```"),
            code("b = 2"),
            text("# Next"),
            code("c = 3"),
        )
        assert book_.label(1) == 'cell 1 "Fit the best model"'
        assert book_.label(3) == 'cell 2 "Fit the best model"'
        assert book_.label(5) == 'cell 3 "Next"'

    def test_long_titles_are_cut(self):
        title = book(code("# " + "word " * 30)).label(0).removeprefix("cell 1 ").strip('"')
        assert len(title) <= 40
        assert title.endswith("…")
        assert not title.endswith(" …")

    def test_cells_without_code_have_a_label_too(self):
        book_ = book(text("# Top"), {"cell_type": "raw", "source": "x"})
        assert book_.label(0) == 'markdown cell at position 1 "Top"'
        assert book_.label(1) == "raw cell at position 2"


class TestCopies:
    def test_sources_are_replaced_and_earlier_runs_forgotten(self):
        ran = {"output_type": "stream", "name": "stdout", "text": "1"}
        first = code(["x = 1\n", "y = 2"], ["keep"], outputs=[ran], execution_count=4, id="a")
        first["metadata"]["execution"] = {"iopub.status.busy": "then"}
        book_ = book(first, text(["# A\n", "b"]), code("z = 3", id="a"), kernelspec={"name": "python3"})
        before = copy.deepcopy(book_.raw)
        new = book_.with_sources({0: "x = 5\ny = 2"})
        assert book_.raw == before
        assert [cell["source"] for cell in new["cells"]] == ["x = 5\ny = 2", "# A\nb", "z = 3"]
        assert [cell["id"] for cell in new["cells"]] == ["a", "c1", "a-2"]
        assert new["cells"][0]["outputs"] == []
        assert new["cells"][0]["execution_count"] is None
        assert new["cells"][0]["metadata"] == {"tags": ["keep"]}
        assert "outputs" not in new["cells"][1]
        assert new["metadata"] == before["metadata"]

    def test_a_copy_shares_nothing_with_the_original(self):
        book_ = book(code("x"), kernelspec={"name": "python3"})
        new = book_.with_sources({})
        new["metadata"]["kernelspec"]["name"] = "other"
        new["cells"][0]["metadata"]["new"] = 1
        assert book_.kernel == "python3"
        assert book_.cells[0].metadata == {}

    def test_older_minor_versions_get_no_ids(self):
        new = book(code("x"), text("y"), minor=4).with_sources({})
        assert all("id" not in cell for cell in new["cells"])

    def test_what_is_missing_is_filled_in_so_that_it_runs(self):
        from pathlib import Path

        import nbformat

        raw = {"nbformat": 4, "cells": [{"cell_type": "code"}, {"cell_type": "markdown", "outputs": []}]}
        new = nb.parse(json.dumps(raw), Path("a.ipynb")).with_sources({})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            nbformat.validate(nbformat.from_dict(new))

    @given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.text(st.characters(codec="utf-8")))))
    def test_any_copy_is_a_valid_notebook(self, cells):
        import nbformat

        new = book(*[code(source.splitlines(True), id=name) for name, source in cells]).with_sources({})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            nbformat.validate(nbformat.from_dict(new))
        assert [cell["source"] for cell in new["cells"]] == [source for _, source in cells]


class TestWithoutPictures:
    PICTURE = "iVBORw0KGgo" * 20

    @given(
        st.lists(st.sampled_from(['"image/png": "', "x = 1\n", '\\"', "'", "é", '{"a": 1}', "\n"])).map(
            "".join
        ),
        st.sampled_from([None, ", ", (",", ":")]),
        st.booleans(),
    )
    def test_all_else_is_the_same(self, tmp_path_factory, source, separators, several):
        data = {"image/png": [self.PICTURE] if several else self.PICTURE, "text/plain": source}
        shown = {"output_type": "display_data", "data": data, "metadata": {"note": source}}
        raw = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"nbrepro": {"note": source}}}
        raw["cells"] = [code(source, outputs=[shown, shown]), code("y = 2", ["parameters"])]
        path = tmp_path_factory.getbasetemp() / "pictures.ipynb"
        kind = separators if isinstance(separators, tuple) else None
        path.write_text(json.dumps(raw, indent=None if kind else 1, separators=kind))
        whole, less = nb.read(path), nb.read(path, pictures=False)
        for one, other in zip(whole.cells, less.cells, strict=True):
            assert (one.id, one.source, one.tags, one.metadata) == (
                other.id,
                other.source,
                other.tags,
                other.metadata,
            )
        assert whole.metadata == less.metadata
        assert less.cells[0].outputs[0]["data"]["text/plain"] == source
        cut = kind is None and not several
        assert less.cells[0].outputs[0]["data"]["image/png"] == ("" if cut else data["image/png"])

    @pytest.mark.parametrize(
        "raw",
        [
            b'{"image/png": "open',
            b'{"image/png": "x", "nbformat": 4, "cells": [}',
            b'{"image/png": "x\\", "nbformat": 4}',
            b'{"image/png": "x", "a": "\xff"}',
        ],
    )
    def test_faults_are_those_of_the_whole_file(self, raw, tmp_path):
        path = tmp_path / "bad.ipynb"
        path.write_bytes(raw)
        with pytest.raises(NotebookError) as caught:
            nb.read(path, pictures=False)
        assert str(caught.value) == str(refused(raw, tmp_path))
