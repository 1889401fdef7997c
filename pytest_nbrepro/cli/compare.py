"""`nbrepro compare`: runs in a table, flags beside what they gave."""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from pytest_nbrepro import attributes, files
from pytest_nbrepro.cli import output, picking
from pytest_nbrepro.cli.show import judge, resolve
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.model import Check, Metric, Run
from pytest_nbrepro.store import Store

_MOST = 20


@click.command("compare")
@picking.options(_MOST)
@click.option(
    "--all", "everything", is_flag=True, help="Also the flags and metrics that are the same in all runs."
)
@click.option("--to", "reference", metavar="RUN", help="Hold all runs against this one.")
@click.option("--baseline", is_flag=True, help="Hold each run against the baseline of its case.")
@click.option(
    "--plain", is_flag=True, help="Write the table also on a terminal, where else keys move about in it."
)
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(asked: Asked, /, **given: Any) -> None:
    """Compare runs in a table: flags and metrics that are not the same in all of them, newest first.

    RUN is a run's id, its beginning or end, or `last`. With --to or --baseline each metric has its difference and how much of
    its limit that is. The exit code is 0; 2 where a run cannot be read.

    \b
    JSON: {"schema": 1, "flags": [name], "metrics": [name],
           "runs": [{"id", "notebook", "case", "status", "started", "seconds",
             "label", "tags", "batch", "trial", "flags": {name: value},
             "metrics": {name: value},
             "against": {name: {"difference", "used"}} with --to or --baseline}]}
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    site = asked.site()
    picked = picking.picked(site, given)
    if given["reference"] and given["baseline"]:
        raise click.UsageError("--to and --baseline do not go together")
    against = _against(picked.runs, site, given)
    table = Table(picked.runs, against, everything=given["everything"])
    if given["as_json"]:
        output.write_json(table.record())
    elif given["as_csv"]:
        output.write_lines(table.csv())
    elif given["plain"] or not (sys.stdin.isatty() and sys.stdout.isatty()):
        output.write_lines(table.lines())
    else:
        _browse(table, asked)
    picked.close()


def _browse(table: Table, asked: Asked) -> None:
    from pytest_nbrepro.cli.browsing import browse
    from pytest_nbrepro.cli.grid import Grid

    def command(arguments: Sequence[str]) -> None:
        with contextlib.suppress(SystemExit):
            program.main([*asked.options(), *arguments], prog_name="nbrepro")

    program = click.get_current_context().find_root().command
    browse(Grid(*table.cells()), [run.id for run in table.runs], command)


Against = Mapping[
    str, Mapping[str, tuple[Metric | None, float | None]]
]  # run, metric: the other value, share of its limit


def _against(runs: Sequence[Run], site: Site, given: Mapping[str, Any]) -> Against | None:
    """Return what each metric is held against."""
    if given["baseline"]:
        found = {}
        for run in runs:
            judged = judge(Store(site.store).read(run.id), site).assessment
            accepted = judged.baseline.metrics if judged and judged.baseline else {}
            checks = judged.verdict.checks if judged else ()
            found[run.id] = {name: (accepted.get(name), _used(checks, name)) for name in run.metrics}
        return found
    if not given["reference"]:
        return None
    from pytest_nbrepro.cli.pairing import Pair

    store = Store(site.store)
    reference = resolve(store, given["reference"])
    found = {}
    for run in runs:
        checks = (
            tuple(Pair(reference, store.read(run.id), site).checks.values()) if run.id != reference.id else ()
        )
        found[run.id] = {name: (reference.metrics.get(name), _used(checks, name)) for name in run.metrics}
    return found


def _used(checks: Sequence[Check], name: str) -> float | None:
    return next((check.used for check in checks if (check.kind, check.name) == ("metric", name)), None)


class Table:
    """Runs as rows.

    Args:
        runs: the rows.
        against: what their metrics are held against, if anything.
        everything: keep the columns that are the same in all rows.
    """

    def __init__(self, runs: Sequence[Run], against: Against | None, *, everything: bool) -> None:
        self.runs = runs
        self._against = against
        self._said = {run.id: attributes.read(run.folder) for run in runs}
        keep = everything or len(runs) == 1
        self.flags = _names([{n: files.to_json(v) for n, v in run.flags.items()} for run in runs], keep=keep)
        self.metrics = _names(
            [{n: files.to_json(m.value) for n, m in run.metrics.items()} for run in runs],
            keep=keep or against is not None,
        )

    def record(self) -> dict[str, Any]:
        """Return the table as JSON (see `nbrepro compare --help`)."""
        return {
            "flags": self.flags,
            "metrics": self.metrics,
            "runs": [self._record(run) for run in self.runs],
        }

    def lines(self) -> Iterator[str]:
        """Yield the table for people."""
        head, rows = self._cells(short=True)
        yield from output.table([name.upper() if name in _FIXED else name for name in head], rows)
        hidden = self._hidden()
        if hidden:
            yield f"the same in all: {', '.join(hidden)}"

    def csv(self) -> Iterator[str]:
        """Yield the lines of the table as CSV."""
        head, rows = self._cells(short=False)
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([head, *rows])
        yield from out.getvalue().splitlines()

    def cells(self) -> tuple[list[str], list[list[str]], list[list[str]]]:
        """Return the names of the columns, the rows for people, and the same with all digits."""
        head, rows = self._cells(short=True)
        return head, rows, self._cells(short=False)[1]

    def _hidden(self) -> list[str]:
        first = self.runs[0]
        flags = [f"{n}={output.printable(str(v))}" for n, v in first.flags.items() if n not in self.flags]
        metrics = [f"{n} {output.number(m)}" for n, m in first.metrics.items() if n not in self.metrics]
        return [*flags, *metrics] if len(self.runs) > 1 else []

    def _cells(self, *, short: bool) -> tuple[list[str], list[list[str]]]:
        told = any(said.label for said in self._said.values())
        head = [*_FIXED, *(["label"] if told else []), *self.flags]
        for name in self.metrics:
            head += [name, *((f"{name} difference", f"{name} used") if self._against is not None else ())]
        return head, [self._row(run, told=told, short=short) for run in self.runs]

    def _row(self, run: Run, *, told: bool, short: bool) -> list[str]:
        row = [
            run.id[-6:] if short else run.id,
            output.local_time(run.started) if short else run.started,
            run.status,
        ]
        row += [self._said[run.id].label] if told else []
        row += [_flag(run.flags[name], short=short) if name in run.flags else "" for name in self.flags]
        for name in self.metrics:
            metric = run.metrics.get(name)
            row.append("" if metric is None else output.number(metric) if short else repr(metric.value))
            if self._against is not None:
                difference, used = self._held(run, name)
                row += [
                    "" if number is None else _number(number, short=short) for number in (difference, used)
                ]
        return [output.printable(cell) for cell in row]

    def _held(self, run: Run, name: str) -> tuple[float | None, float | None]:
        other, used = (self._against or {})[run.id].get(name, (None, None))
        mine = run.metrics.get(name)
        return (None if other is None or mine is None else float(mine.value) - float(other.value)), used

    def _record(self, run: Run) -> dict[str, Any]:
        said = self._said[run.id]
        record = {
            "id": run.id,
            "notebook": run.notebook,
            "case": run.case,
            "status": run.status,
            "started": run.started,
            "seconds": run.duration,
            "label": said.label,
            "tags": list(said.tags),
            "batch": said.batch,
            "trial": said.trial,
            "flags": {name: files.to_json(value) for name, value in run.flags.items()},
            "metrics": {name: files.to_json(metric.value) for name, metric in run.metrics.items()},
        }
        if self._against is not None:
            held = {name: self._held(run, name) for name in run.metrics}
            record["against"] = {
                name: {"difference": files.to_json(difference), "used": files.to_json(used)}
                for name, (difference, used) in held.items()
            }
        return record


_FIXED = ("run", "started", "status")


def _names(rows: Sequence[Mapping[str, Any]], *, keep: bool) -> list[str]:
    """Return the names of columns: all, or those of which rows differ."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [
        name for name in names if keep or any(row.get(name, ...) != rows[0].get(name, ...) for row in rows)
    ]


def _flag(value: Any, *, short: bool) -> str:
    return f"{value:.6g}" if short and isinstance(value, float) else str(value)


def _number(value: float, *, short: bool) -> str:
    return f"{value:.3g}" if short else repr(value)
