"""Flags of notebooks: what is found, what is ambiguous, what is written, what is never touched."""

import json
import math
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import flags as fl
from pytest_nbrepro import literals
from pytest_nbrepro.errors import FlagError
from pytest_nbrepro.notebook import parse


def book(*cells, language="python"):
    """Make a notebook of code cells; a cell may be a pair of source and tags."""
    made = []
    for cell in cells:
        source, tags = cell if isinstance(cell, tuple) else (cell, [])
        made.append({"cell_type": "code", "source": source, "metadata": {"tags": tags}, "outputs": []})
    info = {"language_info": {"name": language}}
    return parse(json.dumps({"nbformat": 4, "metadata": info, "cells": made}), Path("a.ipynb"))


def values(notebook, declared=()):
    return {name: flag.value for name, flag in fl.detect(notebook, declared).found.items()}


def set_flags(notebook, given_, declared=()):
    """Return the sources of all cells after setting flags."""
    changed = fl.apply(notebook, fl.detect(notebook, declared), given_)
    return [changed.get(cell.index, cell.source) for cell in notebook.cells]


def refused(notebook, given_, declared=()):
    with pytest.raises(FlagError) as caught:
        set_flags(notebook, given_, declared)
    return caught.value


# ---------------------------------------------------------------------------------------------------
# Finding


