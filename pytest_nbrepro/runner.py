"""`run_case`: from a task to a run on disk. The one function that other processes are sent."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_nbrepro import (
    capture,
    comparers,
    environment,
    execution,
    files,
    flags,
    leftovers,
    nbreg,
    notebook,
    workspace,
)
from pytest_nbrepro.errors import KernelError, NbreproError
from pytest_nbrepro.model import Metric, Progress, Run, RunError, RunStatus, Task
from pytest_nbrepro.store import ENVIRONMENT, EXECUTED, VARIABLES, WORK, Store, read_run

_FORESEEN = 64  # tasks that are looked at before the first of them runs


def expect(tasks: Sequence[Task]) -> None:
    """Make ready for tasks that will come: for none at a session's start, for all of them once they are known."""
    if tasks:
        _LEFTOVERS.expect({_folder(task) for task in tasks})
        forking = [task for task in tasks if task.fork and task.case.spec.kernel is None]
        execution.expect(map(_expected, forking[:_FORESEEN]), more=len(forking) > _FORESEEN)


def _expected(task: Task) -> execution.Expected:
    path, spec = task.root / task.case.notebook, task.case.spec
    try:
        sources = tuple(cell.source for cell in notebook.read(path).code)
    except NbreproError:  # who runs it is told
        sources = ()
    return execution.Expected(
        environ=task.environ,
        env=spec.env,
        seed=spec.seed,
        threads=task.threads,
        sources=sources,
        folders=(path.parent, task.root),
    )


def release() -> None:
    """Let go of what `expect` made ready."""
    execution.release()
    clear()


def clear() -> None:
    """Remove what runs that are over have left for others."""
    _LEFTOVERS.close()


def _folder(task: Task) -> str:
    """Return the folder of a task's notebook."""
    return str((task.root / task.case.notebook).parent)


def run_case(
    task: Task,
    progress: Callable[[Progress], None] | None = None,
    control: execution.Control | None = None,
) -> Run:
    """Execute a case and keep everything of it.

    Whatever ends the run, its record is on disk and says how it ended.

    Args:
        task: what to run.
        progress: called as cells begin, and about once a second while one runs.
        control: lets other threads end the run, which then reads `interrupted`.

    Raises:
        StoreError: the run cannot be kept.
        KeyboardInterrupt: from outside; the run is kept as interrupted.
    """
    folder = Store(task.store).claim()
    run = Run(
        id=folder.name,
        folder=folder,
        notebook=task.case.notebook,
        case=task.case.name,
        flags=task.case.flags,
        status=RunStatus.RUNNING,
        started=datetime.now(UTC).isoformat(timespec="microseconds"),
    )
    store = Store(task.store)
    store.write(run)
    begun = time.perf_counter()
    staged: workspace.Workspace | None = None
    try:
        ended, staged = _attempt(task, run, progress, control)
    except KeyboardInterrupt:
        error = RunError("interrupted", "interrupted before the notebook ran")
        store.write(_timed(dataclasses.replace(run, status=RunStatus.INTERRUPTED, error=error), begun))
        raise
    except NbreproError as fault:
        ended = dataclasses.replace(run, status=RunStatus.FAILED, error=_as_run_error(fault, task.root))
    except OSError as fault:
        what = f"{fault.strerror or fault}: {fault.filename or folder}"
        error = RunError("workspace", what, hint="is the disk full, or the folder read-only?")
        ended = dataclasses.replace(run, status=RunStatus.FAILED, error=error)
    finally:
        left = _cleared(folder / WORK) if staged is None else ()
    ended = _timed(dataclasses.replace(ended, notes=(*ended.notes, *left)), begun)
    try:
        store.write(ended)
    finally:
        if staged is not None:  # once the record is written, to which who removes it may add
            _LEFTOVERS.keep(_folder(task), workspace.leftover(staged))
    return ended


def _cleared(work: Path) -> tuple[str, ...]:
    """Remove the mirror; return a note where that is not possible, which must not hide how the run ended."""
    try:
        workspace.remove(work)
    except NbreproError as fault:
        return (f"the folder in which the notebook ran is left behind: {fault.what}",)
    return ()


def _clear_later(root: str) -> None:
    """Remove the mirror of a run that is over, whose record tells where that is not possible."""
    if left := _cleared(Path(root)):
        run = read_run(Path(root).parent)
        Store(run.folder.parent.parent).write(dataclasses.replace(run, notes=(*run.notes, *left)))


_LEFTOVERS = leftovers.Leftovers(_clear_later)


