"""What the comparers cost beside the libraries that people use today: `tox -e bench`.

Each side runs in a fresh process on the same two files, in turn, several rounds; told are the medians of CPU seconds
and of the ratio in each round, and the peak memory. Seconds move with the machine, ratios much less. Then what memory
is needed for files of ten times the size.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from results import write_section

ROUNDS = 5
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
    """Write 33,000 nested records."""
    rng = np.random.default_rng(3)
    values = (rng.normal(size=(33_000, 14)) + noise).tolist()
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
        "JSON 10 MB", write_json, "json", "deepdiff",
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
    ratio = statistics.median(mine[0] / other[0] for mine, other in zip(ours, theirs, strict=True))
    (mine, peak), (other, their_peak) = (
        map(statistics.median, zip(*side, strict=True)) for side in (ours, theirs)
    )
    return (
        f"| {case.name} | {case.peer} | {mine:.2f} | {other:.2f} | {ratio:.2f}x |"
        f" {peak:.0f} | {their_peak:.0f} | {case.goal} |"
    )


# ---------------------------------------------------------------------------------------------------
# Memory

GROWTH = 10  # how many times larger the large files are
SPARE = 2 << 30  # bytes of the disk that are left alone
SKETCH = """
from pathlib import Path
from pytest_nbrepro import comparers
from pytest_nbrepro.comparers import sketches
kinds = [["id", "int"], ["x", "float"], ["y", "float"], ["kind", "str"], ["when", "datetime"]]
schema = {"format": "csv", "separator": ",", "header": True, "columns": kinds, "rows": int(Path(B).read_text())}
start()
sketches.write(Path(A), "table", schema, Path(B + ".sketch"))
stop()
"""


def write_npz(path: Path, noise: float, times: int) -> None:
    """Write five arrays of 40 MB, `times` as long, piece by piece."""
    rng = np.random.default_rng(5)
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(5):
            with archive.open(f"a{k}.npy", "w", force_zip64=True) as stream:
                header = {"descr": "<f8", "fortran_order": False, "shape": (2500 * times, 2000)}
                np.lib.format.write_array_header_1_0(stream, header)
                for _ in range(10 * times):
                    stream.write((rng.normal(size=(250, 2000)) + noise).tobytes())


def peak_of_npz(folder: Path, times: int) -> float:
    """Return the peak MB of a comparison."""
    one, two = folder / "one.npz", folder / "two.npz"
    write_npz(one, 0.0, times)
    write_npz(two, NOISE, times)
    return measure(OURS, one, two, same=True)[1]


def peak_of_sketch(folder: Path, times: int) -> float:
    """Return the peak MB of making a sketch of a CSV file."""
    one, rows = folder / "one.csv", folder / "rows"
    frame = table(0.0)
    with one.open("wb") as stream:
        for number in range(times):
            frame.write_csv(stream, include_header=not number)
    rows.write_text(str(times * frame.height))
    return measure(SKETCH, one, rows, same=True)[1]


MEMORY: tuple[tuple[str, Callable[[Path, int], float], int, str], ...] = (
    ("npz 200 MB, compared", peak_of_npz, 400 << 20, "at most 20 MB more"),
    ("CSV 1M x 5, its sketch made", peak_of_sketch, 90 << 20, ""),
)


def memory_row(name: str, peak: Callable[[Path, int], float], size: int, goal: str) -> str:
    """Measure a small file and a large one; without room on the disk, say so."""
    found = []
    for times in (1, GROWTH):
        with tempfile.TemporaryDirectory() as folder:
            free = shutil.disk_usage(folder).free
            if free < times * size + SPARE:
                return f"| {name} | not measured: {free >> 30} GiB of disk are free | | | {goal} |"
            found.append(peak(Path(folder), times))
    small, large = found
    return f"| {name} | {small:.0f} | {large:.0f} | {large - small:+.0f} | {goal} |"


def main() -> None:
    """Write the tables."""
    names = ("numpy", "polars", "pillow", "h5py", "xarray", "deepdiff", "matplotlib")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    lines = [
        f"Made by `tox -e bench`. Both sides in turn, each in a process of its own, medians of {ROUNDS} rounds; every float",
        f"differs by {NOISE:g} (the figures by a title and their points). Memory is the peak of the whole process.",
        f"Python {platform.python_version()}, {versions}.",
        "",
        "| files | compared with | ours, CPU s | theirs | ratio | ours, MB | theirs | goal |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(row(case, Path(folder)))
            print(lines[-1], flush=True)
    write_section("Comparers", lines)
    lines = [
        f"Made by `tox -e bench`: peaks of a process in MB, with a file of that size and with one {GROWTH} times as large.",
        "",
        "| file | small | large | growth | goal |",
        "|---|---|---|---|---|",
    ]
    for case in MEMORY:
        lines.append(memory_row(*case))
        print(lines[-1], flush=True)
    write_section("Memory", lines)


if __name__ == "__main__":
    main()
