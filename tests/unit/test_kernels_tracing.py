"""Whose code it is: cells and the project's modules, libraries, the kernel's machinery, imports."""

from __future__ import annotations

import importlib
import os
import sys

import pytest

from pytest_nbrepro.kernels import tracing


class TestCulprit:
    def test_a_cell_and_its_functions(self, book):
        assert book.seen("look()\ndef f():\n    look()\nf()") == ["<module>", "f"]

    def test_the_standard_library_is_looked_through(self, book):
        assert book.seen("import bisect, functools\nsorted([1, 2], key=functools.cmp_to_key(look))") == [
            "<module>"
        ]

    def test_a_module_of_the_project(self, book, module):
        module(book.project, "helper_t", "def help(call):\n    call()")
        assert book.seen("import helper_t\nhelper_t.help(look)") == ["help"]

    def test_a_library_counts_where_it_may(self, book, module):
        module(book.library, "library_t", "def work(call):\n    call()")
        assert book.seen("import library_t\nlibrary_t.work(look)") == ["<module>"]
        assert book.seen("import library_t\nlibrary_t.work(look)", through=False) == [None]

    def test_what_a_library_does_while_it_is_imported_is_its_own(self, book, module):
        module(book.library, "library_t", "import __main__x as m\nm.look()")
        book.namespace["look"] = None
        sys.modules["__main__x"] = book_module = type(sys)("__main__x")
        found = []
        book_module.look = lambda: found.append(book.tracer.culprit(sys._getframe(1), through_libraries=True))
        book.cell("import library_t")
        assert found == [None]

    def test_machinery_draws_for_itself(self, book):
        seen = book.seen("import tempfile\ntempfile._t = look\nexec('_t()', vars(tempfile))")
        del sys.modules["tempfile"]._t
        assert seen == [None]

    def test_no_code_of_the_notebook_at_all(self, book):
        assert book.tracer.culprit(sys._getframe(), through_libraries=True) is None
        assert book.tracer.culprit(None, through_libraries=True) is None


class TestPlace:
    def test_a_line_of_the_running_cell_a_function_of_another_and_a_module(self, book, module):
        places = []
        book.namespace["look"] = lambda: places.append(book.tracer.place(sys._getframe(1)))
        module(book.project, "helper_t", "def help(call):\n    (lambda: call())()")
        book.cell("def f():\n    look()\n\nf()", "<one>")
        book.cell("f()", "<two>")
        book.cell("import helper_t\nhelper_t.help(look)")
        assert places == ["line 2", "in f()", "helper_t.py, line 2"]


class TestBeneath:
    def test_whatever_lies_between(self, book, module):
        module(book.library, "library_t", "def work(call):\n    call()")
        found = []
        book.namespace["look"] = lambda: found.append(book.tracer.beneath(sys._getframe(1)))
        book.cell("import library_t, logging\nlibrary_t.work(look)")
        assert found[0].f_code.co_name == "<module>"

    def test_nobody(self, book):
        assert book.tracer.beneath(sys._getframe()) is None


class TestEnviron:
    @pytest.fixture
    def environ(self, book, monkeypatch):
        monkeypatch.setattr(os.environ, "encodekey", os.environ.encodekey)
        environ = tracing.Environ(book.tracer)
        environ.attach()
        return environ

    def test_what_cells_read_is_told_by_a_digest(self, book, environ, monkeypatch):
        for name, value in {"SCALE_T": "3", "TOKEN_T": "geheim"}.items():
            monkeypatch.setenv(name, value)
        book.cell("import os\nx = os.environ['SCALE_T'], os.getenv('TOKEN_T'), os.environ.get('GONE_T')")
        assert book.namespace["x"] == ("3", "geheim", None)
        assert environ.read == {"SCALE_T": "4e07", "TOKEN_T": "set", "GONE_T": "unset"}
        assert all(len(told) <= 5 for told in environ.read.values())

    def test_what_libraries_read_and_cells_set_is_not(self, book, environ, module, monkeypatch):
        monkeypatch.setenv("SET_T", "1")
        module(book.library, "library_t", "import os\ndef work():\n    os.environ.get('THEIRS_T')")
        book.cell("import os, library_t\nlibrary_t.work()\nos.environ['SET_T'] = '2'")
        assert environ.read == {}


class TestImports:
    def test_what_is_asked_for_while_another_is_imported_is_not_direct(self, book, module):
        imports = tracing.Imports(book.tracer)
        sys.meta_path.insert(0, imports)
        module(
            book.library,
            "one_t",
            "import two_t\nimport one_t.sub if False else two_t" if False else "import two_t",
        )
        module(book.library, "two_t", "")
        module(book.library, "lazy_t", "def work():\n    import three_t")
        module(book.library, "three_t", "")
        book.cell("import one_t, lazy_t\nlazy_t.work()")
        assert imports.direct == {"one_t", "lazy_t", "three_t"}

    def test_what_nobody_of_the_notebook_asks_for(self, book, module):
        imports = tracing.Imports(book.tracer)
        sys.meta_path.insert(0, imports)
        module(book.library, "two_t", "")
        importlib.import_module("two_t")
        assert imports.direct == set()


class TestBlamed:
    def caught(self, book, source):
        try:
            book.cell(source)
        except Exception as error:  # noqa: BLE001
            return [
                name for name in tracing.blamed(error) if name != "tests"
            ]  # which is where the cell was called
        raise AssertionError

    def test_nothing(self):
        assert tracing.blamed(None) == []

    def test_modules_of_the_traceback_the_nearest_first(self, book):
        assert self.caught(book, "import json\njson.loads('{')")[0] == "json"

    def test_the_module_that_lacks_a_name_or_is_not_there(self, book):
        assert self.caught(book, "from json import nothing") == ["json"]
        assert self.caught(book, "import nothing_t") == ["nothing_t"]

    def test_the_object_that_lacks_an_attribute(self, book):
        assert self.caught(book, "from decimal import Decimal\nDecimal(1).append")[0] == "decimal"
        assert self.caught(book, "import decimal\ndecimal.append")[0] == "decimal"

    def test_what_the_failing_line_names(self, book, tmp_path):
        path = tmp_path / "cell.py"
        path.write_text("import fractions\nf = fractions.Fraction\nf(nothing=3)")
        with pytest.raises(TypeError) as caught:
            exec(compile(path.read_text(), str(path), "exec"), book.namespace)
        assert "fractions" in tracing.blamed(caught.value)
