"""Masking magics: the same cells that IPython can run, the same lines in the same places."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from pytest_nbrepro.magics import mask_magics

MASKED = [
    ("%matplotlib inline\nx = 1\n", "pass\nx = 1\n"),
    ("!ls -l\nx = 1", "pass\nx = 1"),
    ("!!ls\n", "pass\n"),
    ("!ls \\\n  -l\nx = 1\n", "pass\n\nx = 1\n"),
    ("!echo \"it's\nx = 1\n", "pass\nx = 1\n"),
    ("?print\nx = 1\n", "pass\nx = 1\n"),
    ("print??\nx = 1\n", "pass\nx = 1\n"),
    ("a.b?\nx = 1\n", "pass\nx = 1\n"),
    ("/f 1\n", "pass\n"),
    (",f a b\n", "pass\n"),
    (";f a b\n", "pass\n"),
    ("if x:\n    %time f()\n    y = 2\n", "if x:\n    pass\n    y = 2\n"),
    ("\tx = !ls\n", "\tpass\n"),
    ("files = !ls {a} \\\n  -l\nx = 1\n", "pass\n\nx = 1\n"),
    ("t = %timeit -o f()\nx = 1\n", "pass\nx = 1\n"),
    ("a, b =  %magic\n", "pass\n"),
    ("s: list = !ls\n", "pass\n"),
    ("%%time\nx = 1\n", "\nx = 1\n"),
    ("\n \n%%capture out --no-stderr\nx = 1\n", "\n\n\nx = 1\n"),
    ("%%capture\n%%time\n%matplotlib inline\nx = 1", "\n\npass\nx = 1"),
    ("%%prun -s x\r\nx = 1\r\n", "\r\nx = 1\r\n"),
    ("%%time", ""),
    ("# c\n%%time\nx = 1", "# c\npass\nx = 1"),
    ("", ""),
]

KEPT = [
    "x = (5\n% 3)\n",
    "x = 5 \\\n% 3\n",
    's = """\n%time\n!ls\nx?\n"""\n',
    "s = '''a\\'''\n%no\n'''\n",
    "s = 'it\\'s' \"%d\"\n",
    "s = 'a\\\n%b'\n",
    "s = 'a\\\r\n%b'\n",
    "s = f'{x=!r} {y!s}'\n",
    "# x = !ls?\nx = 1 # why?\n",
    "x != y\nx %= 3\nx = -1\nx == 2\n",
    "f(\n  [1,\n  2]\n)\n",
    "f(a=1)\n",
    "r'\\'\n",
]


@pytest.mark.parametrize(("source", "masked"), MASKED)
def test_magics_become_nothing(source, masked):
    assert mask_magics(source) == masked


@pytest.mark.parametrize("source", KEPT)
def test_python_stays(source):
    assert mask_magics(source) == source


@pytest.mark.parametrize(
    "name", ["bash", "timeit", "writefile a.py", "html", "R", "sql", "!", "", "time?", "javascript"]
)
def test_cells_of_another_kind_hold_no_python(name):
    assert mask_magics(f"%%{name}\nx = 1\n") is None
    assert mask_magics(f"%%time\n%%{name}\nx = 1\n") is None


@pytest.mark.parametrize(
    "source", ['s = """open\n%time\n', "s = 'open\n", "f(\n%time\n", ")\n%time\n", "x = 1 \\"]
)
def test_broken_python_ends_too(source):
    masked = mask_magics(source)
    assert masked is not None
    assert masked.count("\n") == source.count("\n")


def test_what_ipython_runs_is_parsed():
    """Every masked cell parses where IPython's own translation does."""
    transform = TransformerManager().transform_cell
    for source, masked in MASKED:
        if source.startswith(("\t", "# c", "\n \n")):
            continue  # IPython strips what stands before; that cell alone cannot be parsed in its place
        ast.parse(transform(source))
        ast.parse(masked)


LINES = st.lists(
    st.sampled_from(
        [
            "%m",
            "!c \\",
            "x = !c",
            "y?",
            "%%time",
            "x = 'a'",
            's = """',
            "(",
            ")",
            "# ?",
            "  z = 1",
            "é = 'ü'",
            "\\",
        ]
    ),
    max_size=8,
)


@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_lines_keep_their_places(lines, newline):
    source = newline.join(lines)
    masked = mask_magics(source)
    assert masked is not None
    assert masked.count(newline) == source.count(newline)
    for before, after in zip(source.split(newline), masked.split(newline), strict=True):
        assert after in {before, "", before[: len(before) - len(before.lstrip())] + "pass"}


@given(st.text(alphabet="ab =!%?'\"\\()[]{}#\r\n\t,;/", max_size=40))
def test_any_text_is_masked_without_loss_of_lines(source):
    masked = mask_magics(source)
    if masked is not None:
        assert masked.count("\n") == source.count("\n")


@pytest.mark.parametrize("letter", [*"a'\"\\(%=?#\n ", "'''", '"""', "=!", "\\\n", "%%time\n", "' "])
def test_long_cells_end(letter):
    mask_magics("x = 1\n" + letter * (80_000 // len(letter)))
    mask_magics(letter * (80_000 // len(letter)))
