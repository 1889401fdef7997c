"""From a notebook's annotation to test items."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro import nbreg, spec
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Case
from pytest_nbrepro.notebook import Notebook, read
from pytest_nbrepro.plugin import SESSION
from pytest_nbrepro.session import NotReproduced, Session
from pytest_nbrepro.textual import is_text


def collect(path: Path, parent: pytest.Collector, session: Session) -> pytest.Collector | None:
    """Return a collector for a notebook that may be annotated, is named on the command line, or wanted anyhow.

    Executed copies in run stores and reports are left alone, also where these were brought from elsewhere.
    """
    if (path.parent / "run.json").exists() or _is_of_report(path):
        return None
    named = parent.session.isinitpath(path)
    beside = spec.annotated_beside(path, session.project)
    if is_text(path) and not beside:
        return None
    if not (named or session.settings.all or beside or spec.may_say(path)):
        return None
    collector: NotebookFile = NotebookFile.from_parent(parent, path=path, named=named, beside=beside)
    return collector


def _is_of_report(path: Path) -> bool:
    """Tell whether a notebook lies beside the page of a report."""
    return path.parent.name == "files" and all(
        (path.parents[1] / name).exists() for name in ("index.html", "report.json")
    )


class NotebookFile(pytest.File):
    """A notebook; its items are its cases, none where it turns out to have no annotation."""

    def __init__(self, *, named: bool, beside: bool, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.named = named  # on the command line: it is taken whatever its metadata say
        self.beside = beside  # its annotation lies beside it, or in the project's file
        self.skip: str | None = None  # why it is to be skipped

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item a case; a notebook or annotation with faults yields one that fails with them."""
        session = self.config.stash[SESSION]
        try:
            cases = self._cases(session)
            items = [NotebookItem.from_parent(self, name=case.name, case=case) for case in cases]
            for item in items:
                item.mark(self.skip)
        except NbreproError as error:
            yield BrokenItem.from_parent(self, name="annotation", error=error)
            return
        yield from items

    def _cases(self, session: Session) -> tuple[Case, ...]:
        if session.project_fault is not None:
            raise session.project_fault
        notebook = read(self.path, pictures=False)
        if not (self.named or self._wanted(notebook, session)):
            return ()
        if not self.path.is_relative_to(session.project.root):
            raise NbreproError(
                f"this notebook lies outside the project's root {session.project.root}",
                where=str(self.path),
                hint="run pytest from a folder above it, or give --rootdir",
            )
        self.skip = nbreg.skipped(notebook.metadata)
        return spec.expand(notebook, session.project, spec.load(notebook, session.project))

    def _wanted(self, notebook: Notebook, session: Session) -> bool:
        said = spec.said(notebook.metadata)
        return self.beside or session.settings.all if said is None else said


class NotebookItem(pytest.Item):
    """One case of a notebook."""

    def __init__(self, *, case: Case, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.case = case
        self.extra_keyword_matches.add(case.name.replace("=", ":"))  # -k takes no "="
        self.fault: NbreproError | None = None  # found when all cases were known

    def mark(self, skip: str | None) -> None:
        """Set the marks that the annotation asks for, and that of a notebook that is to be skipped for a reason.

        Raises:
            NbreproError: a mark is not registered while pytest runs with --strict-markers.
        """
        self.add_marker("nbrepro")
        for name in self.case.spec.marks:
            try:
                self.add_marker(getattr(pytest.mark, name))
            except pytest.fail.Exception as error:
                raise NbreproError(
                    f"the mark {name!r} is not registered",
                    where=self.case.notebook,
                    hint="add it to the ini key markers",
                ) from error
        if skip is not None:
            self.add_marker(pytest.mark.skip(reason=skip))
        if self.case.spec.xfail is not None:
            self.add_marker(pytest.mark.xfail(reason=self.case.spec.xfail, strict=True))

    def runtest(self) -> None:
        """Run the case and judge it."""
        if self.fault is not None:
            raise self.fault
        self.config.stash[SESSION].run_item(self, self.case)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the report of a case that does not reproduce."""
        return represent(excinfo) or super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return where the item is from, and its heading; not the end of its node id, whose dots pytest rewrites."""
        return self.path, 0, f"notebook {self.case.id}"


class BrokenItem(pytest.Item):
    """Stands for a notebook that cannot be read, or whose annotation has faults."""

    def __init__(self, *, error: NbreproError, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.error = error
        self.add_marker("nbrepro")

    def runtest(self) -> None:
        """Fail with the faults."""
        raise self.error

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return where the item is from, and its heading."""
        return self.path, 0, f"notebook {self.nodeid}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the faults, as text."""
        return represent(excinfo) or super().repr_failure(excinfo, style)


def represent(excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
    """Return a failure of ours as text alone, with its summary in pytest's last lines; None for others."""
    error = excinfo.value
    if not isinstance(error, (NotReproduced, NbreproError)):
        return None
    shown = excinfo.getrepr(style="value")
    if shown.reprcrash is not None:
        shown.reprcrash.message = (
            error.summary if isinstance(error, NotReproduced) else " ".join(str(error).split())
        )
    return shown
