"""Values that differ from the baseline and wait for a person, under `.nbrepro/pending/`."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pytest_nbrepro import baselines, files, notebook
from pytest_nbrepro.errors import BaselineError, NbreproError, StoreError
from pytest_nbrepro.options import is_tag
from pytest_nbrepro.store import check_schema

SCHEMA = 1
RECORD = "pending.json"
Kind = Literal["new", "changed", "refresh"]


@dataclass(frozen=True)
class Pending:
    """One case whose values wait; its candidate baseline lies beside its record."""

    case: str  # "analysis/train.ipynb::x=-1.0"
    notebook: str
    folder: str  # of the baseline, relative to the folder of baselines
    kind: Kind
    run: str  # id
    differences: tuple[str, ...]  # one line each
    base: str | None  # fingerprint of the baseline that was judged against
    source: str  # hash of the notebook's sources as they were run
    tags: tuple[str, ...] = ()  # whose overlays apply to the run, its platform first


@dataclass(frozen=True)
class Accepted:
    """What became of an entry: what goes on waiting, None for nothing, and where the accepted values are."""

    left: Pending | None
    placed: baselines.Placed


def source_hash(path: Path) -> str:
    """Return the hash of a notebook's cells, outputs left out.

    Raises:
        NotebookError: it cannot be read.
    """
    cells = notebook.read(path).cells
    return files.sha256_text(json.dumps([[cell.kind, cell.source, sorted(cell.tags)] for cell in cells]))


def put(root: Path, pending: Pending, draft: baselines.Draft) -> None:
    """Keep a candidate, in place of an earlier one for the same case.

    Args:
        root: the folder of pending values.
        pending: what is said of it.
        draft: the baseline it would make.

    Raises:
        StoreError: it cannot be written.
    """
    target = root / pending.folder
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".tmp-", dir=root))
        try:
            baselines.write_tree(draft, staged)
            drop(root, pending.folder)
            for path in baselines.own_files(staged):
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                (staged / path).replace(target / path)
            _write(target / RECORD, pending)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        what = f"cannot keep the differing values: {error.strerror or error}"
        raise StoreError(what, where=str(target)) from error


def drop(root: Path, folder: str) -> None:
    """Forget what waits for the case whose baseline folder is `folder`, if anything does.

    Raises:
        NbreproError: a file cannot be deleted.
    """
    try:
        (root / folder / RECORD).unlink(missing_ok=True)
    except OSError as error:
        what = f"cannot forget what waits: {error.strerror or error}"
        raise StoreError(what, where=str(root / folder)) from error
    baselines.delete(root / folder, root)


def entries(root: Path) -> Iterator[Pending]:
    """Yield what waits, sorted by the place of its record.

    Raises:
        StoreError: a record cannot be read.
    """
    for path in records(root):
        yield read(root, path)


def records(root: Path) -> list[Path]:
    """Return the records of what waits, sorted."""
    return sorted(folder / RECORD for folder in baselines.holding(root, RECORD))


def read(root: Path, path: Path) -> Pending:
    """Read the record of an entry.

    Args:
        root: the folder of pending values.
        path: the record.

    Raises:
        StoreError: it cannot be read, a newer version wrote it, or it does not lie where it says.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
        check_schema(record, SCHEMA)
        return _entry(record, path.parent.relative_to(root).as_posix())
    except (OSError, ValueError, TypeError, KeyError) as error:
        hint = f"delete {path.parent}, then run its notebook again"
        raise StoreError(f"cannot read what waits: {error}", where=str(path), hint=hint) from error


def _entry(record: Mapping[str, Any], place: str) -> Pending:
    fields = {name: value for name, value in record.items() if name != "schema"}
    fields |= {name: tuple(fields[name]) for name in ("differences", "tags") if name in fields}
    entry = Pending(**fields)
    if entry.folder != place:
        raise ValueError(f"it belongs to {entry.folder!r}")
    texts = (entry.case, entry.notebook, entry.run, *entry.differences, *entry.tags)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a text is none")
    if not all(map(is_tag, entry.tags)):
        raise ValueError("a tag is none")
    return entry


