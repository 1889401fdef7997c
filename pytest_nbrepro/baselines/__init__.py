"""Baselines on disk: reading, composing and installing them (format: design section 7)."""

from pytest_nbrepro.baselines.drafts import LARGEST, SKETCH, Draft, compose, slim, write_tree
from pytest_nbrepro.baselines.installing import delete, install
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
    "Draft",
    "compose",
    "delete",
    "fingerprint",
    "folders",
    "holding",
    "install",
    "made_by_fixture",
    "own_files",
    "read",
    "slim",
    "write_tree",
]
