"""Baselines on disk: reading, composing and installing them (format: design section 7)."""

from pytest_nbrepro.baselines.drafts import (
    LARGEST,
    SKETCH,
    Draft,
    compose,
    slim,
    stored_text,
    write_tree,
)
from pytest_nbrepro.baselines.installing import delete, install
from pytest_nbrepro.baselines.partial import Change, Key, changes, partly
from pytest_nbrepro.baselines.reading import (
    ENVIRONMENT,
    MANIFEST,
    METRICS,
    NOTEBOOK,
    OWN,
    SCHEMA,
    fingerprint,
    folders,
    holding,
    made_by_fixture,
    own_files,
    read,
)

__all__ = [
    "ENVIRONMENT",
    "LARGEST",
    "MANIFEST",
    "METRICS",
    "NOTEBOOK",
    "OWN",
    "SCHEMA",
    "SKETCH",
    "Change",
    "Draft",
    "Key",
    "changes",
    "compose",
    "delete",
    "fingerprint",
    "folders",
    "holding",
    "install",
    "made_by_fixture",
    "own_files",
    "partly",
    "read",
    "slim",
    "stored_text",
    "write_tree",
]
