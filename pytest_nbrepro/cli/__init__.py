"""The command `nbrepro`: what people ask of runs, baselines and annotations outside of pytest."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_nbrepro import __version__
from pytest_nbrepro.cli.group import Commands
from pytest_nbrepro.cli.site import FOLDERS, Asked

_COMMANDS = {
    "init": "Run a notebook once and write a starting annotation.",
    "run": "Run a notebook with flags, watch it, and keep the run.",
    "runs": "List the runs that are kept, newest first.",
    "show": "Show all of a run, and its verdict.",
    "compare": "Compare runs in a table, flags beside what they gave.",
    "diff": "Tell what differs between two runs.",
    "promote": "Make a run a test: a case and its baseline.",
    "mark": "Say something of runs: a label, tags, a note.",
    "delete": "Move runs to the trash.",
    "restore": "Take runs back from the trash.",
    "view": "Show runs in a browser, and decide there on what waits.",
    "tensorboard": "Show runs in TensorBoard.",
    "export": "Give runs to other tools: MLflow, RO-Crate, DVC, Optuna, CSV, zip.",
    "import": "Take in runs that another machine exported.",
    "push": "Write runs to a folder that others reach.",
    "pull": "Take in runs that others have written.",
    "report": "Write a page, data and a summary of runs.",
    "review": "Go through what waits, one case after the other.",
    "accept": "Make the values that wait the baseline.",
    "why": "Find out by experiments why a notebook does not reproduce.",
    "calibrate": "Measure the noise of a notebook, and propose limits.",
    "reproduce": "Run a baseline in the environment that it was made in.",
    "lint": "Tell what of notebooks will not reproduce, without running them.",
    "audit": "Tell which changes the checks would not notice.",
    "prune": "Delete the baselines that no case has.",
}


@click.group(
    cls=Commands,
    lazy=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 the same, 1 differs, 2 usage or fault, 130 interrupted.",
)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project's root (default: where pytest finds it from here).",
)
@click.option("--dir", metavar="DIR", help=f"{FOLDERS['dir'].help.capitalize()} (default: .nbrepro).")
@click.option(
    "--baselines", metavar="DIR", help=f"{FOLDERS['baselines'].help.capitalize()} (default: baselines)."
)
@click.version_option(__version__, prog_name="nbrepro")
@click.pass_context
def main(context: click.Context, /, root: Path | None, **folders: str | None) -> None:
    """Look after notebooks that `pytest --nbrepro` checks.

    Folders are those that pytest uses: --dir and --baselines, else --nbrepro-dir and --nbrepro-baselines in
    pytest's addopts, else the ini keys nbrepro_dir and nbrepro_baselines, else the environment variables
    NBREPRO_DIR and NBREPRO_BASELINES. Relative ones start at the root.
    """
    context.obj = Asked(root, folders)
