"""How large a report of many cases with figures is, and how soon a browser shows it: `tox -e bench`.

Real notebooks run, half of them with another flag than their baselines; then Debian's Chromium opens the page several times.
"""

from __future__ import annotations

import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Page, sync_playwright
from results import write_section

CASES = 200
ROUNDS = 5
SOURCE = """
import matplotlib.pyplot as plt
import numpy as np
seed = {seed}
shift = 0.0
points = np.random.default_rng(seed).normal(shift, 1, (2000, 2))
fig, ax = plt.subplots()
ax.scatter(*points.T, s=4)
ax.set_title(f"sample {{seed}}")
plt.show()
print(f"mean: {{points.mean()}}")
"""
OPENED = """() => {
  const entry = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [paint ? paint.startTime / 1000 : NaN, entry.loadEventEnd / 1000];
}"""


def project(folder: Path) -> None:
    """Write the notebooks and their annotations."""
    for n in range(CASES):
        cells = [
            new_markdown_cell(f"# Sample {n}", id="title"),
            new_code_cell(SOURCE.format(seed=n), id="draw"),
        ]
        nbformat.write(new_notebook(cells=cells), folder / f"sample_{n:03}.ipynb")
        (folder / f"sample_{n:03}.nbrepro.yaml").write_text("flags: {shift: 0.0}\n")


def drift(folder: Path) -> None:
    """Move every second notebook away from its baseline."""
    for path in sorted(folder.glob("*.nbrepro.yaml"))[::2]:
        path.write_text("flags: {shift: 0.5}\n")


def check(folder: Path, *options: str, code: int) -> None:
    """Run the checks."""
    command = [sys.executable, "-m", "pytest", "--nbrepro", "-q", "--nbrepro-workers=2", *options]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode != code:
        raise RuntimeError(ended.stdout[-3000:] + ended.stderr)


def opening(page: Page, address: str) -> tuple[float, float]:
    """Return when a browser first shows something of a page, and when all of it is loaded, in seconds."""
    page.goto(address)
    page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    shown, loaded = page.evaluate(OPENED)
    return shown, loaded


def measure(folder: Path) -> list[str]:
    """Return the lines of the section."""
    project(folder)
    (folder / "pytest.ini").write_text("[pytest]\n")
    check(folder, "--nbrepro-update=new", code=0)
    drift(folder)
    check(folder, "--nbrepro-report=report", code=1)
    report = folder / "report"
    sizes = [path.stat().st_size for path in report.rglob("*") if path.is_file()]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        times = [
            opening(browser.new_context().new_page(), (report / "index.html").as_uri()) for _ in range(ROUNDS)
        ]
        browser.close()
    shown, loaded = (statistics.median(column) for column in zip(*times, strict=True))
    page = (report / "index.html").stat().st_size
    made = (
        f"Made by `tox -e bench` (`benchmarks/pages.py`): {CASES} notebooks with a figure, half of which drift; Python "
        f"{platform.python_version()}, a browser without a graphics card, median of {ROUNDS}."
    )
    row = f"{page / 1e6:.1f} MB | {sum(sizes) / 1e6:.1f} MB in {len(sizes)} | {shown:.2f} s | {loaded:.2f} s"
    head = "| `index.html` | all files | something is shown after | all is loaded after |"
    return [made, "", head, "|---|---|---|---|", f"| {row} |"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        write_section("Report", measure(Path(place)))
