"""A search from the command line: what is searched, its trials as they end, and the best of them."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from pytest_nbrepro import flags
from pytest_nbrepro.cli import asking, output, running
from pytest_nbrepro.cli.asking import Subject
from pytest_nbrepro.cli.run import Options
from pytest_nbrepro.cli.site import Asked
from pytest_nbrepro.cli.steps import Steps
from pytest_nbrepro.cli.waiting import CLEAR
from pytest_nbrepro.errors import FlagError
from pytest_nbrepro.executors import Executor, Room, elsewhere, here
from pytest_nbrepro.model import FlagValue, Run, Task
from pytest_nbrepro.options import KernelStart
from pytest_nbrepro.store import Store
from pytest_nbrepro.sweep import batch, optimizers, reading, rows
from pytest_nbrepro.sweep.batch import Batch, Goal, Trial
from pytest_nbrepro.sweep.pruning import Pruner
from pytest_nbrepro.sweep.search import Limits, Search
from pytest_nbrepro.sweep.space import Choice, Domain, Range

_FAILED = 1
_MOST = 20  # trials, unless it is a grid
_FILE = "@"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is searched: `space` by an optimizer, or the rows of files."""

    fixed: dict[str, FlagValue]
    space: dict[str, Domain]
    rows: Sequence[optimizers.Values]

    @property
    def searched(self) -> list[str]:
        """The flags that differ from trial to trial."""
        return list(self.space) or list(dict.fromkeys(name for row in self.rows for name in row))


def is_search(about: Subject, options: Options) -> bool:
    """Tell whether a search is asked for.

    Raises:
        FlagError: a text looks like a search, and cannot be one.
    """
    if options.optimizer or options.minimize or options.maximize:
        return True
    plan = _plan(about, options.flags)
    return bool(plan.space or plan.rows)


def _plan(about: Subject, texts: Sequence[str]) -> Plan:
    files = [text.removeprefix(_FILE) for text in texts if text.startswith(_FILE)]
    pairs = [asking.split(text) for text in texts if not text.startswith(_FILE)]
    found = about.flags(name for name, _ in pairs)
    space: dict[str, Domain] = {}
    fixed = []
    for name, text in pairs:
        domain = reading.domain(name, text, found.found.get(name))
        if domain is None:
            fixed.append(f"{name}={text}")
        else:
            space[name] = domain
    given = asking.parsed(about.notebook, about.case, fixed)
    if files and space:
        raise FlagError("rows of a file and a search do not go together", where=_FILE + files[0])
    listed = [row for file in files for row in rows.read(file, found)]
    for values in (_example(space), *listed):
        flags.apply(about.notebook, about.flags(values), {**about.case.flags, **given, **values})
    return Plan({**about.case.flags, **given}, space, listed)


def _example(space: dict[str, Domain]) -> optimizers.Values:
    """Return one point of a space: what is wrong with a flag is told before anything runs."""
    return {name: one.values[0] if isinstance(one, Choice) else one.at(0.0) for name, one in space.items()}


def begin(about: Subject, options: Options) -> int:
    """Search, and return the exit code.

    Raises:
        NbreproError: what is asked for does not fit together, or a package is not there.
    """
    plan = _plan(about, options.flags)
    goals = (*map(Goal, options.minimize), *(Goal(name, maximize=True) for name in options.maximize))
    name = options.optimizer or _default(plan, goals)
    if not plan.space and not plan.rows:
        raise FlagError("there is nothing to search", hint="give a flag several values: x=[-2.0:2.0]")
    asked = Batch(
        about.case.notebook,
        about.case.name,
        tuple(
            f"{_FILE}{Path(text[1:]).absolute()}" if text.startswith(_FILE) else text
            for text in options.flags
        ),
        name,
        goals,
        options.seed,
        options.max_trials or _all(plan, name),
        options.trial_timeout,
        options.prune,
    )
    _check_pruning(asked, options)
    optimizer = _optimizer(plan, asked, 0)
    output.write_lines(_shown(about, plan, asked), err=options.as_json)
    if not options.yes and not click.confirm("Continue?", default=True, err=options.as_json):
        return _FAILED
    batch_id = batch.begin(Store(about.site.store), asked)
    return _search(about, plan, asked, batch_id, optimizer, (), options)


