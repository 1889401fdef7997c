"""The environment that tests give to processes of their own."""

from __future__ import annotations

import os


def clean(*more: str) -> dict[str, str]:
    """Return this process's environment without what would lead others astray, and without what begins as told."""
    left_out = ("NBREPRO", "PYTEST", "COV_", *more)
    return {
        name: value for name, value in os.environ.items() if not name.startswith(left_out) and name != "CI"
    }
