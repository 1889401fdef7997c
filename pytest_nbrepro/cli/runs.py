"""`nbrepro runs`: the runs that are kept."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import click

from pytest_nbrepro import files
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.conditions import Condition, condition, value
from pytest_nbrepro.cli.group import FAULT, complain
from pytest_nbrepro.cli.site import Asked, Site
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.index import Index
from pytest_nbrepro.model import Run, RunStatus
from pytest_nbrepro.reports import words
from pytest_nbrepro.store import Store

_SHORT = 6  # characters of an id's end that people type
_METRICS = 3


@dataclass
class Listing:
    """The runs that were asked for, and what could not be read on the way."""

    runs: list[Run] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)  # id to what is wrong
    more: bool = False  # the limit left some out

    def fault(self, run_id: str, error: StoreError) -> None:
        """Keep what is wrong with a run."""
        self.faults[run_id] = str(error)


@click.command("runs")
@click.argument("where", metavar="[CONDITION]", required=False)
@click.option("--notebook", metavar="N", help="Only this notebook, folder, case or pattern.")
@click.option(
    "--status", type=click.Choice([status.value for status in RunStatus]), help="Only runs that ended so."
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=20, show_default=True, help="At most so many; 0: all."
)
@click.option(
    "--sort", metavar="NAME", help="By a flag, metric or other name of a condition; -NAME: largest first."
)
@click.option("--min", "least", metavar="METRIC", help="The run with the least METRIC.")
@click.option("--max", "most", metavar="METRIC", help="The run with the largest METRIC.")
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def command(asked: Asked, /, **given: Any) -> None:
    """List the runs that are kept, newest first.

    CONDITION takes some of them: `loss<0.8 and x>0 and status=completed`. Its names are status, notebook, case, id, started,
    seconds, label, tag, batch, trial, flags and metrics (`flag:x`, `metric:x` where both have it); its signs = != < <= > >= and
    ~ for a pattern; and, or, not and brackets go between.

    The short ids name a run for `nbrepro show`. A run that cannot be read is told on stderr, and makes the
    exit code 2.

    \b
    JSON: {"schema": 1,
           "runs": [{"id", "short", "notebook", "case", "status", "started" (UTC),
                     "duration" (s or null), "flags": {name: value},
                     "metrics": {name: value}, "error" (text or null), "folder"}],
           "unreadable": {id: text}, "more": whether --limit left some out}
    Values without a JSON form are tagged: {"$float": "NaN"}, {"$tuple": [1, 2]}.
    """  # noqa: D301 - \b is click's mark for text that stays as it is
    site = asked.site()
    notebook, status, limit, as_json = (given[name] for name in ("notebook", "status", "limit", "as_json"))
    order = _order(given)
    meets = condition(given["where"]) if given["where"] else None
    ids = Store(site.store).ids()
    rooted = site.rooted(notebook) if notebook else None
    listing = select(Store(site.store), ids, rooted, status, 0 if order else limit, meets)
    if order is not None:
        _arrange(listing, order, 1 if given["least"] or given["most"] else limit)
    shorts = short_ids(ids)
    if as_json:
        output.write_json(_record(listing, shorts, site))
    elif given["as_csv"]:
        output.write_lines(table_of(listing.runs).csv())
    elif listing.runs:
        output.write_lines(output.table(_HEAD, [_row(run, shorts[run.id]) for run in listing.runs]))
    elif not listing.faults:
        click.echo(
            f"no {'such ' if notebook or status or meets else ''}runs in {site.short(site.store)}", err=True
        )
    if listing.more and not as_json:
        click.echo(f"… older ones: --limit {2 * limit}", err=True)
    for fault in listing.faults.values():
        complain(fault)
    if listing.faults:
        raise click.exceptions.Exit(FAULT)


def _order(given: Mapping[str, Any]) -> str | None:
    """Return the name to sort by, with a minus before it where the largest comes first.

    Raises:
        UsageError: several are given.
    """
    named = [given["sort"], given["least"], given["most"] and f"-{given['most']}"]
    wanted = [name for name in named if name]
    if len(wanted) > 1:
        raise click.UsageError("one of --sort, --min and --max is enough")
    return wanted[0] if wanted else None


def _arrange(listing: Listing, order: str, limit: int) -> None:
    chosen = arranged(listing.runs, order)
    listing.more = bool(limit) and len(chosen) > limit
    listing.runs = chosen[: limit or None]


def arranged(runs: Sequence[Run], order: str) -> list[Run]:
    """Return runs sorted by a name, with a minus before it the largest first; those without such a value are left out."""
    name = order.removeprefix("-")
    found = [(value(run, name), run) for run in runs]
    numbers = [(one, run) for one, run in found if isinstance(one, (int, float)) and one == one]  # noqa: PLR0124 - NaN
    texts = [(one, run) for one, run in found if isinstance(one, str)]
    return [run for _, run in sorted(numbers or texts, key=lambda pair: pair[0], reverse=order != name)]


def table_of(runs: Sequence[Run]) -> Any:
    """Return runs as a table with all of their flags and metrics."""
    from pytest_nbrepro.cli.compare import Table

    return Table(runs, None, everything=True)


def select(
    store: Store,
    ids: Sequence[str],
    notebook: str | None,
    status: str | None,
    limit: int,
    meets: Condition | None = None,
) -> Listing:
    """Read runs, newest first, until there are `limit` that match; 0 stands for all.

    Args:
        store: where they are.
        ids: of all runs, oldest first.
        notebook: a case, notebook, notebook without its suffix, folder above it, or pattern of these.
        status: how they must have ended.
        meets: what else they must meet.
        limit: how many at most.
    """
    listing, index = Listing(), Index(store)
    for run in index.newest(listing.fault, ids):
        if (notebook and not named(run, notebook)) or (status and run.status != status):
            continue
        if meets is not None and not meets(run):
            continue
        if limit and len(listing.runs) == limit:
            listing.more = True
            break
        listing.runs.append(run)
    index.save()
    return listing


def named(run: Run, name: str) -> bool:
    """Tell whether a run is of a case, notebook, folder or pattern."""
    names = (f"{run.notebook}::{run.case}", run.notebook, run.notebook.removesuffix(".ipynb"))
    return run.notebook.startswith(f"{name}/") or any(n == name or fnmatchcase(n, name) for n in names)


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Return for each id the shortest end of it, six characters or more, that `Store.find` finds it by.

    Args:
        ids: all ids, sorted.
    """
    found: dict[str, str] = {}
    rest, length = list(ids), _SHORT
    while rest:
        ends = Counter(name[-length:] for name in ids)
        clear = {
            n for n in rest if n[-length:] == n or (ends[n[-length:]] == 1 and not _begins(ids, n[-length:]))
        }
        found |= {name: name[-length:] for name in clear}
        rest = [name for name in rest if name not in clear]
        length += 1
    return found


