"""What people say of a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_nbrepro import attributes
from pytest_nbrepro.attributes import Attributes
from pytest_nbrepro.errors import StoreError

SAID = st.builds(
    Attributes,
    st.text(),
    st.lists(st.text()).map(attributes.clean),
    st.text(),
    st.none() | st.text(),
    st.none() | st.integers(0, 99),
)


@given(SAID)
def test_what_is_said_comes_back(tmp_path_factory, said):
    folder = tmp_path_factory.getbasetemp()
    attributes.write(folder, said)
    assert attributes.read(folder) == said
    assert bool(said) == (said != Attributes())


def test_nothing_said(tmp_path):
    assert attributes.read(tmp_path) == attributes.NONE


def test_tags_are_told_once():
    assert attributes.clean([" b", "a", "b ", ""]) == ("a", "b")


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 9}', '{"schema": 1}'])
def test_damage_is_named(tmp_path, text):
    (tmp_path / attributes.FILE).write_text(text)
    with pytest.raises(StoreError, match="cannot be read"):
        attributes.read(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write"):
        attributes.write(tmp_path / "file", Attributes("a"))
