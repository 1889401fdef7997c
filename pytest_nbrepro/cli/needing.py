"""Whether a run is needed: one that completed with the same code, flags, inputs and environment is as good."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from pytest_nbrepro import files
from pytest_nbrepro.cli import asking
from pytest_nbrepro.cli.run import Wanted
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.environment import hash_inputs
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.index import Index
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.store import ENVIRONMENT, Store


def equal(wanted: Wanted, site: Site) -> Run | None:
    """Return the newest run that is as good as a new one; None where there is none, or that cannot be said.

    Of a notebook whose annotation names a kernel it cannot be said: that is another environment.
    """
    if wanted.case.spec.kernel is not None:
        return None
    store, values = Store(site.store), asking.effective(wanted)
    sources = [files.sha256_text(source) for _, source in asking.sources(wanted)]
    index = Index(store)
    for run_id in reversed(store.ids()):
        try:
            listed = index.read(run_id)
            if listed is None or not _alike(listed, wanted, values):
                continue
            run = store.read(run_id)
        except StoreError:  # one that cannot be read is as good as none
            continue
        if [cell.source for cell in run.cells] == sources and _same_environment(run, wanted, site):
            return run
    return None


def _alike(run: Run, wanted: Wanted, values: Mapping[str, Any]) -> bool:
    same = run.notebook == wanted.case.notebook and run.status is RunStatus.COMPLETED
    return same and _coded(run.flags) == _coded(values)


def _coded(values: Mapping[str, Any]) -> str:
    return json.dumps({name: files.to_json(value) for name, value in values.items()}, sort_keys=True)


def _same_environment(run: Run, wanted: Wanted, site: Site) -> bool:
    try:
        then = json.loads((run.folder / ENVIRONMENT).read_text("utf-8"))
        inputs, distributions = then["inputs"], then["distributions"]
        python, seed, env = then["python"], then.get("seed"), then.get("env", {})
    except (OSError, ValueError, KeyError, TypeError):
        return False
    spec = wanted.case.spec
    if (python, seed) != (platform.python_version(), spec.seed):
        return False
    if any(env.get(name) != value for name, value in spec.env.items()):
        return False
    return hash_inputs(inputs, site.root) == inputs and all(
        _version(name) == version for name, version in distributions.items()
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
