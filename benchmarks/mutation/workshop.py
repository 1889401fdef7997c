"""The processes in which notebooks run: each has a copy of the project, all share the baselines."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from mutation import notebooks, truth
from pytest_nbrepro import baselines, notebook, pending, spec
from pytest_nbrepro.assessment import Places, assess
from pytest_nbrepro.model import Case, Check, CheckStatus, RunStatus, Task
from pytest_nbrepro.options import Update
from pytest_nbrepro.runner import run_case
from pytest_nbrepro.trial import Policy, try_case

Json = dict[str, Any]
Done = TypeVar("Done")
Job = tuple[Callable[..., Done], tuple[Any, ...]]

_TOLD = 20  # after so many runs a person who waits is told

_places: Places  # of the process


@dataclass(frozen=True)
class Judged:
    """A run and what the checks say of it."""

    completed: bool
    error: str
    ok: bool
    failed: tuple[str, ...]  # the checks that fail
    passed: tuple[str, ...]  # those that pass though something differs
    why: str
    results: Mapping[str, str]


class Workshop:
    """Runs notebooks of a project in a few processes.

    Args:
        project: the project, which is copied.
        folder: where the copies go, and the baselines.
        workers: how many processes.
    """

    def __init__(self, project: Path, folder: Path, workers: int) -> None:
        self.baselines = folder / "baselines"
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, context, _open, (project, folder, self.baselines))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def each(self, what: str, jobs: Mapping[Any, Job[Done]]) -> dict[Any, Done]:
        """Do the jobs, tell how far they are, and return what each gave by its key."""
        waiting = {self._pool.submit(work, *arguments): key for key, (work, arguments) in jobs.items()}
        done: dict[Any, Done] = {}
        for future in as_completed(waiting):
            done[waiting[future]] = future.result()
            if len(done) % _TOLD == 0 or len(done) == len(jobs):
                print(f"{what}: {len(done)} of {len(jobs)}", flush=True)
        return {key: done[key] for key in jobs}


def _open(project: Path, folder: Path, baselines: Path) -> None:
    """Copy the project for this process."""
    global _places  # noqa: PLW0603 - one per process
    root = folder / multiprocessing.current_process().name
    shutil.copytree(project, root)
    _places = Places(root, root / ".nbrepro", baselines)


def _case(name: str, content: Json) -> Case:
    """Put a notebook into the project and return its case."""
    path = _places.root / name
    notebooks.write(path, content)
    found, project = notebook.read(path), spec.load_project(_places.root)
    (case,) = spec.expand(found, project, spec.load(found, project))
    return case


def _task(case: Case) -> Task:
    return Task(case, _places.root, _places.store, _places.baselines)


def _told(checks: Iterable[Check]) -> Iterator[str]:
    for check in checks:
        used = "" if check.used is None else f" used {check.used:.2g}x of {check.limit}"
        yield f"{check.kind} {check.name} {check.status}{used}"


# ---------------------------------------------------------------------------------------------------
# Jobs


def establish(name: str, content: Json) -> tuple[str | None, Mapping[str, str]]:
    """Give a notebook its first baseline, as `pytest --nbrepro --nbrepro-update=new` does.

    Returns:
        Why there is none, or None; and the results that were accepted.
    """
    case = _case(name, content)
    trial = try_case(_task(case), _places, Policy(Update.NEW), run_case)
    run = trial.assessment.run
    if not trial.accepted:
        return trial.refused or (run.error.message if run.error else "it does not pass"), {}
    (entry,) = [entry for entry in pending.entries(_places.pending) if entry.folder == case.folder]
    pending.accept(_places.pending, entry, _places.root, _places.baselines, baselines.Terms())
    return None, truth.results(run, _places.root)


def judge(name: str, content: Json) -> Judged:
    """Run a notebook and hold it against its baseline, as `pytest --nbrepro` does."""
    case = _case(name, content)
    run = run_case(_task(case))
    assessment = assess(case, run, _places)
    completed = run.status is RunStatus.COMPLETED
    checks = assessment.verdict.checks
    found = truth.results(run, _places.root) if completed else {}
    shutil.rmtree(run.folder)
    return Judged(
        completed,
        run.error.message if run.error else "",
        assessment.verdict.ok,
        tuple(_told(assessment.verdict.failed)),
        tuple(_told(c for c in checks if c.status.ok and c.status is not CheckStatus.EQUAL)),
        assessment.why.cause if assessment.why else "",
        found,
    )


def unrounded(name: str, content: Json) -> Mapping[str, str]:
    """Return the results of a notebook made to show all digits.

    Raises:
        RuntimeError: it does not run to its end, which it did when it rounded them.
    """
    sources = {source.cell: truth.unrounded(source.text) for source in notebooks.script(content)}
    twin = notebooks.changed(content, sources)
    twin["cells"].insert(0, notebooks.code_cell("prelude", truth.PRELUDE))
    run = run_case(_task(_case(name, twin)))
    if run.status is not RunStatus.COMPLETED:
        raise RuntimeError(f"{name} does not run with all digits: {run.error}")
    found = truth.results(run, _places.root)
    shutil.rmtree(run.folder)
    return found