class TestFinding:
    def test_literals_of_all_kinds_at_module_level(self):
        source = (
            "i = 1\nf = 1e-3\nc = 1+2j\ns = 'a' \"b\"\nb = True\nn = None\nneg = -1\npos = +1.5\n"
            "l = [1, 'a']\nt = 1, 2\nd = {'a': [1]}\nm = '''x\ny'''\ne = ()\nann: float = 3"
        )
        assert values(book(source)) == {
            "i": 1, "f": 1e-3, "c": 1 + 2j, "s": "ab", "b": True, "n": None, "neg": -1, "pos": 1.5,
            "l": [1, "a"], "t": (1, 2), "d": {"a": [1]}, "m": "x\ny", "e": (), "ann": 3,
        }  # fmt: skip

    @pytest.mark.parametrize(
        "source",
        [
            "x = f()", "x = 1 + 2", "x = f'{1}'", "x = b'a'", "x = {1}", "x = y = 1", "x, y = 1, 2", "[x] = [1]", "*x, = [1]",
            "x += 1", "x: int", "x[0] = 1", "x.y = 1", "x.y: int = 1", "for x in [1]: pass", "import x", "def x(): pass",
            "with f() as x: pass", "(x := 1)", "if True:\n    x = 1", "def f():\n    x = 1", "class C:\n    x = 1", "x = ", "x == 1",
            "try:\n    x = 1\nfinally: pass", "x = *a, 1", "%time x = 1", "%%bash\nx = 1", "%%timeit\nx = 1", "", "# x = 1", "cd ..\nx = 1",
        ],
    )  # fmt: skip
    def test_what_is_no_flag(self, source):
        flags = fl.detect(book(source))
        assert flags == fl.Flags()

    def test_flags_stand_in_the_order_of_the_source(self):
        notebook = book("b = 1; a = 2", "z: int = 3\nc = 4")
        assert list(fl.detect(notebook).found) == ["b", "a", "z", "c"]
        where = {name: (flag.cell, flag.line) for name, flag in fl.detect(notebook).found.items()}
        assert where == {"b": (0, 1), "a": (0, 1), "z": (1, 1), "c": (1, 2)}

    def test_markdown_and_skipped_cells_hold_none(self):
        raw = {"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "x = 1"}]}
        assert fl.detect(parse(json.dumps(raw), Path("a.ipynb"))) == fl.Flags()
        assert values(book(("x = 1", ["skip-execution"]), "x = 2")) == {"x": 2}

    def test_magics_do_not_hide_flags(self):
        sources = [
            "%matplotlib inline\nx = 1",
            "%%time\ny = 2",
            "!ls\nz = 3\nprint?",
            "%%capture\n%%time\nfiles = !ls\nw = 4",
        ]
        assert values(book(*sources)) == {"x": 1, "y": 2, "z": 3, "w": 4}

    def test_a_cell_that_does_not_parse_does_not_hide_the_others(self):
        assert values(book("x = (", "\ud800 = 1", "!echo \ud800\ny = 2")) == {"y": 2}

    def test_other_languages_have_flags_where_a_cell_says_so(self):
        notebook = book("x = 1", language="R")
        assert fl.detect(notebook, ["x"]) == fl.Flags()
        assert (
            "in a r notebook flags are what the cell tagged 'parameters' assigns"
            in refused(notebook, {"x": 2}, ["x"]).hint
        )

    def test_flags_travel_to_a_worker(self):
        flags = fl.detect(book("x = [1, (2,)]", "y = 1", "y = 2"))
        assert pickle.loads(pickle.dumps(flags)) == flags


class TestAmbiguity:
    def test_a_name_of_two_cells_is_no_flag_and_no_error_until_asked_for(self):
        notebook = book("# first\nlr = 0.1", "momentum = 0.9", "# second\nlr = 0.01")
        flags = fl.detect(notebook)
        assert flags.ambiguous == {"lr": (0, 2)}
        assert list(flags.found) == ["momentum"]
        assert set_flags(notebook, {"momentum": 0.5})[::2] == ["# first\nlr = 0.1", "# second\nlr = 0.01"]
        error = refused(notebook, {"lr": 1.0})
        assert error.what == 'flag \'lr\' is ambiguous: assigned in cell 1 "first" and cell 3 "second"'
        assert "'parameters'" in error.hint
        assert error.where == "a.ipynb"

    def test_a_name_assigned_twice_in_one_cell_is_ambiguous(self):
        notebook = book("a = 1", "x = 1\nx = 2")
        assert fl.detect(notebook).ambiguous == {"x": (1,)}
        error = refused(notebook, {"x": 3}, ["x"])
        assert error.what == "flag 'x' is ambiguous: assigned in cell 2 more than once"
        assert "one of the assignments" in error.hint

    @pytest.mark.parametrize("other", ["x = f()", "x, y = 1, 2", "x = y = 3", "x: int = len('a')"])
    def test_other_assignments_make_it_ambiguous_until_declared(self, other):
        for notebook in (book("x = 1", other), book(other, "x = 1")):
            assert fl.detect(notebook).ambiguous == {"x": (0, 1)}
            assert values(notebook, ["x"]) == {"x": 1}
        assert fl.detect(book(f"x = 1\n{other}")).ambiguous == {"x": (0,)}

    @pytest.mark.parametrize(
        "other",
        [
            "x += 1", "for x in range(3): pass", "import x", "def x(): pass", "class x: pass", "with f() as x: pass", "del x", "x: int",
            "if a:\n    x = 2", "def f():\n    x = 2", "for i in a:\n    x = 2", "print(x := 2)", "[x for x in a]", "x[0] = 2", "x.y = 2",
            "%time x = 2", "x = !ls", "x == 2", "f(x=2)", "%%bash\nx = 2",
        ],
    )  # fmt: skip
    def test_what_is_no_plain_assignment_does_not(self, other):
        assert fl.detect(book("x = 1", other)).ambiguous == {}
        assert values(book("x = 1", other)) == {"x": 1}
        assert set_flags(book("x = 1", other), {"x": 5}) == ["x = 5", other]

    def test_declaring_does_not_settle_two_literals(self):
        notebook = book("x = 1", "x = 2")
        assert fl.detect(notebook, ["x"]).ambiguous == {"x": (0, 1)}
        assert "ambiguous" in refused(notebook, {"x": 3}, ["x"]).what

    def test_names_without_any_literal_are_not_even_ambiguous(self):
        notebook = book("x = f()", "x = g()")
        assert fl.detect(notebook) == fl.Flags()
        assert fl.detect(notebook, ["x"]).ambiguous == {"x": (0, 1)}


class TestParameters:
    def test_flags_come_from_the_tagged_cell_alone(self):
        notebook = book("y = 1", ("x = 1\nz = f()", ["parameters"]), "x = 2\nw = 3")
        assert values(notebook) == {"x": 1}
        assert set_flags(notebook, {"x": 5}) == ["y = 1", "x = 5\nz = f()", "x = 2\nw = 3"]
        error = refused(notebook, {"y": 2})
        assert (
            error.hint == "it is assigned in cell 1, but flags come from the cell tagged 'parameters' alone"
        )
        assert list(fl.detect(notebook, ["y", "z"]).found) == ["x", "z"]

    def test_even_within_it_a_name_assigned_twice_is_ambiguous(self):
        assert fl.detect(book(("x = 1\nx = 2", ["parameters"]))).ambiguous == {"x": (0,)}

    def test_papermills_injected_cell_overrides_it(self):
        notebook = book(("x = 1\ny = 1", ["parameters"]), ("# Parameters\nx = 2", ["injected-parameters"]))
        assert values(notebook) == {"x": 2, "y": 1}
        assert set_flags(notebook, {"x": 5, "y": 6}) == ["x = 1\ny = 6", "# Parameters\nx = 5"]

    def test_an_injected_cell_alone_is_a_cell_like_others(self):
        assert fl.detect(book(("x = 2", ["injected-parameters"]), "x = 1\ny = 1")).ambiguous == {"x": (0, 1)}


class TestDeclared:
    def test_a_single_expression_becomes_a_flag_that_takes_anything(self):
        notebook = book("x = (a +\n     b)  # kept\ny = 1")
        assert list(fl.detect(notebook).found) == ["y"]
        flags = fl.detect(notebook, ["x"])
        assert (flags.found["x"].known, flags.found["x"].value, flags.found["x"].types) == (False, None, ())
        assert set_flags(notebook, {"x": [1]}, ["x"]) == ["x = ([1])  # kept\ny = 1"]
        assert set_flags(notebook, {"x": None}, ["x"]) == ["x = (None)  # kept\ny = 1"]
        assert set_flags(notebook, {"y": 2}, ["x"]) == ["x = (a +\n     b)  # kept\ny = 2"]
        assert fl.effective(flags, {}) == {"y": 1}
        assert fl.effective(flags, {"x": "a"}) == {"x": "a", "y": 1}
        assert "name it under 'flags'" in refused(notebook, {"x": 1}).hint

    def test_what_shares_its_value_with_others_does_not(self):
        for source in ("x = y = f()", "x, y = f()"):
            assert fl.detect(book(source), ["x"]) == fl.Flags()
            assert refused(book(source), {"x": 1}, ["x"]).what == "no flag 'x'"

    def test_a_name_that_is_nowhere_stays_unknown(self):
        notebook = book("noise = 0.1")
        assert list(fl.detect(notebook, ["nose"]).found) == ["noise"]
        error = refused(notebook, {"nose": 1}, ["nose"])
        assert (error.what, error.hint) == ("no flag 'nose'", "did you mean 'noise'?")


# ---------------------------------------------------------------------------------------------------
# Setting


class TestSetting:
    @pytest.mark.parametrize(
        ("source", "given_", "expected"),
        [
            ("x = 1.0", {"x": 2}, "x = 2.0"),
            ("a, b = 1, 2; x = 1; z = f()", {"x": 2}, "a, b = 1, 2; x = 2; z = f()"),
            ("x=-1;y=2", {"x": 3, "y": -4}, "x=3;y=-4"),
            ("x = 1, 2", {"x": [3]}, "x = (3,)"),
            ("x = (1)", {"x": 2}, "x = (2)"),
            ("x = (1, 2)  # c", {"x": (3, 4)}, "x = (3, 4)  # c"),
            ("x = [\n  1,  # one\n  2,\n]\ny = 1", {"x": []}, "x = []\ny = 1"),
            ("x = '''a\nb'''; y = 'c'", {"x": "d\ne"}, "x = 'd\\ne'; y = 'c'"),
            ("x = \\\n  1", {"x": 2}, "x = \\\n  2"),
            ("x = True", {"x": False}, "x = False"),
            ("x: 'float' = 1  # m", {"x": 2}, "x: 'float' = 2.0  # m"),
            ("é = 'ß'; x = 'ä'\t# ö", {"x": "日本"}, "é = 'ß'; x = '日本'\t# ö"),
            ("x = 1\r\ny = 2\r\n", {"y": 3}, "x = 1\r\ny = 3\r\n"),
            ("%time\rx = 1\ry = 2", {"y": 3}, "%time\rx = 1\ry = 3"),
            ("\x0cx = 1\n\x0cy = 2", {"y": 3}, "\x0cx = 1\n\x0cy = 3"),
            ("%%time\n!é\nx = 1", {"x": 3}, "%%time\n!é\nx = 3"),
            ("x = 1 ;", {"x": 3}, "x = 3 ;"),
            ("x = 'a'# c", {"x": "b"}, "x = 'b'# c"),
            ("x = None", {"x": {"a": (1, None)}}, "x = {'a': (1, None)}"),
            ("n = 5\nr = 2\nh = 2", {"n": 1, "r": 3, "h": 4}, "n = 1\nr = 3\nh = 4"),
            ("x = 1.0", {"x": math.inf}, "x = 1e999"),
            ("a = 's = \"\u2028\"'; x = 1", {"x": 2}, "a = 's = \"\u2028\"'; x = 2"),
        ],
    )
    def test_only_the_range_of_the_literal_changes(self, source, given_, expected):
        assert set_flags(book(source), given_) == [expected]

    @pytest.mark.parametrize(
        ("source", "value"),
        [
            ("x = '00:00'", "12:30"), ("x = '1'", "010"), ("x = ''", "1_0"), ("x = 'no'", "yes"), ("x = ''", "2020-01-01"),
            ("x = 'a'", ""), ("x = 'a'", "-abc"), ("x = 'a'", "a: b"), ("x = 'a'", "a\nb"), ("x = 'a'", "# c"), ("x = 'a'", "nan"),
            ("x = False", True), ("x = True", False), ("x = [64, 32]", [1]), ("x = [64, 32]", []), ("x = '1'", "1"), ("x = 'a'", "[1,2]"),
        ],
    )  # fmt: skip
    def test_values_arrive_as_they_are(self, source, value):
        """Values that a command line or YAML 1.1 on the way would change."""
        notebook = book(source)
        assert literals.same(fl.effective(fl.detect(notebook), {"x": value})["x"], value)
        namespace: dict[str, object] = {}
        exec(set_flags(notebook, {"x": value})[0], namespace)
        assert literals.same(namespace["x"], value)

    def test_cells_without_a_new_value_are_not_touched(self):
        notebook = book("x = 1", "y  =  0x10 ;z=1_000", "w = 'a' 'b'")
        flags = fl.detect(notebook)
        assert fl.apply(notebook, flags, {}) == {}
        assert fl.apply(notebook, flags, {"x": 2}) == {0: "x = 2"}
        assert fl.apply(notebook, flags, {"y": 16, "w": "ab"}) == {}
        assert fl.apply(notebook, flags, {"y": 16, "z": 2}) == {1: "y  =  0x10 ;z=2"}

    def test_all_flags_of_a_run(self):
        flags = fl.detect(book("x = 1.0\nlayers = (64, 32)\ndate = '2020-01-01'"))
        assert fl.effective(flags, {}) == {"x": 1.0, "layers": (64, 32), "date": "2020-01-01"}
        found = fl.effective(flags, {"x": 2, "layers": [1]})
        assert literals.same(found, {"x": 2.0, "layers": (1,), "date": "2020-01-01"})
        with pytest.raises(FlagError, match="no flag 'lr'\n  hint: known: x, layers, date"):
            fl.effective(flags, {"lr": 1})
        with pytest.raises(FlagError, match="takes float, not str"):
            fl.effective(flags, {"x": "a"})

    def test_names_are_spelled_as_python_reads_them(self):
        notebook = book("\u03bc = 1")
        assert set_flags(notebook, {"\u00b5": 2}, ["\u00b5"]) == ["\u03bc = 2"]
        assert fl.effective(fl.detect(notebook), {"\u00b5": 2}) == {"\u03bc": 2}

    def test_unknown_names_and_wrong_types_are_errors(self):
        notebook = book("noise = 0.1\nepochs = 3", "best = 1", "best = 2")
        assert refused(notebook, {"noize": 1.0}).hint == "did you mean 'noise'?"
        assert refused(notebook, {"bets": 1.0}).hint == "did you mean 'best'?"
        assert refused(notebook, {"q": 1}).hint == "known: noise, epochs, best"
        assert refused(book("print(1)"), {"q": 1}).hint is None
        assert refused(notebook, {"epochs": 2.5}).what == "2.5 cannot be taken: the flag takes int, not float"

    def test_a_value_that_does_not_come_back_is_refused(self, monkeypatch):
        notebook = book("y = 0\nx = 1\na, b = 1, 2\nz = f()")
        for text in ("3", "2.0", "f()", "2\nw = 1", "2; y = 1", "(", "2\nx, b = 1, 2", "2\ny = 0"):
            monkeypatch.setattr(literals, "write", lambda _value, text=text: text)
            error = refused(notebook, {"x": 2})
            assert "cannot be written" in error.what
            assert error.where == "a.ipynb: cell 1"
        notebook = book("x = 1; y = 2; a, b = 1, 2")
        for text in (
            "2; z = 2; a, b = 1, 2 #",
            "2; y = b = 2; a = 1 #",
            "2; y = 3; a, b = 1, 2 #",
            "2; y, a = 2, 1; b = 2 #",
        ):
            monkeypatch.setattr(literals, "write", lambda _value, text=text: text)
            assert "cannot be written" in refused(notebook, {"x": 2}).what


BEFORE = [
    "", "%matplotlib inline\n", "# ünï = 1\n", 's = """a\nx = 5\n%time\n"""\n', "é = 'ß日'; ", "a = 1; ", "!ls \\\n -l é\n",
    "def f():\n\tx = 3\n", "b: int = 2  # c\n", "%%time\n", "q = f(1,\n      x=2)\n", "x += 1\n", "import x\n", "z?\n", "\n\n", "t = !ls\n",
]  # fmt: skip
AFTER = [
    "",
    ";",
    "; z1 = 3",
    "  # é = 1",
    "\n%time y",
    "\n\n",
    "\nprint('日', x)\n",
    " ; y1 = '''\nx = 1\n'''",
    " \\\n\n",
]
TARGETS = ["x = ", "x=", "x: 'Foo' = ", "x  :int|Foo=\t", "x = \\\n ", "(x): Foo = "]

NUMBERS = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([-0.0, 1e-320, 2**70])
)
COMPLEX = st.builds(
    complex,
    st.floats(allow_nan=False, allow_infinity=False).filter(bool),
    st.floats(1e-300, 1e300) | st.floats(-1e300, -1e-300),
)
TEXTS = st.one_of(
    st.text(),
    st.text("'\"\\\n\r\t{}%é\u2028\ud800\x00#;"),
    st.sampled_from(["12:30", "010", "1_0", "yes", "2020-01-01"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, COMPLEX, TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(TEXTS | st.integers(), inner, max_size=3),
    ),
    max_leaves=8,
)


OF_TYPE = {
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False),
    complex: COMPLEX,
    str: TEXTS,
    list: st.lists(VALUES, max_size=3),
    tuple: st.lists(VALUES, max_size=3).map(tuple),
    dict: st.dictionaries(TEXTS, VALUES, max_size=3),
    type(None): VALUES,
}


