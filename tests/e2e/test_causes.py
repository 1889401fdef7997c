"""`nbrepro why` on a gallery of notebooks with one planted cause each, and on innocent ones.

The tables list each cause and the verdict that is given: its name and cell, or what changed since the baseline.
"""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pytest_nbrepro import assessment, baselines, notebook, pending, spec
from pytest_nbrepro.assessment import Places
from pytest_nbrepro.executors import Room, here
from pytest_nbrepro.interventions import Answer, Search
from pytest_nbrepro.model import Task

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ASSETS = Path(__file__).parents[1] / "assets"


@dataclass(frozen=True)
class Planted:
    """A cause: the verdict that names it, and what its notebook finds.

    Where `now` is given, a baseline is made first, and then these files or variables change.
    """

    verdict: str  # a pattern
    files: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    now: Mapping[str, str] | None = None  # files by name, variables in capitals
    edit: tuple[str, str] | None = None  # text of the notebook, and what takes its place
    fork: bool = False  # the baseline is made by a kernel that is forked
    variable: str = ""  # what is said of the first variable that differs


PARTS = {f"{name}.part": name for name in "bdace"}
CAUSES = {
    "random_unseeded": Planted("CHANCE: random in cell 2", variable="`values` first differs after cell 2"),
    "numpy_legacy": Planted("CHANCE: numpy in cell 2"),
    "numpy_generator": Planted("CHANCE: entropy in cell 1 (line 2)"),
    "sklearn_random_state": Planted("CHANCE: numpy in cell 2"),
    "library_without_seed": Planted("CHANCE: entropy in cell 2 (line 1)"),
    "figure_only": Planted("CHANCE: numpy in cell 2"),
    "discrete_metric": Planted("CHANCE: numpy in cell 1, seen"),
    "set_order": Planted("CHANCE: hash in cell 1 (line 1)"),
    "listing_order": Planted("CHANCE: listing in cell 2 (line 1)", files=PARTS),
    "wall_clock": Planted("CHANCE: clock in cell 2 (line 1)"),
    "timezone": Planted("CHANCE: timezone in cell 2 (line 1)"),
    "empty_memory": Planted("CHANCE: memory in cell 2 (line 1)"),
    "object_id": Planted("CHANCE: ids in cell 2 (line 1)"),
    "network": Planted("CHANCE: network in cell 2 (line 1: *)"),
    "kernel_start": Planted("CHANCE: start", now={}, fork=True),
    "stale_state": Planted("CHANCE: folder in cell 2"),
    "fit_times": Planted("NONE: timings aside; file bytes aside"),
    "pdf_date": Planted("NONE: file bytes aside"),
    "process_id_in_warning": Planted("NONE: process ids in cell 2 (stderr), aside"),
    "object_address": Planted("NONE: addresses in cell 2, aside"),
    "traceback_shown": Planted("UNKNOWN: error in cell 2"),
    "locale": Planted("ENVIRONMENT: *locale*", environ={"LC_ALL": "C.UTF-8"}, now={"LC_ALL": "C"}),
    "thread_sum": Planted(
        "ENVIRONMENT: *thread limit 1 -> 2*", environ={"OMP_NUM_THREADS": "1"}, now={"OMP_NUM_THREADS": "2"}
    ),
    "environment_variable": Planted(
        "ENVIRONMENT: *variable SCALE, which the notebook reads*", environ={"SCALE": "2"}, now={"SCALE": "3"}
    ),
    "input_file": Planted("DATA: *rates.csv changed*", files={"rates.csv": "1 2"}, now={"rates.csv": "1 3"}),
    "helper_module": Planted(
        "DATA: *helper.py changed*",
        files={"helper.py": "total = sum"},
        now={"helper.py": "def total(x): return 2 * sum(x)"},
    ),
    "package_version": Planted("ENVIRONMENT: *tinydist 1.0 -> 2.0*", now={"TINYDIST": "2.0"}),
    "flag": Planted("FLAGS: *rate 1.0 -> 2.0*", now={}, edit=("rate = 1.0", "rate = 2.0")),
    "code": Planted(
        "CODE: *source changed: cell 2*`total` first differs after cell 2",
        now={},
        edit=("sum(rates)", "sum(rates[1:])"),
    ),
}
INNOCENT = sorted(path.stem for path in (ASSETS / "innocent").glob("*.ipynb"))


def test_the_tables_list_all_there_is() -> None:
    assert sorted(CAUSES) == sorted(path.stem for path in (ASSETS / "causes").glob("*.ipynb"))
    assert len(CAUSES) >= 28
    assert len(INNOCENT) == 10


