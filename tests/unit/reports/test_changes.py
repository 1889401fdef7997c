"""Where a run was made, and what of that changed."""

from __future__ import annotations

from pytest_nbrepro.reports import changes


def test_packages_and_the_machine():
    before = {"platform": "linux-x86_64", "blas": {"name": "openblas", "version": "0.3.29"}, "cpu": "A"}
    before["distributions"] = {"numpy": "2.3.5", "scipy": "1.0", "same": "1"}
    now = {"platform": "linux-aarch64", "blas": {"name": "openblas", "version": "0.3.30"}, "cpu": "A"}
    now["distributions"] = {"numpy": "2.4.6", "pandas": "3.0", "same": "1"}
    found = [(c["name"], c["before"], c["after"]) for c in changes.between(before, now)]
    assert found == [
        ("platform", "linux-x86_64", "linux-aarch64"),
        ("blas", "openblas 0.3.29", "openblas 0.3.30"),
        ("numpy", "2.3.5", "2.4.6"),
        ("pandas", "none", "3.0"),
        ("scipy", "1.0", "none"),
    ]


def test_what_one_side_does_not_record_is_no_change():
    full = {"platform": "linux", "distributions": {"numpy": "1"}}
    assert changes.between({}, full) == changes.between(full, {}) == changes.between(full, full) == []


def test_facts_are_told_in_words_without_paths():
    record = {
        "interpreter": "CPython 3.12",
        "thread_limit": 4,
        "seed": None,
        "executable": "/home/me/python",
        "git": {"commit": "0123456789abcdef", "dirty": True},
        "distributions": {"numpy": "1"},
    }
    assert changes.told(record) == {
        "interpreter": "CPython 3.12",
        "thread limit": "4",
        "git": "0123456789ab, with changes",
        "packages": {"numpy": "1"},
    }
    assert changes.told({}) == {"packages": {}}
