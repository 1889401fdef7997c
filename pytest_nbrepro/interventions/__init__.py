"""Why a case does not reproduce, found out by experiments: one thing after the other is held still."""

from __future__ import annotations

from pytest_nbrepro.interventions.answer import Answer, Finding
from pytest_nbrepro.interventions.search import Make, Search

__all__ = ["Answer", "Finding", "Make", "Search"]