class Gallery:
    """A project with one notebook of the gallery."""

    def __init__(self, root: Path, installed: Callable[..., str]) -> None:
        self.root = root / "project"
        self.root.mkdir()
        self.places = Places(self.root, self.root / ".nbrepro", self.root / "baselines")
        self.environ = {name: text for name, text in os.environ.items() if name not in {"LC_ALL", "TZ"}}
        self._library(root / "library", installed)
        self._executor = here(Room(count=2))

    def _library(self, place: Path, installed: Callable[..., str]) -> None:
        """Lay out a library that draws, and two versions of a small distribution."""
        for version in ("1.0", "2.0"):
            site = place / version
            installed(site, "tinydist", version, top_level="tinydist")
            (site / "tinydist.py").write_text(f"def total(values):\n    return {version} * sum(values)\n")
            (site / "shufflers.py").write_text(
                "import numpy as np\n\n\ndef draw(seed=None):\n    return np.random.RandomState(seed).rand()\n"
            )
        self.library = place

    def put(self, files: Mapping[str, str]) -> None:
        """Write files, or set variables where a name is in capitals."""
        for name, text in files.items():
            if name.isupper():
                self.environ[name] = text
            else:
                (self.root / name).write_text(text)

    def task(self, name: str) -> Task:
        """Return the task that runs the notebook as all is now."""
        path = self.root / f"{name}.ipynb"
        source, project = notebook.read(path), spec.load_project(self.root)
        (case,) = spec.expand(source, project, spec.load(source, project))
        site = self.library / self.environ.get("TINYDIST", "1.0")
        environ = {**self.environ, "PYTHONPATH": str(site)}
        return Task(case, self.root, self.places.store, self.places.baselines, environ=environ)

    def make(self, wanted: Any) -> list[Any]:
        """Make runs, two at once."""
        self._executor.expect([task for task, _ in wanted if task.fork] * 2)
        handles = [self._executor.submit(task) for task, _ in wanted]
        return [handle.result() for handle in handles]

    def accept(self, name: str, *, fork: bool) -> None:
        """Make a baseline."""
        task = replace(self.task(name), fork=fork)
        judged = assessment.assess(task.case, self.make([(task, "")])[0], self.places)
        assessment.keep_pending(judged, self.places, "new", once=True, fixture=False)
        (entry,) = pending.entries(self.places.pending)
        pending.accept(self.places.pending, entry, self.root, self.places.baselines, baselines.Terms())

    def why(self, name: str) -> Answer:
        """Find out why."""
        return Search(self.task(name), self.places, self.make).answer()


@pytest.fixture
def gallery(tmp_path: Path, installed: Callable[..., str]) -> Gallery:
    """A project of one test."""
    return Gallery(tmp_path, installed)


@pytest.fixture(scope="module")
def quotes() -> Iterator[str]:
    """A machine that answers otherwise each time."""
    numbers = count()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"quote number %d" % next(numbers))

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def verdict(answer: Answer) -> str:
    """Return the verdict in one line."""
    if answer.why is not None and answer.cause != "CHANCE":
        return f"{answer.cause}: {answer.text}; {answer.variable or ''}".removesuffix("; ")
    told = []
    for one in answer.findings:
        cells = f" in {', '.join(one.cells)}" if one.cells else ""
        proof = {"shown": "", "seen": ", seen", "aside": ", aside" if cells else " aside"}[one.proof]
        told.append(f"{one.name}{cells}{proof}")
    return f"{answer.cause}: {'; '.join(told)}".removesuffix(": ")


@pytest.mark.parametrize("name", CAUSES)
def test_the_planted_cause_is_named(name: str, gallery: Gallery, quotes: str) -> None:
    planted = CAUSES[name]
    shutil.copy(ASSETS / "causes" / f"{name}.ipynb", gallery.root)
    gallery.put({"QUOTES_URL": quotes, **planted.files, **planted.environ})
    if planted.now is not None:
        gallery.accept(name, fork=planted.fork)
        gallery.put(planted.now)
    if planted.edit is not None:
        path = gallery.root / f"{name}.ipynb"
        assert planted.edit[0] in path.read_text()
        path.write_text(path.read_text().replace(*planted.edit))

    answer = gallery.why(name)

    given = verdict(answer)
    assert fnmatch(given, planted.verdict.replace("[", "[[]")), given
    assert planted.variable in (answer.variable or "")
    assert not answer.reproduces or planted.verdict.startswith("NONE")
    assert all(one.mend for one in answer.findings if one.proof != "aside")


@pytest.mark.parametrize("name", INNOCENT)
def test_nothing_is_accused_of_what_it_does_not_do(name: str, gallery: Gallery) -> None:
    shutil.copy(ASSETS / "innocent" / f"{name}.ipynb", gallery.root)
    gallery.put(PARTS)
    assert verdict(gallery.why(name)) == "NONE"