def check(
    root: Path,
    pending: Pending,
    project: Path,
    target_root: Path,
    terms: baselines.Terms | None = None,
) -> None:
    """See that an entry may become the baseline, without changing anything.

    Args:
        root: the folder of pending values.
        pending: the entry.
        project: the project's root.
        target_root: the folder of baselines.
        terms: how it is to be accepted, where that is known.

    Raises:
        BaselineError: the notebook or the baseline changed since the run, the values are not whole, or the terms do
            not go with them.
    """
    hint = f"run it again: pytest --nbrepro {pending.notebook}"
    try:
        source = source_hash(project / pending.notebook)
        whole = _whole(root / pending.folder)
    except NbreproError as error:
        raise BaselineError(error.what, where=error.where, hint=hint) from error
    if source != pending.source:
        raise BaselineError("the notebook changed since this run", where=pending.case, hint=hint)
    if baselines.fingerprint(target_root / pending.folder, pending.tags) != pending.base:
        raise BaselineError("the baseline changed since this run", where=pending.case, hint=hint)
    if not whole:
        raise BaselineError("the values that wait are not whole", where=pending.case, hint=hint)
    if terms is not None:
        _plan(root, pending, target_root, terms)


def _plan(root: Path, pending: Pending, target_root: Path, terms: baselines.Terms) -> baselines.Plan:
    candidate, target = baselines.read(root / pending.folder), target_root / pending.folder
    assert candidate is not None  # noqa: S101 - it is whole
    try:
        return baselines.plan(candidate, target, pending.tags, terms)
    except BaselineError as error:
        raise BaselineError(error.what, where=error.where or pending.case, hint=error.hint) from error


def _whole(folder: Path) -> bool:
    """Tell whether a candidate has all of its files, as its manifest describes them."""
    candidate = baselines.read(folder)
    if candidate is None:
        return False
    kept = [artifact for artifact in candidate.artifacts.values() if artifact.stored != "hash"]
    if not all((folder / artifact.path).is_file() for artifact in kept):
        return False
    pictures = [artifact.shown for artifact in candidate.artifacts.values() if artifact.shown is not None]
    if not all((folder / picture.path).is_file() for picture in pictures):
        return False
    whole = [(artifact.path, artifact.sha256) for artifact in kept if artifact.stored == "file"]
    whole += [(picture.path, picture.sha256) for picture in pictures]
    return all(files.sha256(folder / path) == digest for path, digest in whole)


def accept(
    root: Path, pending: Pending, project: Path, target_root: Path, terms: baselines.Terms
) -> Accepted:
    """Make what waits part of the baseline; what is not taken stays as it is, and goes on waiting.

    Args:
        root: the folder of pending values.
        pending: the entry.
        project: the project's root.
        target_root: the folder of baselines.
        terms: how; the baseline's environment record keeps the reason as `accepted`.

    Raises:
        BaselineError: the notebook or the baseline changed since the run, an overlay cannot take these values, or
            the disk is full.
        StoreError: what goes on waiting cannot be kept.
    """
    check(root, pending, project, target_root)
    plan, target = _plan(root, pending, target_root, terms), target_root / pending.folder
    baselines.exchange(plan.tree, target, plan.tags)
    if plan.whole:
        drop(root, pending.folder)
        return Accepted(None, plan.placed)
    left = replace(
        pending,
        differences=tuple(line for line in pending.differences if _key_of(line) not in (terms.taken or ())),
        base=baselines.fingerprint(target, pending.tags),
    )
    try:
        _write(root / pending.folder / RECORD, left)
    except OSError as error:
        what = f"cannot keep what goes on waiting: {error.strerror or error}"
        raise StoreError(what, where=str(root / pending.folder)) from error
    return Accepted(left, plan.placed)


def _key_of(difference: str) -> baselines.Key:
    """Return what a line of `differences` is about."""
    kind, _, rest = difference.partition(" ")
    return kind if kind in {"metric", "output"} else "artifact", rest.rpartition(": ")[0]


def _write(path: Path, pending: Pending) -> None:
    files.write_json(path, {"schema": SCHEMA, **asdict(pending)})


def matching(waiting: Sequence[Pending], names: Sequence[str]) -> list[Pending]:
    """Return the entries that names select: a case, a notebook, a folder above it, or the notebook's stem.

    Raises:
        StoreError: a name selects nothing.
    """
    chosen: list[Pending] = []
    for name in names:
        found = [entry for entry in waiting if _selects(name.removeprefix("./").rstrip("/"), entry)]
        if not found:
            known = ", ".join(entry.case for entry in waiting[:8]) or "nothing"
            raise StoreError(f"nothing that waits matches {name!r}", hint=f"waiting: {known}")
        chosen += [entry for entry in found if entry not in chosen]
    return chosen


def _selects(name: str, entry: Pending) -> bool:
    stem = entry.notebook.removesuffix(".ipynb")
    return name in {entry.case, entry.notebook, stem, entry.folder} or entry.notebook.startswith(f"{name}/")
