"""What there is of the machine, within the limits of control groups."""

from __future__ import annotations

import os
from types import SimpleNamespace

import psutil
import pytest

from pytest_nbrepro.executors import machine


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A tree of control groups, this process in ``a/b``; 8 processors and 1000 bytes beside them."""
    mine = tmp_path / "cgroup"
    mine.write_text("12:cpu:/old\n0::/a/b\n")
    (tmp_path / "fs/a/b").mkdir(parents=True)
    monkeypatch.setattr(machine, "_MINE", mine)
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "fs")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))

    def write(group, **controls):
        for name, text in controls.items():
            (tmp_path / "fs" / group / name.replace("_", ".", 1)).write_text(text)

    return write


def test_without_limits(groups):
    groups("a/b", cpu_max="max 100000\n", memory_max="max\n", memory_current="5\n", memory_stat="x 1\n")
    assert (machine.cpus(), machine.available()) == (8, 1000)


def test_without_control_groups(groups, monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_MINE", tmp_path / "nowhere")
    assert (machine.cpus(), machine.available()) == (8, 1000)


def test_where_the_system_tells_no_affinity(groups, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.cpus() == 1


def test_the_tightest_limit_of_all_groups_counts(groups):
    groups("a", cpu_max="250000 100000\n")
    groups("a/b", cpu_max="400000 100000\n")
    assert machine.cpus() == 2


def test_less_than_one_processor_is_one(groups):
    groups("a/b", cpu_max="50000 100000\n")
    assert machine.cpus() == 1


def test_memory_that_files_hold_counts_as_free(groups):
    groups("a/b", memory_max="900\n", memory_current="500\n", memory_stat="anon 1\ninactive_file 200\n")
    assert machine.available() == 600


def test_a_group_that_is_full_leaves_nothing(groups):
    groups("a", memory_max="900\n", memory_current="950\n", memory_stat="inactive_file 0\n")
    assert machine.available() == 0