def go_on(where: Asked, options: Options) -> int:
    """Go on with a search, and return the exit code.

    Raises:
        NbreproError: there is no such search, or its notebook is not what it was.
    """
    site = where.site()
    store = Store(site.store)
    batch_id, asked = batch.find(store, options.resume or "")
    named = any(asked.case == one for one in ("default", ""))
    place = site.short(site.root / asked.notebook)
    about = asking.subject(where, place, None if named else asked.case)
    plan = _plan(about, asked.texts)
    asked = dataclasses.replace(asked, max_trials=options.max_trials or asked.max_trials)
    made = list(batch.trials(store, batch_id, asked.goals))
    click.echo(f"search {batch_id}: {output.count(len(made), 'trial')} of {asked.max_trials} made", err=True)
    optimizer = _optimizer(plan, asked, len(made))
    return _search(about, plan, asked, batch_id, optimizer, made, options)


def _default(plan: Plan, goals: Sequence[Goal]) -> str:
    if all(isinstance(domain, Choice) and domain.grid for domain in plan.space.values()):
        return optimizers.GRID
    return optimizers.TPE if goals else optimizers.RANDOM


def _all(plan: Plan, name: str) -> int:
    if plan.rows:
        return len(plan.rows)
    if name != optimizers.GRID:
        return _MOST
    return len(optimizers.Grid(plan.space))


def _optimizer(plan: Plan, asked: Batch, made: int) -> optimizers.Optimizer:
    if plan.rows:
        return optimizers.Rows(plan.rows)
    return optimizers.make(asked.optimizer, plan.space, len(asked.goals), asked.seed, made)


def _shown(about: Subject, plan: Plan, asked: Batch) -> Iterator[str]:
    how = "each row" if plan.rows else asked.optimizer
    yield f"You are about to run {asked.notebook} up to {output.count(asked.max_trials, 'time')} ({how})"
    found = about.flags((*plan.fixed, *plan.searched))
    values = flags.effective(found, plan.fixed)
    names = list(dict.fromkeys((*values, *plan.searched)))
    width = max(map(len, names))
    for name in names:
        domain = plan.space.get(name)
        text = _spelt(domain) if domain else ("as in its row" if name in plan.searched else "")
        yield output.printable(f"  {name:<{width}}  {text or asking.written(values[name])}")
    yield from (f"  {goal}" for goal in asked.goals)


def _spelt(domain: Domain) -> str:
    if isinstance(domain, Range):
        return f"{domain.low:g} to {domain.high:g}{', by its logarithm' if domain.log else ''}"
    return ("each of " if domain.grid else "one of ") + ", ".join(map(asking.written, domain.values))


def _check_pruning(asked: Batch, options: Options) -> None:
    """Raise an error where trials cannot be ended early."""
    if asked.prune and len(asked.goals) != 1:
        raise click.UsageError("--prune needs one metric: --minimize METRIC or --maximize METRIC")
    if asked.prune and options.executor:
        raise click.UsageError(
            "--prune does not go with --executor: what trials print elsewhere is not seen until they end"
        )


def _executor(options: Options, about: Subject) -> Executor:
    """Return what runs the trials; modules of the project can be named, as in pytest."""
    if not options.executor:
        return here(Room(options.workers))
    if str(about.site.root) not in sys.path:
        sys.path.insert(0, str(about.site.root))
    return elsewhere(options.executor)


