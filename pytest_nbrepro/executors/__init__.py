"""Executors run tasks: in threads of this process, or in a process of their own.

All of them keep to the protocol `Executor` of `base`. Nothing that runs notebooks is imported before it is needed.
"""

from __future__ import annotations

import os

from pytest_nbrepro.executors.base import Executor, Handle, Room

__all__ = ["Executor", "Handle", "Room", "apart", "here"]


def here(room: Room | None = None) -> Executor:
    """Return an executor in this process."""
    from pytest_nbrepro.executors.inprocess import InProcess

    return InProcess(room or Room())


def apart(room: Room) -> Executor:
    """Return an executor in a process of its own, where the system has what that takes."""
    if os.name != "posix":
        return here(room)
    from pytest_nbrepro.executors.driver import Driver

    return Driver(room)
