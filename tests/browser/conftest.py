"""A browser, and a report with every kind of case in it.

Pages are looked at with Debian's Chromium. Where there is none these tests are skipped, unless REQUIRE_BROWSER is set.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from pytest_nbrepro import comparers, files
from pytest_nbrepro.assessment import Places, assess
from pytest_nbrepro.baselines import Draft, write_tree
from pytest_nbrepro.baselines.drafts import compose
from pytest_nbrepro.capture import Hidden
from pytest_nbrepro.model import Artifact, Case, CellRecord, Metric, Run, RunError, RunStatus, Spec
from pytest_nbrepro.notebook import read
from pytest_nbrepro.reports.data import case_report
from pytest_nbrepro.reports.pages import Report
from pytest_nbrepro.reports.record import CaseStatus, empty
from pytest_nbrepro.reports.sheet import Sheet, bare, sheet
from pytest_nbrepro.reports.writing import Writer
from pytest_nbrepro.store import Store

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = "axe-core@4.10.3"
PATIENCE = 20_000  # ms


def missing(what: str) -> None:
    """Skip, or fail where a browser is required."""
    if os.environ.get("REQUIRE_BROWSER"):
        pytest.fail(f"{what}, and REQUIRE_BROWSER is set")
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all tests."""
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("there is no Chromium to look at pages with: install Debian's package chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright, which drives Chromium, is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()


class Look:
    """A page, and what it complained of."""

    def __init__(self, page: Any, home: str) -> None:
        self.page = page
        self.home = home
        self.said: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.context.on("request", lambda request: self.asked.append(request.url))

    @property
    def abroad(self) -> list[str]:
        """Return the addresses that were asked for and are not of the report."""
        return [url for url in self.asked if not url.startswith((self.home, "data:", "about:", "blob:"))]


@pytest.fixture
def look(browser: Any) -> Iterator[Any]:
    """Open a file, or an address of a server: ``look(path, width=375, javascript=False)``."""
    contexts = []

    def open_(
        path: Path | str, *, width: int = 1280, anchor: str = "", javascript: bool = True, **options: Any
    ) -> Look:
        viewport = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=viewport, java_script_enabled=javascript, **options))
        address = path if isinstance(path, str) else path.as_uri()
        home = f"{urlsplit(address).scheme}://{urlsplit(address).netloc}"
        seen = Look(contexts[-1].new_page(), home)
        seen.page.goto(f"{address}{anchor}")
        return seen

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def serious(axe_source: str) -> Any:
    """What axe-core finds to be serious in a page: ``serious(page)``."""

    def look(page: Any) -> list[str]:
        page.evaluate(axe_source)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [
            f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"]
        ]

    return look


@pytest.fixture(scope="session")
def axe_source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, fetched when it is first needed."""
    kept = (
        Path(os.environ["TOX_ENV_DIR"], "tmp")
        if "TOX_ENV_DIR" in os.environ
        else tmp_path_factory.getbasetemp()
    )
    archive = kept / f"{AXE}.tgz"
    if not archive.exists():
        if not shutil.which("npm"):
            missing("there is no npm to fetch axe-core with")
        folder = tmp_path_factory.mktemp("axe")
        fetched = subprocess.run(
            ["npm", "pack", AXE], cwd=folder, capture_output=True, text=True, check=False
        )
        if fetched.returncode:
            missing(f"axe-core cannot be fetched: {fetched.stderr.strip()[-200:]}")
        kept.mkdir(parents=True, exist_ok=True)
        shutil.move(next(folder.glob("*.tgz")), archive)
    with tarfile.open(archive) as tar:
        source = tar.extractfile("package/axe.min.js")
        assert source is not None
        return source.read().decode()


# ---------------------------------------------------------------------------------------------------
# A report


def picture(phase: float) -> bytes:
    """Return a curve as PNG."""
    pixels = np.full((240, 360, 3), 255, np.uint8)
    x = np.arange(360)
    y = (120 + 90 * np.sin(x / 40 + phase)).astype(int)
    for thick in range(3):
        pixels[np.clip(y + thick, 0, 239), x] = (31, 119, 180)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


class Maker:
    """Makes runs and baselines without kernels, and a report of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store(root / ".nbrepro")
        self.places = Places(root, self.store.folder, root / "baselines")
        self.sheets: list[Sheet] = []

    def run(
        self,
        name: str,
        cells: list[dict[str, Any]],
        metrics: dict[str, float],
        written: dict[str, bytes],
        **fields: Any,
    ) -> Run:
        """Put a run into the store."""
        folder = self.store.claim()
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        files.write_json(folder / "notebook.ipynb", notebook)
        record = {"schema": 1, "platform": "linux-x86_64", "interpreter": "CPython 3.12", "flags": {"x": 1.0}}
        files.write_json(
            folder / "environment.json", {**record, "distributions": {"numpy": fields.pop("numpy", "2.3.5")}}
        )
        (folder / "output.log").write_text("printed\n")
        artifacts = {}
        for file, content in written.items():
            path = folder / "files" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            found = Artifact(file, "", f"files/{file}", files.sha256(path), len(content))
            artifacts[file] = comparers.described(found, folder)
        run = Run(
            folder.name,
            folder,
            f"{name}.ipynb",
            "default",
            {"x": 1.0},
            fields.pop("status", RunStatus.COMPLETED),
            "2026-01-01T00:00:00+00:00",
            duration=2.5,
            metrics={key: Metric(value, cell=0) for key, value in metrics.items()},
            artifacts=artifacts,
            cells=tuple(
                CellRecord(i, cell["id"], "", "", 0.5)
                for i, cell in enumerate(cells)
                if cell["cell_type"] == "code"
            ),
            **fields,
        )
        self.store.write(run)
        return run

    def accept(self, name: str, *made: Any) -> None:
        """Make a run the baseline of its case."""
        run = self.run(name, *made)
        executed = read(run.folder / "notebook.ipynb")
        environment = json.loads((run.folder / "environment.json").read_text())
        hidden = Hidden.of(run, self.root, Spec().outputs.masks)
        draft: Draft = compose(run, executed, environment, None, (), once=False, fixture=False, hidden=hidden)
        write_tree(draft, self.places.baselines / name / "default")

    def judge(self, name: str, *made: Any, **fields: Any) -> None:
        """Take a run into the report."""
        case = Case(f"{name}.ipynb", "default", {}, Spec(), f"{name}/default")
        judged = assess(case, self.run(name, *made, **fields), self.places)
        report = dataclasses.replace(case_report(judged, self.root), waits=not judged.verdict.ok)
        self.sheets.append(sheet(report, judged, self.places))

    def write(self) -> Path:
        """Write the report and return its page."""
        from pytest_nbrepro.reports.history import runs_of

        cases = [one["record"]["case"] for one in self.sheets]
        report = Report(
            self.sheets, "proj", "2026-01-01T00:00:00+00:00", "1.0", 12.5, history=runs_of(self.store, cases)
        )
        writer = Writer(self.root / "out")
        writer.write(report, writer.take(report))
        return self.root / "out/index.html"