def _attempt(
    task: Task,
    run: Run,
    progress: Callable[[Progress], None] | None,
    control: execution.Control | None,
) -> tuple[Run, workspace.Workspace | None]:
    """Return the run, and its mirror where that may serve another run."""
    case, spec = task.case, task.case.spec
    path = task.root / case.notebook
    source = notebook.read(task.source or path)
    declared = {*spec.flags, *case.flags}
    found = flags.detect(source, declared)
    changed = flags.apply(source, found, case.flags)
    unknown = nbreg.notes(source.metadata, [cell.metadata for cell in source.cells])
    run = dataclasses.replace(run, flags=flags.effective(found, case.flags), notes=unknown)
    Store(task.store).write(run)  # who looks at a run that still runs sees all of its flags
    staged = _staged(task, path, run.folder / WORK)
    if task.left is not None:
        _leave(task.left / "files", staged.folder)
    request = execution.Request(
        notebook=source.with_sources(changed),
        path=path,
        cwd=staged.folder,
        work=staged.root,
        project=task.root,
        folder=run.folder,
        kernel=spec.kernel,
        language=source.language,
        recorded_kernel=source.kernel,
        env=spec.env,
        seed=spec.seed,
        timeout=spec.timeout if spec.timeout is not None else task.timeout,
        cell_timeout=spec.cell_timeout,
        memory=spec.memory,
        expressions={rule.pattern: rule.value for rule in spec.metrics if rule.value is not None},
        coverage=task.coverage,
        threads=task.threads,
        forced=task.forced,
        environ=task.environ,
        fork=task.fork,
        python=task.python,
    )
    run = _kept(task, run, execution.execute(request, progress, control), staged)
    serves = run.status is RunStatus.COMPLETED and _LEFTOVERS.expects(_folder(task))
    return run, staged if serves else None


def _staged(task: Task, path: Path, work: Path) -> workspace.Workspace:
    """Make the mirror, of what an earlier run has left untouched where there is such."""
    inputs, skip = task.case.spec.inputs, (task.store, task.baselines)
    used = _LEFTOVERS.take(_folder(task))
    try:
        return workspace.stage(task.root, path, work, inputs=inputs, skip=skip, left=used)
    finally:
        if used is not leftovers.NOTHING:
            _clear_later(used.root)


def _leave(source: Path, folder: Path) -> None:
    """Put the files that an earlier run wrote where a notebook finds them; links to the project's are replaced."""
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if path.is_file() and inside.parts[0] != capture.OUTSIDE:
            files.copy(path, folder / inside)


def _kept(task: Task, run: Run, done: execution.Execution, staged: workspace.Workspace) -> Run:
    """Return the run with what its execution gave, and write its environment record."""
    written = [(file.name, file.path) for file in workspace.written(staged)]
    captured = capture.capture(
        notebook.parse(files.dump_json(done.notebook), run.folder / EXECUTED),
        run.folder,
        values={v.name: Metric(v.value, v.dtype, v.cell) for v in done.values},
        written=written,
        flags=run.flags,
        seconds=done.seconds,
        hidden=capture.Hidden.of(run, task.root, task.case.spec.outputs.masks),
    )
    run = dataclasses.replace(
        run,
        status=done.status,
        error=done.error,
        metrics=captured.metrics,
        artifacts={n: comparers.described(a, run.folder) for n, a in captured.artifacts.items()},
        cells=captured.cells,
        notes=(*run.notes, *done.notes, *captured.notes),
        seen=done.seen,
        peak=done.peak,
    )
    files.write_json(run.folder / ENVIRONMENT, _environment(task, run, done))
    if done.prints:
        files.write_json(
            run.folder / VARIABLES, {str(cell): dict(found) for cell, found in done.prints.items()}
        )
    broken = workspace.broken(staged)
    if not broken:
        return run
    error = RunError(
        "workspace",
        f"the run changed files of the project: {', '.join(broken)}",
        hint="a notebook may write beside itself or below, not to its inputs (or did somebody edit them meanwhile?)",
    )
    return dataclasses.replace(run, status=RunStatus.FAILED, error=run.error or error)


def _environment(task: Task, run: Run, done: execution.Execution) -> dict[str, Any]:
    code = [cell["source"] for cell in done.notebook["cells"] if cell["cell_type"] == "code"]
    folder = (task.root / task.case.notebook).parent
    made = {os.path.normpath(folder / name) for name in run.artifacts}
    named = environment.mentioned(code, folder, task.root)
    read = {*done.read, *(name for name in named if str(task.root / name) not in made)}
    recorded = environment.record(done.facts, read, task.root, code)
    tags = {"tags": list(task.tags)} if task.tags else {}
    return {**recorded, **tags, "flags": {name: files.to_json(value) for name, value in run.flags.items()}}


def _as_run_error(fault: NbreproError, root: Path) -> RunError:
    kind = "kernel" if isinstance(fault, KernelError) else "workspace"
    message = f"{fault.where}: {fault.what}" if fault.where else fault.what
    return RunError(kind, message.replace(f"{root}/", ""), hint=fault.hint)


def _timed(run: Run, begun: float) -> Run:
    return dataclasses.replace(run, duration=round(time.perf_counter() - begun, 3))