def notations(value):
    """Return ways in which people write a value down."""
    own = literals.write(value)
    ways = [own, f"({own})", f"(\n  {own}  # é\n)"]
    if isinstance(value, list):
        ways.append("[\n" + "".join(literals.write(item) + ",  # é\n" for item in value) + "]")
    if isinstance(value, tuple) and value:
        ways.append(own[1:-1])
    if isinstance(value, str):
        ways.append(f"'' {own}")
    return ways


@given(VALUES, st.sampled_from(BEFORE), st.sampled_from(TARGETS), st.sampled_from(AFTER), st.data())
def test_detect_write_detect(old, before, target, after, data):
    """For any literal: the value and type come back, and every other byte stays."""
    newline = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = data.draw(st.sampled_from(notations(old)))
    before, target, text, after = (part.replace("\n", newline) for part in (before, target, text, after))
    notebook = book("y = 1", before + target + text + after)
    flag = fl.detect(notebook).found["x"]
    assert literals.same(flag.value, old)
    new = data.draw(OF_TYPE[type(old)])
    first, changed = set_flags(notebook, {"x": new})
    assert first == "y = 1"
    source, (start, end) = notebook.cells[1].source.encode(), flag.span
    literal = source[start:end] if literals.same(old, new) else literals.write(new).encode()
    assert changed.encode() == source[:start] + literal + source[end:]
    assert changed.startswith(before + target)
    assert changed.endswith(after)
    assert literals.same(fl.detect(book("y = 1", changed)).found["x"].value, new)
