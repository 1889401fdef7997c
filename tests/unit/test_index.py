"""The index of the run store: runs are read once, and never wrongly."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from pytest_nbrepro import index
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.index import Index
from pytest_nbrepro.model import Artifact, CellRecord, Metric, Run, RunError, RunStatus
from pytest_nbrepro.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".nbrepro")


def put(store: Store, **fields) -> Run:
    folder = store.claim()
    values = {
        "status": RunStatus.COMPLETED,
        "metrics": {"loss": Metric(0.5, steps=((1, 1.0), (2, 0.5)))},
        "artifacts": {"a.csv": Artifact("a.csv", "table", "files/a.csv", "0", 1)},
        "cells": (CellRecord(0, "a", "0", "0"),),
        **fields,
    }
    run = Run(folder.name, folder, "a.ipynb", "default", {"x": (1, 2)}, started="2025", **values)
    store.write(run)
    return run


def listed(store: Store) -> list[Run | None]:
    known = Index(store)
    found = [known.read(run_id) for run_id in store.ids()]
    known.save()
    return found


def test_a_run_is_told_without_what_no_list_shows(store):
    error = RunError("cell", "no", traceback="long")
    run = put(store, status=RunStatus.FAILED, error=error, notes=("a note",))
    slim = dataclasses.replace(
        run, metrics={"loss": Metric(0.5)}, artifacts={}, cells=(), notes=(), error=RunError("cell", "no")
    )
    assert listed(store) == [slim]
    assert listed(store) == [slim]  # from the index


def test_records_are_opened_once(store, monkeypatch):
    runs = [put(store) for _ in range(3)]
    first = listed(store)
    monkeypatch.setattr(index, "read_run", lambda folder: pytest.fail(f"{folder} was opened"))
    assert listed(store) == first
    assert [run.id for run in first] == [run.id for run in runs]


def test_a_record_that_was_replaced_is_read_anew(store):
    run = put(store)
    listed(store)
    store.write(dataclasses.replace(run, metrics={"loss": Metric(0.25)}))
    assert listed(store)[0].metrics["loss"].value == 0.25


def test_a_run_under_way_is_not_kept(store):
    run = put(store, status=RunStatus.RUNNING)
    assert listed(store)[0].status is RunStatus.RUNNING
    assert not (store.folder / "index.jsonl").exists()
    store.write(dataclasses.replace(run, status=RunStatus.COMPLETED))
    assert listed(store)[0].status is RunStatus.COMPLETED


def test_deleted_runs_are_forgotten(store):
    gone, left = put(store), put(store)
    listed(store)
    shutil.rmtree(gone.folder)
    assert [run.id for run in listed(store)] == [left.id]
    assert gone.id not in (store.folder / "index.jsonl").read_text()


@pytest.mark.parametrize(
    "text", ["", "{", '{"schema": 2}\n', '{"schema": 1}\n["torn', '{"schema": 1}\n[1]\n']
)
def test_an_index_that_is_torn_or_newer_is_made_anew(store, text):
    run = put(store)
    (store.folder / "index.jsonl").write_text(text)
    assert [one.id for one in listed(store)] == [run.id]
    first = (store.folder / "index.jsonl").read_text().splitlines()[0]
    assert json.loads(first) == {"schema": 1}


def test_a_fault_is_told_each_time(store):
    run = put(store)
    (run.folder / "run.json").write_text("{")
    for _ in range(2):
        with pytest.raises(StoreError, match="cannot be read"):
            Index(store).read(run.id)


def test_a_folder_without_a_record_is_no_run(store):
    assert Index(store).read(store.claim().name) is None


def test_a_store_that_cannot_be_written_is_listed(store, monkeypatch):
    run = put(store)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(index.files, "write_text", refuse)
    assert [one.id for one in listed(store)] == [run.id]


def test_the_newest_first_and_those_that_cannot_be_read_are_told(store):
    runs = [put(store) for _ in range(4)]
    (runs[1].folder / "run.json").write_text("{")
    store.claim()  # has no record yet
    told: list[str] = []
    found = [run.id for run in Index(store).newest(lambda run_id, _: told.append(run_id))]
    assert found == [runs[3].id, runs[2].id, runs[0].id]
    assert told == [runs[1].id]
    assert [run.id for run in Index(store).newest(ids=[runs[0].id, runs[1].id])] == [runs[0].id]
