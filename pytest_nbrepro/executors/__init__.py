"""Executors run tasks: in threads of this process, in a process of their own, or through somebody else's.

All of them keep to the protocol `Executor` of `base`. Nothing that runs notebooks is imported before it is needed.
"""

from __future__ import annotations

import os

from pytest_nbrepro.executors.base import Executor, Handle, Room

__all__ = ["Executor", "Handle", "Room", "apart", "elsewhere", "here"]


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


def elsewhere(name: str) -> Executor:
    """Return an executor on top of somebody else's: see `factories.factory`.

    Raises:
        NbreproError: nothing can be imported by this name.
    """
    from pytest_nbrepro.executors.factories import factory
    from pytest_nbrepro.executors.sending import Elsewhere

    return Elsewhere(factory(name))
