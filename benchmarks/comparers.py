"""What the comparers cost beside the libraries that people use today: `tox -e bench`.

Each side runs in a fresh process on the same two files, in turn, three rounds; told are the least CPU seconds, the peak
memory, and their ratios. Seconds move with the machine, ratios much less.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

ROUNDS = 3
RESULTS = Path(__file__).with_name("RESULTS.md")
NOISE = 1e-12
OURS = """
from pathlib import Path
from pytest_nbrepro import comparers
from pytest_nbrepro.files import sha256
from pytest_nbrepro.model import Artifact, ArtifactRule
a, b = Path(A), Path(B)
def artifact(p):
    return comparers.described(Artifact(p.name, "", p.name, sha256(p), p.stat().st_size), p.parent)
one, two = artifact(a), artifact(b)
start()
check = comparers.compare(one, a.parent, two, b.parent, ArtifactRule("*"))
stop()
assert check.status.ok == SAME, check
"""
FRAME = """
import json
import time
A, B, SAME = {a!r}, {b!r}, {same}
t = [0.0]
def start(): t[0] = time.process_time()
def stop(): t.append(time.process_time() - t[0])
{code}
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([t[1], int(peak.split()[1]) / 1024]))
"""


@dataclass(frozen=True)
class Case:
    """One pair of files and what it is compared with."""

    name: str
    make: Callable[[Path, float], None]
    suffix: str
    peer: str
    code: str  # of the peer; calls start() and stop()
    same: bool = True
    goal: str = ""


def table(noise: float) -> pl.DataFrame:
    """Return 1,000,000 rows of an int, two floats, a text and a date."""
    rng = np.random.default_rng(1)
    n = 1_000_000
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "x": rng.normal(size=n) + noise,
            "y": rng.normal(size=n) * 100 + noise,
            "kind": pl.Series(rng.integers(0, 9, n)).cast(pl.String),
            "when": pl.Series(np.datetime64("2026-01-01T00:00:00", "us") + np.arange(n) * 1_000_000),
        }
    )


def arrays(noise: float) -> dict[str, np.ndarray]:
    """Return five arrays of 40 MB."""
    rng = np.random.default_rng(2)
    return {f"a{k}": rng.normal(size=(2500, 2000)) + noise for k in range(5)}


def write_hdf5(path: Path, noise: float) -> None:
    """Write the arrays as NetCDF 4."""
    import xarray

    variables = {name: (("r", "c"), values) for name, values in arrays(noise).items()}
    xarray.Dataset(variables).to_netcdf(path, engine="h5netcdf")


def write_json(path: Path, noise: float) -> None:
    """Write 20,000 nested records."""
    rng = np.random.default_rng(3)
    values = (rng.normal(size=(20_000, 14)) + noise).tolist()
    path.write_text(
        json.dumps([{"id": k, "run": {"loss": row[:4], "rest": row[4:]}} for k, row in enumerate(values)])
    )


def write_png(path: Path, noise: float) -> None:
    """Write a figure of 2000 x 1500 pixels; the noise moves its title and points."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(4)
    figure, axes = plt.subplots(figsize=(10, 7.5), dpi=200)
    axes.scatter(rng.normal(size=2000) * (1.01 if noise else 1), rng.normal(size=2000), s=4)
    axes.set_title(f"AUC = {0.918 if noise else 0.913}")
    figure.savefig(path)


ASSERT_FRAMES = """
import polars as pl
from polars.testing import assert_frame_equal
start()
assert_frame_equal(pl.{read}(A), pl.{read}(B))
stop()
"""
CASES = (
    Case(
        "CSV 1M x 5", lambda p, e: table(e).write_csv(p), "csv", "polars.testing.assert_frame_equal",
        ASSERT_FRAMES.format(read="read_csv"), goal="1.2x CPU",
    ),
    Case(
        "Parquet 1M x 5", lambda p, e: table(e).write_parquet(p), "parquet", "polars.testing.assert_frame_equal",
        ASSERT_FRAMES.format(read="read_parquet"), goal="1.2x CPU",
    ),
    Case(
        "npz 200 MB", lambda p, e: np.savez(p, **arrays(e)), "npz", "numpy.testing.assert_allclose",
        """
import numpy as np
start()
a, b = np.load(A), np.load(B)
for name in a.files:
    np.testing.assert_allclose(a[name], b[name], rtol=1e-6, atol=1e-9)
stop()
""",
        goal="0.5x CPU, under 100 MB",
    ),
    Case(
        "HDF5 200 MB", write_hdf5, "nc", "xarray.testing.assert_allclose",
        """
import xarray
start()
xarray.testing.assert_allclose(xarray.open_dataset(A, engine="h5netcdf"), xarray.open_dataset(B, engine="h5netcdf"))
stop()
""",
        goal="0.6x CPU, under 120 MB",
    ),
    Case(
        "JSON 6 MB", write_json, "json", "deepdiff",
        """
from deepdiff import DeepDiff
start()
DeepDiff(json.load(open(A)), json.load(open(B)), math_epsilon=1e-9)
stop()
""",
        goal="0.05x CPU",
    ),
    Case(
        "PNG 2000 x 1500", write_png, "png", "matplotlib.testing.compare_images",
        """
from matplotlib.testing.compare import compare_images
start()
compare_images(A, B, tol=0)
stop()
""",
        same=False, goal="1x CPU",
    ),
)  # fmt: skip


def measure(code: str, one: Path, two: Path, *, same: bool) -> tuple[float, float]:
    """Return CPU seconds and peak MB of one side in a process of its own."""
    script = FRAME.format(a=str(one), b=str(two), same=same, code=code)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def row(case: Case, folder: Path) -> str:
    """Measure both sides of a case in turn and return its row of the table."""
    one, two = folder / f"one.{case.suffix}", folder / f"two.{case.suffix}"
    case.make(one, 0.0)
    case.make(two, NOISE)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(measure(OURS, one, two, same=case.same))
        theirs.append(measure(case.code, one, two, same=case.same))
    mine, other = min(ours), min(theirs)
    peaks = min(peak for _, peak in ours), min(peak for _, peak in theirs)
    return (
        f"| {case.name} | {case.peer} | {mine[0]:.2f} | {other[0]:.2f} | {mine[0] / other[0]:.2f}x |"
        f" {peaks[0]:.0f} | {peaks[1]:.0f} | {case.goal} |"
    )


def main() -> None:
    """Write the table."""
    names = ("numpy", "polars", "pillow", "h5py", "xarray", "deepdiff", "matplotlib")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    lines = [
        "# Measured",
        "",
        "Made by `tox -e bench`; ratios tell more than seconds, which move with the machine.",
        "",
        "## Comparers",
        "",
        f"Both sides in turn, each in a process of its own, least of {ROUNDS} rounds; every float differs by {NOISE:g} (the",
        f"figures by a title and their points). Memory is the peak of the whole process. Python {platform.python_version()}, {versions}.",
        "",
        "| files | compared with | ours, CPU s | theirs | ratio | ours, MB | theirs | goal |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(row(case, Path(folder)))
            print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
