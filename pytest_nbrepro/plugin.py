"""The hooks that pytest calls; each hands on to the session, which exists only where it is needed.

Nothing but pytest and the ground level is imported here: a run of other tests must not pay for notebooks.
See https://docs.pytest.org/en/stable/reference/reference.html#hooks.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
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
        from pytest_nbrepro.session import Session

        config.stash[SESSION] = Session(config, config.stash[SETTINGS])
    return config.stash[SESSION]


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say where baselines and runs are."""
    return config.stash[SESSION].header() if SESSION in config.stash else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Keep baselines and the run store out of the collection."""
    if SESSION not in config.stash:
        return None
    return config.stash[SESSION].ignores(collection_path) or None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect annotated notebooks."""
    if SESSION not in parent.config.stash or file_path.suffix != ".ipynb":
        return None
    from pytest_nbrepro.collection import collect

    return collect(file_path, parent, parent.config.stash[SESSION])


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Note that not everything runs."""
    if items and SESSION in items[0].config.stash:
        items[0].config.stash[SESSION].deselected(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which cases there are."""
    if SESSION in session.config.stash:
        session.config.stash[SESSION].collected(session)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test's report carry what became of its notebooks, also from a worker process."""
    report = yield
    if SESSION in item.config.stash and (report.when == "call" or report.skipped):
        item.config.stash[SESSION].attach(item, report, call.excinfo.value if call.excinfo else None)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Accept what may be accepted, look for obsolete baselines, set the exit status."""
    if SESSION in session.config.stash:
        session.config.stash[SESSION].finish(session)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell how it went."""
    if SESSION in config.stash:
        config.stash[SESSION].summarize(terminalreporter)


@pytest.fixture
def nbrepro(request: pytest.FixtureRequest) -> Notebooks:
    """Run notebooks from a test: ``nbrepro.run(path, x=1.0)`` and ``nbrepro.check(run)``."""
    from pytest_nbrepro.fixture import Notebooks

    return Notebooks(request, session_of(request.config))
