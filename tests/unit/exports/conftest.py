"""A run with everything that other tools take."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from pytest_nbrepro import files
from pytest_nbrepro.model import Artifact, Metric, Run, RunStatus


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), (31, 119, 180)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def rich(bench):
    """Put a run with a series, a figure, a file and flags of all kinds into the store: ``rich(label=…)``."""

    def make(**fields) -> Run:
        run = bench.run(
            flags=fields.pop("flags", {"x": 0.5, "name": "adam", "deep": True, "sizes": [32, 16], "none": None}),
            metrics={
                "loss": Metric(0.25, cell=1, steps=((10, 1.0), (20, 0.5), (30, 0.25))),
                "epochs": Metric(3, "int", steps=((None, 1), (None, 2), (None, 3))),
                "auc": Metric(0.9),
            },
            **fields,
        )  # fmt: skip
        artifacts = {}
        for name, kind, content in (("curve.png", "figure", png()), ("rows.csv", "table", b"a,b\n1,2\n")):
            path = run.folder / "files" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            artifacts[name] = Artifact(name, kind, f"files/{name}", files.sha256(path), len(content))
        run = Run(**{**run.__dict__, "artifacts": artifacts})
        bench.store.write(run)
        return run

    return make


@pytest.fixture
def running(bench):
    """Put a run that still runs into the store."""
    return lambda **fields: bench.run(status=RunStatus.RUNNING, duration=None, metrics={}, **fields)
