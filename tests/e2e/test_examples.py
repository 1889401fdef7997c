"""The examples of this repository, with real kernels: they pass, and each changed number is named, and only that."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from environs import clean

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.figures]

# One change in a notebook: where (cell id, old, new), and what must be named for it.
Edit = tuple[str, str, str, str, set[str]]
EDITS: list[Edit] = [
    (
        "train.ipynb",
        "train",
        "loss = objective(x)",
        "loss = 1.0001 * objective(x)",
        {"figure curve", "metric loss"},
    ),
    ("train.ipynb", "curve", "envelope = 1 - np", "envelope = 1.1 - np", {"figure curve"}),
    (
        "svm_boundaries.ipynb",
        "flags",
        "gamma = 1.0",
        "gamma = 20.0",
        {"figure boundaries", "image boundaries.png"},
    ),
    ("svm_boundaries.ipynb", "score", "correct = int(", "correct = -1 + int(", {"metric accuracy"}),
    (
        "digits.ipynb",
        "scores",
        "float(log_loss(truth, probabilities))",
        "1.0001 * float(log_loss(truth, probabilities))",
        {"metric log_loss"},
    ),
    (
        "digits.ipynb",
        "predictions",
        "predictions.write_csv(",
        'predictions.with_columns(pl.col("confidence") * (1 + 1e-4 * (pl.col("id") == 905))).write_csv(',
        {"table results/predictions.csv"},
    ),
    (
        "digits.ipynb",
        "probabilities",
        "np.savez_compressed(",
        "probabilities[0, 1] *= 1.0001\nnp.savez_compressed(",
        {"array results/probabilities.npz"},
    ),
    (
        "digits.ipynb",
        "predictions",
        "predictions.write_parquet(",
        'predictions.with_columns(pl.col("confidence") * (1 + 1e-4 * (pl.col("id") == 905))).write_parquet(',
        {"table results/predictions.parquet"},
    ),
    (
        "digits.ipynb",
        "confusion",
        "ax.imshow(confusion",
        "confusion[8, 0] += 1\nax.imshow(confusion",
        {"figure confusion", "image results/confusion.png"},
    ),
    ("digits.ipynb", "report", '"test": len(test)', '"test": len(test) + 1', {"json results/report.json"}),
    (
        "timeseries/timeseries.ipynb",
        "trend",
        "float(smoothed.max())",
        "1.0001 * float(smoothed.max())",
        {"metric peak_mwh"},
    ),
    (
        "timeseries/timeseries.ipynb",
        "months",
        "months.to_csv(",
        'months.loc["2022-02", "demand_mwh"] *= 1.0001\nmonths.to_csv(',
        {"table summary/months.csv"},
    ),
    (
        "timeseries/timeseries.ipynb",
        "seasons",
        "day_of_year, curve,",
        "day_of_year, curve + 5 * (year == 2022),",
        {"figure seasons"},
    ),
]

CASES = {
    "train.ipynb": "x=1.0",
    "svm_boundaries.ipynb": "default",
    "digits.ipynb": "default",
    "timeseries/timeseries.ipynb": "month",
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the examples and their baselines."""
    root = tmp_path_factory.mktemp("clone")
    for name in ("examples", "baselines"):
        shutil.copytree(
            ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        )
    for name in ("pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "-c", "user.name=n", "-c", "user.email=e@x.invalid", "commit", "-qm", "all")
    return root


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = clean()
    command = [sys.executable, "-m", "pytest", "--nbrepro", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)


def named(output: str) -> dict[str, set[str]]:
    """Return what each failing notebook's report names: rows of the worst-first table, as "kind name"."""
    found: dict[str, set[str]] = {}
    for report in re.split(r"^NBREPRO ", output, flags=re.MULTILINE)[1:]:
        notebook = report.split("::")[0].removeprefix("examples/")
        for line in report.splitlines()[1:]:
            if line.startswith(("  why", "  ok", "  first", "  next", "_____", "=====")):
                break
            if row := re.match(r"  (\w+) +(\S+)", line):
                found.setdefault(notebook, set()).add(f"{row[1]} {row[2]}")
    return found


def change(root: Path, number: int, edit: Edit) -> str:
    """Make a changed copy of a notebook that has the original's baselines, and return its name."""
    name, cell_id, old, new, _ = edit
    path = root / "examples" / name
    changed = path.with_stem(f"{path.stem}_{number}")
    data = json.loads(path.read_text())
    (cell,) = [cell for cell in data["cells"] if cell["id"] == cell_id]
    source = "".join(cell["source"])
    assert source.count(old) == 1
    cell["source"] = source.replace(old, new)
    changed.write_text(json.dumps(data))
    baselines = root / "baselines" / "examples" / name.removesuffix(".ipynb")
    shutil.copytree(baselines, baselines.with_name(changed.stem))
    if (sidecar := path.with_suffix(".nbrepro.yaml")).exists():
        shutil.copy(sidecar, changed.with_suffix(".nbrepro.yaml"))
    return changed.relative_to(root / "examples").as_posix()


def test_all_reproduce_and_nothing_is_written(clone):
    done = run(clone, "-n", "2", "examples")
    assert done.returncode == 0, done.stdout
    assert "7 of 7 cases reproduced in 7 runs" in done.stdout
    assert git(clone, "status", "--porcelain") == ""


def test_one_changed_number_is_named_and_nothing_else(clone):
    expected = {change(clone, number, edit): edit[-1] for number, edit in enumerate(EDITS)}
    git(clone, "add", "-A")

    cases = [f"examples/{name}::{CASES[edit[0]]}" for name, edit in zip(expected, EDITS, strict=True)]
    done = run(clone, "--nbrepro-workers", "2", *cases)

    assert done.returncode == 1, done.stdout
    assert named(done.stdout) == expected, done.stdout
    assert not git(clone, "diff", "--name-only")