def code(source: str, *outputs: dict[str, Any], number: int = 0) -> dict[str, Any]:
    """Return a code cell."""
    common = {"cell_type": "code", "id": f"c{number}", "metadata": {}, "execution_count": 1}
    return {**common, "source": source, "outputs": list(outputs)}


def markdown(source: str, number: int = 90) -> dict[str, Any]:
    """Return a markdown cell."""
    return {"cell_type": "markdown", "id": f"m{number}", "metadata": {}, "source": source}


def shown(**data: Any) -> dict[str, Any]:
    """Return a rich output: ``shown(text__html="…")``."""
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {k.replace("__", "/"): v for k, v in data.items()},
    }


def printed(text: str) -> dict[str, Any]:
    """Return what a cell printed."""
    return {"output_type": "stream", "name": "stdout", "text": text}


def table(bad: bool) -> bytes:
    """Return a wide CSV file."""
    columns = ",".join(f"feature_{i}" for i in range(16))
    rows = [
        ",".join([str(i), *(str(0.25 + (bad and i == 17 and j == 3)) for j in range(16))]) for i in range(60)
    ]
    return "\n".join([f"id,{columns}", *rows, ""]).encode()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A report: one case of each fate."""
    maker = Maker(tmp_path_factory.mktemp("report"))
    words = markdown("# On curves\n\nThe curve is $y = \\sin(x + \\varphi)$.\n\n$$\\int_0^1 y \\, dx$$")
    image = base64.b64encode(picture(0.0)).decode()

    def curve(phase: float, loss: float, *, bad: bool) -> tuple[Any, ...]:
        said = "b" if bad else "a"
        cells = [
            words,
            code(f"# draw\nphase = {phase}", printed(f"says {said}\n"), shown(image__png=image), number=1),
        ]
        written = {
            "curve.png": picture(phase),
            "scores.csv": table(bad),
            "notes.txt": "\n".join(["same"] * 20 + [said] + ["same"] * 20).encode(),
            "history.json": json.dumps({"runs": [{"loss": loss}, {"loss": loss * 2}]}).encode(),
        }
        return cells, {"loss": loss, "accuracy": 0.9130}, written

    maker.accept("analysis/curve", *curve(0.0, 0.25, bad=False))
    maker.judge("analysis/curve", *curve(0.6, 0.5, bad=True), numpy="2.4.6")
    same = ([code("print('auc: 0.5')")], {"auc": 0.5}, {"plot.png": picture(0.0)})
    maker.accept("steady", *same)
    maker.judge("steady", *same)
    close = ([code("1")], {"auc": 0.5}, {})
    maker.accept("close", *close)
    maker.judge("close", [code("1")], {"auc": 0.5 * (1 + 8e-7)}, {})
    maker.judge("fresh", [code("1")], {"auc": 0.5}, {})
    error = RunError("cell", "ZeroDivisionError: division by zero", 0, "Traceback\n  1 / 0", "divide less")
    maker.judge("broken", [code("1 / 0")], {}, {}, status=RunStatus.FAILED, error=error)
    maker.sheets.append(bare(empty("skipped.ipynb::default", CaseStatus.SKIPPED, "not today")))
    maker.sheets.append(
        bare(empty("typo.ipynb::annotation", CaseStatus.ERROR, "metricz is no key", "metricz is no key"))
    )
    return SimpleNamespace(page=maker.write(), maker=maker, root=maker.root)


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """What reports are made of."""
    return SimpleNamespace(
        Maker=Maker, code=code, markdown=markdown, printed=printed, shown=shown, picture=picture
    )
