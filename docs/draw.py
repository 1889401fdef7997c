"""Draw the pictures of the README from a real failure: ``python docs/draw.py``.

The example with the decision boundaries gets the other `gamma` that examples/README.md speaks of, in a copy of the project.
Needed are the extra `examples`, playwright, and Debian's Chromium.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs/pictures"
NOTEBOOK = "examples/svm_boundaries.ipynb"
CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "36": "#76e3ea"}
PAPER, INK = "#0d1117", "#e6edf3"
COLUMNS, LINE, GLYPH = 80, 19, 8.43  # of a terminal; heights and widths in pixels


def fail(folder: Path) -> str:
    """Accept the example as this machine runs it, break it, run it again, and return what the terminal shows."""
    shutil.copytree(
        ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns(".nbrepro", "results")
    )
    shutil.copy(ROOT / "pyproject.toml", folder)
    path = folder / NOTEBOOK
    source = path.read_text()
    assert source.count("gamma = 1.0") == 1
    assert run(folder, "--nbrepro-update=new").returncode == 0
    path.write_text(source.replace("gamma = 1.0", "gamma = 20.0"))
    done = run(folder, "--nbrepro-report=report", "--color=yes")
    assert done.returncode == 1, done.stdout + done.stderr
    shown, _, rest = done.stdout[done.stdout.index("NBREPRO") :].partition("nbrepro show")
    return f"{shown}nbrepro show{rest.partition(chr(10))[0]}"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the example."""
    environ = {
        name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("GITHUB_")
    }
    environ |= {"COLUMNS": str(COLUMNS), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "--nbrepro", *arguments, NOTEBOOK]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def terminal(text: str) -> str:
    """Return a terminal's text as SVG."""
    lines = [f"\033[32m$\033[0m pytest --nbrepro {NOTEBOOK}", "", *text.splitlines()]
    rows = "\n".join(
        f'<text x="16" y="{30 + number * LINE}" xml:space="preserve">{spans(line)}</text>'
        for number, line in enumerate(lines)
    )
    width, height = round(32 + COLUMNS * GLYPH), 36 + len(lines) * LINE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>\n'
        f'<g fill="{INK}" font-size="14" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'Liberation Mono\', monospace">\n'
        f"{rows}\n</g>\n</svg>\n"
    )


def spans(line: str) -> str:
    """Return a line with ANSI colours as SVG."""
    out, colour = [], None
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        if piece.startswith("\x1b["):
            codes = [code for code in piece[2:-1].split(";") if code in COLOURS]
            colour = COLOURS[codes[-1]] if codes else None
        elif piece:
            text = escape(piece, quote=False)
            out.append(f'<tspan fill="{colour}">{text}</tspan>' if colour else text)
    return "".join(out)


def page(report: Path) -> bytes:
    """Return what the report shows of the figure that drifted, as PNG."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        view = browser.new_page(viewport={"width": 1080, "height": 1180}, color_scheme="light")
        view.goto(report.as_uri())
        view.locator(".panel.strip, details.panel").evaluate_all("all => all.forEach(one => one.remove())")
        shot = view.screenshot(animations="disabled")
        browser.close()
    out = io.BytesIO()
    Image.open(io.BytesIO(shot)).convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


def main() -> None:
    """Draw both."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "pytest-nbrepro")
        project.mkdir()
        (PICTURES / "failure.svg").write_text(terminal(fail(project)))
        (PICTURES / "report.png").write_bytes(page(project / "report/index.html"))


if __name__ == "__main__":
    main()
