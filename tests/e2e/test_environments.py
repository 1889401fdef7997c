"""Environments of the past, really built: a small distribution in two versions, made of this file."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from environs import clean

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NAME = "nbrepro_tiny"
OTHERS = [f"nbrepro_tiny{n}" for n in range(1, 4)]  # change their versions, too, and mean nothing
CODE = "def value():\n    return {}\n"


def wheel(folder: Path, name: str, version: str, code: str) -> Path:
    """Write a wheel with one module (https://packaging.python.org/en/latest/specifications/binary-distribution-format/)."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    members = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for member, text in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{member},sha256={digest},{len(text)}")
    members[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return path


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A project whose baseline was made with version 1 of everything; version 2 of everything is here today."""
    root = tmp_path_factory.mktemp("world")
    (root / "wheels").mkdir()
    for version, value in (("1", "0.5"), ("2", "0.75")):
        for name in (NAME, *OTHERS):
            code = CODE.format(value if name == NAME else 1)
            made = wheel(root / "wheels", name, version, code)
            zipfile.ZipFile(made).extractall(root / f"site{version}")
    project = root / "project"
    project.mkdir()
    (project / "pytest.ini").write_text("[pytest]\n")
    imports = "\n".join(f"import {name}" for name in (NAME, *OTHERS))
    cells = [f"{imports}\nprint('loss:', {NAME}.value())"]
    (project / "train.ipynb").write_text(json.dumps(notebook(*cells)))
    done = command(root, 1, "-m", "pytest", "--nbrepro", "--nbrepro-once", "--nbrepro-update=new")
    assert done.returncode == 0, done.stdout
    return root


def notebook(*sources: str) -> dict:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{n}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for n, source in enumerate(sources)
    ]
    return {"cells": cells, "metadata": {"nbrepro": {}}, "nbformat": 4, "nbformat_minor": 5}


def command(root: Path, version: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python where this version of the distributions is installed."""
    kept = clean()
    found = {"PIP_FIND_LINKS": str(root / "wheels"), "UV_FIND_LINKS": str(root / "wheels")}
    env = {**kept, **found, "PYTHONPATH": str(root / f"site{version}")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root / "project",
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def nbrepro(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return command(root, 2, "-c", "from pytest_nbrepro.cli import main; main()", *arguments)


def test_the_baseline_is_given_again_where_it_was_made(world: Path):
    done = nbrepro(world, "reproduce", "train.ipynb", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["reproduces"] is True
    assert {name.replace("-", "_"): version for name, version in told["distributions"].items()} == {
        **dict.fromkeys((NAME, *OTHERS), "1"),
        **{k: v for k, v in told["distributions"].items() if not k.startswith("nbrepro")},
    }


def test_the_one_that_moves_the_metric_is_found(world: Path):
    done = nbrepro(world, "why", "train.ipynb", "--bisect", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert [one["name"].replace("-", "_") for one in told["culprits"]] == [NAME]
    assert told["check"] == {"kind": "metric", "name": "loss"}
    built = list((world / "project/.nbrepro/environments").iterdir())
    assert len(built) <= 4
    again = nbrepro(world, "why", "train.ipynb", "--bisect", "--json")
    assert json.loads(again.stdout)["culprits"] == told["culprits"]
    assert json.loads(again.stdout)["runs"] == 1  # that of today: all else is remembered
