"""Searches: many runs of a notebook with other flags, chosen by an optimizer."""

from __future__ import annotations

from pytest_nbrepro.sweep.batch import Batch, Goal, Trial, best
from pytest_nbrepro.sweep.search import Limits, Search

__all__ = ["Batch", "Goal", "Limits", "Search", "Trial", "best"]
