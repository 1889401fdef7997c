"""Formulas as MathML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro.reports.formulas import mathml, mixed


def test_a_formula_is_set():
    told = mathml(r" \frac{1}{n} \sum_i x_i ", block=True)
    assert told.startswith("<math")
    assert 'display="block"' in told
    assert "<mfrac>" in told


@pytest.mark.parametrize("source", [r"\frac{", "", "x" * 20_001])
def test_what_cannot_be_set_stays_legible(source):
    assert mathml(source).startswith('<code class="formula inline" title="')


def test_source_is_escaped():
    assert "<script>" not in mathml(r"\frac{<script>")
    assert "<img" not in mathml(r"\text{<img src=x onerror=alert(1)>}")
    assert "<img" not in mixed("<img src=x> $x$ <img>")


def test_text_with_formulas_in_it():
    told = mixed(r"so $x$ and $$y$$ then \begin{align}a\end{align} <end>")
    assert told.startswith("so <math")
    assert told.count("<math") == 3
    assert told.count('display="block"') == 2
    assert told.endswith(" &lt;end&gt;")


def test_text_without_marks_is_one_formula():
    assert mixed(r"\hat{y}").startswith("<math")


@given(st.text(alphabet="<>&\"'\\{}$ax_^&#", max_size=30))
def test_no_element_comes_from_the_source(source):
    from bs4 import BeautifulSoup

    for told in (mathml(source), mixed(source)):
        names = {tag.name for tag in BeautifulSoup(told, "html.parser").find_all(True)}
        assert names <= {"math", "code"} | {name for name in names if name.startswith("m")}
