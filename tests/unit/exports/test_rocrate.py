"""Runs as a research object."""

from __future__ import annotations

import json
import math
from urllib.parse import unquote

import pytest

from pytest_nbrepro import attributes
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.exports import rocrate
from pytest_nbrepro.model import Metric, RunError, RunStatus


@pytest.fixture
def crate(tmp_path):
    """Write runs, and read them by the library that people use: ``crate(run, …)``."""
    library = pytest.importorskip("rocrate.rocrate")

    def make(*runs, **options):
        rocrate.write(runs, tmp_path / "crate", "Runs of proj", **options)
        return library.ROCrate(tmp_path / "crate")

    return make


def actions(crate):
    return [entity for entity in crate.get_entities() if entity.type == "CreateAction"]


def test_it_is_read_as_what_it_is(crate, rich):
    made = crate(rich())
    assert made.root_dataset["name"] == "Runs of proj"
    assert made.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    assert made.root_dataset["license"].id == "#no-licence"
    assert made.version == "1.2"


def test_a_run_is_an_action(crate, rich):
    run = rich(
        environment={"schema": 1, "interpreter": "CPython 3.12.1", "distributions": {"numpy": "2.4.6"}}
    )
    attributes.write(run.folder, attributes.Attributes(note="for figure 3"))
    (action,) = actions(crate(run))
    assert action["name"] == "train.ipynb::default"
    assert action["description"] == "for figure 3"
    assert {one["name"]: one["value"] for one in action["object"]} == {
        "x": 0.5, "name": "adam", "deep": True, "sizes": "[32, 16]", "none": "None",
    }  # fmt: skip
    values = {one["name"]: one["value"] for one in action["result"] if one.type == "PropertyValue"}
    assert values == {"loss": 0.25, "epochs": 3, "auc": 0.9}
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert action["startTime"] == "2025-01-01T00:00:01.000000+00:00"
    assert action["endTime"] == "2025-01-01T00:00:02.500000+00:00"
    assert action["instrument"]["softwareRequirements"] == ["CPython 3.12.1", "numpy==2.4.6"]


def test_files_are_there_and_told(crate, rich, tmp_path):
    run = rich(log="hello")
    made = crate(run)
    files = {entity.id: entity for entity in made.data_entities}
    place = f"runs/{run.id}"
    assert set(files) == {
        f"{place}/{name}" for name in ("files/curve.png", "files/rows.csv", "environment.json", "output.log")
    }
    assert files[f"{place}/files/curve.png"]["encodingFormat"] == "image/png"
    for name in files:
        assert (tmp_path / "crate" / unquote(name)).read_bytes() == (
            run.folder / unquote(name).removeprefix(f"{place}/")
        ).read_bytes()


def test_every_reference_leads_somewhere(crate, rich, tmp_path):
    crate(rich(), rich(status=RunStatus.FAILED, error=RunError("cell", "no")), licence="CC-BY-4.0")
    graph = json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text())["@graph"]
    known = {entity["@id"] for entity in graph}
    assert len(known) == len(graph)

    def references(value):
        if isinstance(value, dict):
            yield from (
                [value["@id"]]
                if set(value) == {"@id"}
                else (r for v in value.values() for r in references(v))
            )
        elif isinstance(value, list):
            yield from (r for item in value for r in references(item))

    outside = {"https://w3id.org/ro/crate/1.2"}
    assert set(references([list(entity.values()) for entity in graph])) - outside <= known
    assert "https://spdx.org/licenses/CC-BY-4.0" in known


def test_runs_in_other_environments_are_of_other_programs(crate, rich):
    def run(version):
        return rich(environment={"schema": 1, "distributions": {"numpy": version}})

    told = [
        action["instrument"]["softwareRequirements"]
        for action in actions(crate(run("2.3"), run("2.4"), run("2.4")))
    ]
    assert sorted(told) == [["numpy==2.3"], ["numpy==2.4"], ["numpy==2.4"]]


def test_a_run_that_failed(crate, rich):
    (action,) = actions(crate(rich(status=RunStatus.FAILED, error=RunError("cell", "ZeroDivisionError"))))
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "cell: ZeroDivisionError"


def test_odd_names_and_numbers(crate, bench):
    run = bench.run(
        "a b/ü.ipynb", flags={"x y": 1.0}, metrics={"loss (%)": Metric(math.nan)}, environment=None
    )
    (action,) = actions(crate(run))
    values = {one["name"]: one["value"] for one in [*action["result"], *action["object"]]}
    assert values == {"loss (%)": "nan", "x y": 1.0}
    assert action["instrument"]["name"] == "a b/ü.ipynb"


def test_a_folder_that_is_not_empty(rich, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NbreproError, match="not empty"):
        rocrate.write([rich()], tmp_path, "a")
