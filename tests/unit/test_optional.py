"""Packages of extras: what is told where they are not there."""

from __future__ import annotations

import json

import pytest

from pytest_nbrepro.errors import ExtraError
from pytest_nbrepro.optional import require


def test_a_module_that_is_there_is_returned():
    assert require("json", "hdf5") is json


def test_one_that_is_not_names_its_extra():
    with pytest.raises(ExtraError, match=r"it needs no_such_module, .*pytest-nbrepro\[hdf5\]") as caught:
        require("no_such_module", "hdf5")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