def _begins(ids: Sequence[str], text: str) -> bool:
    """Tell whether an id begins with `text`."""
    place = bisect_left(ids, text)
    return place < len(ids) and ids[place].startswith(text)


_HEAD = ("RUN", "STARTED", "STATUS", "TOOK", "CASE", "METRICS")


def _row(run: Run, short: str) -> tuple[str, ...]:
    metrics = [f"{name} {output.number(metric)}" for name, metric in list(run.metrics.items())[:_METRICS]]
    more = [f"+{len(run.metrics) - _METRICS}"] if len(run.metrics) > _METRICS else []
    return (
        short,
        output.local_time(run.started),
        run.status,
        words.seconds(run.duration),
        f"{run.notebook}::{run.case}",
        ", ".join([*metrics, *more]),
    )


def _record(listing: Listing, shorts: dict[str, str], site: Site) -> dict[str, Any]:
    return {
        "runs": list(_records(listing.runs, shorts, site)),
        "unreadable": listing.faults,
        "more": listing.more,
    }


def _records(runs: Sequence[Run], shorts: dict[str, str], site: Site) -> Iterator[dict[str, Any]]:
    for run in runs:
        yield {
            "id": run.id,
            "short": shorts[run.id],
            "notebook": run.notebook,
            "case": run.case,
            "status": run.status,
            "started": run.started,
            "duration": run.duration,
            "flags": {name: files.to_json(value) for name, value in run.flags.items()},
            "metrics": {name: files.to_json(metric.value) for name, metric in run.metrics.items()},
            "error": run.error.message if run.error else None,
            "folder": site.short(run.folder),
        }
