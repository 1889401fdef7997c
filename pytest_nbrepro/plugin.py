"""The hooks that pytest calls in every run; the others are called once there is a session: see `hooks`.

Nothing but pytest and the ground level is imported here: a run of other tests must not pay for notebooks.
See https://docs.pytest.org/en/stable/reference/reference.html#hooks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.options import OPTIONS, Option, Settings, resolve

if TYPE_CHECKING:
    from pytest_nbrepro.fixture import Notebooks
    from pytest_nbrepro.session import Session

SETTINGS = pytest.StashKey[Settings]()
SESSION = pytest.StashKey["Session"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add every option as a flag and as an ini key."""
    group = parser.getgroup("nbrepro", "notebook reproducibility")
    for option in OPTIONS:
        if option.kind is bool:
            group.addoption(option.flag, action="store_const", const=True, dest=option.key, help=option.help)
        else:
            group.addoption(option.flag, dest=option.key, metavar=option.metavar, help=option.help)
        parser.addini(option.key, f"{option.help} (as {option.flag})", default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Resolve the options; start a session where notebooks are asked for."""
    config.addinivalue_line("markers", "nbrepro: a notebook that is run and compared with its baseline")

    def flag(option: Option) -> Any:
        return config.getoption(option.key)

    def ini(option: Option) -> Any:
        return config.getini(option.key)

    try:
        settings = resolve(config.rootpath, flag, ini, os.environ)
    except NbreproError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[SETTINGS] = settings
    if settings.enabled:
        session_of(config)


def session_of(config: pytest.Config) -> Session:
    """Return the session, made when it is first asked for."""
    if SESSION not in config.stash:
        from pytest_nbrepro.ahead import begun

        runs = begun(
            config, config.stash[SETTINGS]
        )  # which makes itself ready while this process imports the rest
        from pytest_nbrepro.hooks import register
        from pytest_nbrepro.session import Session

        try:
            config.stash[SESSION] = Session(config, config.stash[SETTINGS], runs)
        except pytest.UsageError:
            runs.close()
            raise
        register(config.stash[SESSION])
    return config.stash[SESSION]


@pytest.fixture
def nbrepro(request: pytest.FixtureRequest) -> Notebooks:
    """Run notebooks from a test: ``nbrepro.run(path, x=1.0)`` and ``nbrepro.check(run)``."""
    from pytest_nbrepro.fixture import Notebooks

    return Notebooks(request, session_of(request.config))
