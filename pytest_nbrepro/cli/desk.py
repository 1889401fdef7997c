"""Where a person decides on what waits: questions, and what each answer does at once."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from pytest_nbrepro import pending, spec
from pytest_nbrepro.assessment import Places, keep_pending
from pytest_nbrepro.baselines import Terms
from pytest_nbrepro.cli import output
from pytest_nbrepro.cli.accept import commit_message
from pytest_nbrepro.cli.cards import Card, brief, card_of, changes_of, sides, whole_diff
from pytest_nbrepro.cli.group import complain
from pytest_nbrepro.cli.loosening import loosen
from pytest_nbrepro.cli.settling import crept, places, terms_for
from pytest_nbrepro.cli.site import Site
from pytest_nbrepro.errors import NbreproError
from pytest_nbrepro.model import Artifact, Metric, Picture, Run
from pytest_nbrepro.pending import Pending

_KEYS = """\
a accept  A intended  v overlay  r reject  s skip  e each
t loosen  d diff  o open  q quit  ? help"""
_HELP = """\
  a  accept: the values become the baseline
  A  accept as intended: the same, and drifts are counted anew from here
  v  overlay: they count where the run was made alone, by its platform or a tag
  r  reject: forget these values; the baseline stays as it is
  s  skip: they go on waiting
  e  each: ask for every metric, artifact and text that differs
  t  loosen: write the limits behind `allow` into the annotation
  d  diff: every check, and all that differs
  o  open: tell where the files that differ lie; pictures open on a display
  q  quit: the rest goes on waiting"""
_ANSWERS = {"a", "A", "v", "s", "b"}  # where a single value is asked for
_PICTURES = {"image", "markup"}


class _Quit(Exception):  # noqa: N818 - no fault
    """The person has had enough, or there is nobody to answer."""


class Desk:
    """Goes through entries with a person.

    Args:
        site: the project.
        root: the folder of what waits.
        why: the reason for all that is accepted; "" where it is asked each time.
    """

    def __init__(self, site: Site, root: Path, why: str) -> None:
        self.site, self.root, self.why = site, root, why
        self.accepted: dict[str, Pending] = {}  # by case
        self.reason = ""  # the last one that was given
        self._asks = not why

    def review(self, entry: Pending, place: str) -> bool:
        """Ask what to do with an entry until it is answered; False where the person quits."""
        card = self._show(entry)
        while True:
            try:
                answer = self._ask(f"{_KEYS}\n{place} > ")
                if answer in {"q", "s"}:
                    return answer == "s"
                left = self._do(answer, entry, card)
            except _Quit:
                return False
            except (NbreproError, OSError) as error:
                complain(str(error))
                left = self._again(entry)
            if left is None:
                return True
            if left is not entry:
                entry, card = left, self._show(left)

    def _again(self, entry: Pending) -> Pending | None:
        """Return an entry as its record has it now, after something went wrong on the way; None where it is gone."""
        record = self.root / entry.folder / pending.RECORD
        if not record.exists():
            return None
        found = pending.read(self.root, record)
        return entry if found == entry else found

    def _show(self, entry: Pending) -> Card:
        card = card_of(entry, self.site, self.root)
        click.echo(f"\n{card.text}")
        return card

    def _ask(self, question: str) -> str:
        """Return an answer, one line; the end of the input is one, too."""
        click.echo(question, nl=False)
        line = sys.stdin.readline()
        if not line:
            click.echo()
            raise _Quit
        return line.strip()

    def _do(self, answer: str, entry: Pending, card: Card) -> Pending | None:
        """Carry an answer out; return what waits then, None where that is nothing."""
        known: dict[str, Callable[[Pending, Card], Pending | None]] = {
            "a": lambda entry, _: self._accept(entry),
            "A": lambda entry, _: self._accept(entry, intended=True),
            "v": lambda entry, _: self._accept(entry, self._tag(entry)),
            "r": self._reject,
            "e": self._each,
            "t": self._loosen,
            "d": self._diff,
            "o": self._open,
        }
        if answer not in known:
            click.echo(_HELP)
            return entry
        return known[answer](entry, card)

    def summary(self, chosen: Sequence[Pending]) -> Iterator[str]:
        """Yield what was accepted, and what of these entries waits still."""
        records = {record.parent for record in pending.records(self.root)}
        left = [entry for entry in chosen if self.root / entry.folder in records]
        if self.accepted:
            where = self.site.short(self.site.baselines)
            message = commit_message(list(self.accepted), self.reason)
            yield f"accepted values of {output.count(len(self.accepted), 'case')} into {where}"
            yield f"next  git add {shlex.quote(where)} && git commit -m {shlex.quote(message)}"
        if left:
            yield f"{output.count(len(left), 'case')} {'waits' if len(left) == 1 else 'wait'} still: nbrepro review"

    # -----------------------------------------------------------------------------------------------
    # What the answers do

    def _because(self) -> str:
        """Return the reason for what is accepted; "" where the person gives none."""
        if not self._asks:
            self.reason = self.why
            return self.why
        given = self._ask(f"why{f' [{self.reason}]' if self.reason else ''}: ") or self.reason
        if not given:
            click.echo("nothing was accepted: say why the new values are right")
        self.reason = given
        return given

    def _tag(self, entry: Pending) -> str:
        """Return the tag of the overlay that a person means; "" for the platform's, the only one of most runs."""
        answer = "" if len(entry.tags) < 2 else None
        while answer not in {"", *entry.tags}:
            answer = self._ask(f"which of {', '.join(entry.tags)} [{entry.tags[0]}]: ")
        return answer or ""

    def _accept(
        self, entry: Pending, overlay: str | None = None, *, intended: bool = False
    ) -> Pending | None:
        if not (why := self._because()):
            return entry
        self._take(entry, terms_for(entry, why, overlay, intended=intended), entry.case)
        self._note(entry)
        return None

    def _note(self, entry: Pending) -> None:
        for note in crept(entry, self.site):
            click.echo(f"note  {note}")

    def _take(self, entry: Pending, terms: Terms, what: str) -> Pending | None:
        """Accept, and tell where the values are now; return what goes on waiting."""
        with _whole():
            done = pending.accept(self.root, entry, self.site.root, self.site.baselines, terms)
            self._accepted(entry)
        where = places(done.placed)
        click.echo(f"accepted {output.printable(what)}{f' ({where})' if where else ''}")
        return done.left

    def _accepted(self, entry: Pending) -> None:
        self.accepted[entry.case] = entry
        own = self.site.store / "pending"
        if self.root.resolve() != own.resolve():  # --from: what waited here is out of date now
            pending.drop(own, entry.folder)

    def _reject(self, entry: Pending, _: Card) -> None:
        with _whole():
            pending.drop(self.root, entry.folder)
        click.echo(f"rejected {entry.case}")

    def _each(self, entry: Pending, _: Card) -> Pending | None:
        """Ask for one difference after the other; what is accepted goes into the baseline at once."""
        changes = changes_of(entry, self.site, self.root)
        now, why = entry, ""
        for number, change in enumerate(changes, 1):
            for line in brief(change):
                click.echo(line)
            answer = ""
            while answer not in _ANSWERS:
                asked = "a accept  A intended  v overlay  s skip  b back"
                answer = self._ask(f"  {number} of {len(changes)}: {asked} > ")
            if answer == "b":
                break
            if answer == "s":
                continue
            overlay = self._tag(now) if answer == "v" else None
            why = why or self._because()
            if not why:
                break
            terms = terms_for(now, why, overlay, intended=answer == "A")
            left = self._take(now, replace(terms, taken=frozenset({change.key})), change.key[1])
            if left is None:
                self._note(entry)
                return None
            now = left
        if now is not entry:
            self._note(entry)
        return now

    def _loosen(self, entry: Pending, card: Card) -> Pending | None:
        if not card.offers:
            click.echo("no limit is safe to suggest here: see `allow` in the documentation")
            return entry
        with _whole():
            return self._settled(entry) if self._written(entry, card) else entry

    def _written(self, entry: Pending, card: Card) -> bool:
        """Write limits into the annotation; tell whether any was written."""
        project = spec.load_project(self.site.root)
        path = self.site.root / entry.notebook
        written = False
        for offer in card.offers:
            done = loosen(offer, path, project)
            if done.file is None:
                click.echo(f"not written: {done.reason}\n  to paste: {done.paste}")
            else:
                click.echo(f"{self.site.short(done.file)}: {offer.text}")
                written = True
        return written

    def _settled(self, entry: Pending) -> Pending | None:
        """Keep of an entry what does not pass by the new limits, which may be nothing."""
        card = card_of(entry, self.site, self.root)
        if card.assessment is None:
            return entry
        if card.assessment.verdict.ok:
            pending.drop(self.root, entry.folder)
            click.echo(f"passes now: {entry.case} waits no more")
            return None
        pending.check(self.root, entry, self.site.root, self.site.baselines)
        candidate, _ = sides(entry, self.site, self.root)
        places = Places(self.site.root, self.root.parent, self.site.baselines)
        assessment = replace(card.assessment, run=_with_samples(card.assessment.run, candidate.metrics))
        keep_pending(assessment, places, entry.kind, once=candidate.once, fixture=candidate.fixture)
        return pending.read(self.root, self.root / entry.folder / pending.RECORD)

    def _diff(self, entry: Pending, card: Card) -> Pending:
        for line in whole_diff(entry, card, self.site, self.root):
            click.echo(line)
        return entry

    def _open(self, entry: Pending, _: Card) -> Pending:
        candidate, present = sides(entry, self.site, self.root)
        shown = 0
        for change in changes_of(entry, self.site, self.root):
            old, new = change.before, change.after
            for word, side, value in (("baseline", present, old), ("result", candidate, new)):
                if side is None or not isinstance(value, Artifact):
                    continue
                shown += 1
                folder = side.folder_of(value.name)
                self._tell_file(f"{output.printable(value.name)}  {word}", folder, value)
        if not shown:
            click.echo("no file or picture differs")
        return entry

    def _tell_file(self, what: str, folder: Path, artifact: Artifact) -> None:
        if artifact.stored == "file":
            click.echo(f"  {what}  {self.site.short(folder / artifact.path)}")
        else:
            click.echo(f"  {what}  only its {artifact.stored} is kept")
        seen: Artifact | Picture | None = artifact.shown
        if seen is not None:
            click.echo(f"  {' ' * len(what)}  {self.site.short(folder / seen.path)}")
        elif artifact.kind in _PICTURES and artifact.stored == "file":
            seen = artifact
        if seen is not None and _display():
            click.launch(str(folder / seen.path))


def _with_samples(run: Run, waiting: Mapping[str, Metric]) -> Run:
    """Return a run whose metrics have the values of all the runs that those which wait rest on."""
    metrics = {
        name: replace(metric, samples=waiting[name].samples if name in waiting else ())
        for name, metric in run.metrics.items()
    }
    return replace(run, metrics=metrics)


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """Let what is begun come to its end before Ctrl-C takes effect: else what waits would not fit the baseline."""
    interrupted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt


def _display() -> bool:
    """Tell whether pictures can be shown: never where the input is no terminal."""
    if not sys.stdin.isatty():
        return False
    known = sys.platform in {"darwin", "win32"} and "SSH_CONNECTION" not in os.environ
    return known or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
