"""How many threads the libraries in a kernel may use."""

from __future__ import annotations

import pytest

from pytest_nbrepro.kernels import connection, threads

ALL = {
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "VECLIB_MAXIMUM_THREADS",
}


def test_without_a_number_nothing_is_set():
    assert threads.divided(None, {}) == {}


def test_every_library_gets_the_number():
    assert threads.divided(3, {"HOME": "/h"}) == dict.fromkeys(ALL, "3")


def test_what_is_set_stays():
    assert threads.divided(3, {"MKL_NUM_THREADS": "8"}) == dict.fromkeys(ALL - {"MKL_NUM_THREADS"}, "3")


def test_where_the_one_that_all_go_by_is_set_nothing_is_added():
    assert threads.divided(3, {"OMP_NUM_THREADS": "8"}) == {}


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HOME": "/h"}, "none"),
        ({"OMP_NUM_THREADS": "2"}, "2"),
        (dict.fromkeys(ALL, "2"), "2"),
        ({"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "4"}, "OMP_NUM_THREADS 2, MKL_NUM_THREADS 4"),
        ({"MKL_NUM_THREADS": "4"}, "MKL_NUM_THREADS 4"),
    ],
)
def test_the_limit_in_words(environ, said):
    assert threads.limit(environ) == said


def test_they_are_told_as_set_on_purpose(tmp_path):
    env, told = connection.environment({"A": "1"}, threads.divided(2, {"A": "1"}), tmp_path, None)
    assert env["MKL_NUM_THREADS"] == told["MKL_NUM_THREADS"] == "2"