def _search(
    about: Subject,
    plan: Plan,
    asked: Batch,
    batch_id: str,
    optimizer: optimizers.Optimizer,
    made: Sequence[Trial],
    options: Options,
) -> int:
    said = dataclasses.replace(options.said, batch=batch_id)
    teller = Teller(asked, plan.searched, aside=options.as_json)
    executor = _executor(options, about)
    limits = Limits(asked.max_trials, options.stop_after, options.fail_fast)

    def task(values: optimizers.Values) -> Task:
        case = asking.own_case(about.case, {**plan.fixed, **values}, about.known)
        spec = dataclasses.replace(case.spec, timeout=asked.trial_timeout or case.spec.timeout)
        made = running.task(dataclasses.replace(case, spec=spec), about.site)
        return dataclasses.replace(made, fork=about.site.settings.kernel_start is KernelStart.FORK)

    def searched(run: Run) -> optimizers.Values:
        return {name: run.flags[name] for name in plan.searched if name in run.flags}

    pruner = Pruner(asked.goals[0]) if asked.prune else None
    search = Search(optimizer, task, executor, asked.goals, limits, said, teller.ended, pruner)
    search.resume(made, searched)
    teller.begin(search.trials)
    try:
        search.carry_out(options.workers)
    except KeyboardInterrupt:
        teller.clear()
        click.echo(f"stopped: nbrepro run --resume {batch_id} goes on", err=True)
        raise
    finally:
        executor.close()
    teller.clear()
    found = batch.best(search.trials) if asked.goals else []
    if options.as_json:
        output.write_json(_record(batch_id, search.trials, found, about))
    else:
        output.write_lines(teller.best(found, batch_id, len(search.trials)))
    failed = sum(trial.losses is None and not trial.pruned for trial in search.trials)
    return _FAILED if failed or not search.trials else 0


def _record(
    batch_id: str, trials: Sequence[Trial], found: Sequence[Trial], about: Subject
) -> dict[str, object]:
    return {
        "batch": batch_id,
        "trials": [
            {"trial": one.number, "fault": one.fault, **asking.record(one.run, about.site, kept=False)}
            for one in sorted(trials, key=lambda one: one.number)
        ],
        "best": [one.number for one in found],
    }


class Teller:
    """Tells trials as they end, and how far the search is."""

    def __init__(self, asked: Batch, names: Sequence[str], *, aside: bool) -> None:
        self._asked = asked
        self._names = names
        self._aside = aside
        self._terminal = sys.stderr.isatty()
        self._steps = Steps("trial", asked.max_trials)
        self._trials: list[Trial] = []

    def begin(self, made: Sequence[Trial]) -> None:
        """Begin after the trials of an earlier sitting."""
        self._trials = [*made]
        self._steps = Steps("trial", self._asked.max_trials - len(made))
        self._steps.begin()
        self._draw()

    def ended(self, trial: Trial) -> None:
        """Tell of one that has ended."""
        self._trials.append(trial)
        self.clear()
        click.echo(self._line(trial), err=self._aside)
        self._steps.begin()
        self._draw()

    def clear(self) -> None:
        """Take back the line that tells how far it is."""
        if self._terminal:
            click.echo(CLEAR, nl=False, err=True)

    def best(self, found: Sequence[Trial], batch_id: str, made: int) -> Iterator[str]:
        """Yield the end of the search."""
        pruned = sum(trial.pruned for trial in self._trials)
        failed = sum(trial.losses is None for trial in self._trials) - pruned
        word = "".join(
            f", {number} {what}" for number, what in ((failed, "failed"), (pruned, "pruned")) if number
        )
        yield f"{output.count(made, 'trial')} of search {batch_id}{word}"
        for trial in found:
            yield f"best      {self._line(trial)}"

    def _line(self, trial: Trial) -> str:
        flag_texts = [
            f"{name}={_short(trial.run.flags[name])}" for name in self._names if name in trial.run.flags
        ]
        gave = trial.fault if trial.pruned else f"failed: {trial.fault}"
        if trial.losses is not None:
            gave = self._gave(trial)
        return output.printable(
            f"trial {trial.number:>3}  {trial.run.id[-6:]}  {', '.join(flag_texts)}  {gave}".rstrip()
        )

    def _gave(self, trial: Trial) -> str:
        names = [goal.metric for goal in self._asked.goals] or list(trial.run.metrics)[:3]
        return ", ".join(f"{name} {output.number(trial.run.metrics[name])}" for name in names)

    def _draw(self) -> None:
        if self._terminal:
            found = batch.best(self._trials)[:1] if self._asked.goals else []
            beyond = "".join(f", best {self._gave(trial)}" for trial in found)
            click.echo(f"{CLEAR}{self._steps}{beyond}"[:120], nl=False, err=True)


def _short(value: FlagValue) -> str:
    return f"{value:.6g}" if isinstance(value, float) else asking.written(value)
