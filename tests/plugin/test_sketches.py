"""Sketches, from the run to the report."""

from __future__ import annotations

import json

SOURCE = """import numpy as np
values = np.arange(200_000) / 7
values[150_000] += {}
values[3] *= 1 + {}
np.save('big.npy', values)
print('a: {}')"""


def test_a_large_array_is_judged_by_its_sketch(project, fake_kernel):
    project.notebook("t.ipynb", SOURCE.format(0, 0, 1))
    project.accept()
    folder = project.root / "baselines/t/default"
    kept = json.loads((folder / "artifacts.json").read_text())["artifacts"]["big.npy"]
    assert (kept["stored"], kept["path"], kept["bytes"]) == (
        "sketch",
        "files/big.npy.sketch.npz",
        1_600_128,
    )
    assert (folder / kept["path"]).stat().st_size < 100_000
    assert project.run().ret == 0

    project.notebook("t.ipynb", SOURCE.format(0, 1e-12, 2))
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*ok *big.npy*no drift proven*"])
    before = (folder / "artifacts.json").read_bytes()
    project.accept()
    assert (folder / "artifacts.json").read_bytes() == before

    project.notebook("t.ipynb", SOURCE.format(10, 0, 2))
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["  array   big.npy*[[]149989:150038[]]*", "*used*"])
    project.accept()
    assert project.run().ret == 0


def test_values_that_wait_without_their_sketch_are_refused(project, fake_kernel):
    project.notebook("t.ipynb", SOURCE.format(0, 0, 1))
    assert project.run().ret == 1
    waiting = next((project.root / ".nbrepro/pending").rglob("*.sketch.npz"))
    waiting.unlink()
    from click.testing import CliRunner

    from pytest_nbrepro.cli import main

    done = CliRunner().invoke(main, ["--root", str(project.root), "accept", "t.ipynb", "-m", "first"])
    assert done.exit_code != 0
    assert "not whole" in done.output


def test_a_broken_array_has_its_hash_alone(project, fake_kernel):
    project.notebook(
        "t.ipynb", "with open('big.npy', 'wb') as f:\n    n = f.write(b'x' * 2_000_000)\nprint('a: 1')"
    )
    project.accept()
    kept = json.loads((project.root / "baselines/t/default/artifacts.json").read_text())["artifacts"][
        "big.npy"
    ]
    assert kept["stored"] == "hash"


TABLE = """rows = [f"{{i}},{{i / 7 * (1 + {noise})}},name {{i % 5}}\\n" for i in range(60_000)]
rows[40_000] = "40000,{value},name 0\\n"
with open('big.csv', 'w') as f:
    n = f.write("id,x,name\\n" + "".join(rows))
print('a: {a}')"""


def test_a_large_table_is_judged_by_its_sketch(project, fake_kernel):
    project.notebook("t.ipynb", TABLE.format(noise=0, value=1.5, a=1))
    project.accept()
    kept = json.loads((project.root / "baselines/t/default/artifacts.json").read_text())["artifacts"][
        "big.csv"
    ]
    assert (kept["stored"], kept["path"]) == ("sketch", "files/big.csv.sketch.npz")

    project.notebook("t.ipynb", TABLE.format(noise=1e-12, value=1.5, a=2))
    result = project.run()
    result.stdout.fnmatch_lines(["*ok *big.csv*no drift proven*"])
    result.stdout.no_fnmatch_line("*used 0x*")

    project.notebook("t.ipynb", TABLE.format(noise=0, value=2.5, a=1))
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*table *big.csv*rows 39990 to 40004, column x: sum*"])
    project.accept()
    assert project.run().ret == 0
