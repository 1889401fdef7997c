"""What is sent to machines with disks of their own."""

from __future__ import annotations

import io
import os
import zipfile

import pytest

from pytest_nbrepro.errors import WorkspaceError
from pytest_nbrepro.executors import parcels


@pytest.fixture
def project(task, tmp_path):
    for name, text in {
        "a.ipynb": "{}",
        "data/x.csv": "1",
        "run.sh": "#!/bin/sh",
        "baselines/a/default/metrics.json": "{}",
        ".nbrepro/runs/one/run.json": "{}",
        "data/.git/config": "",
        "pack/__pycache__/m.pyc": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "run.sh").chmod(0o755)
    return task("a")


def names(parcel):
    return sorted(zipfile.ZipFile(io.BytesIO(parcel)).namelist())


def test_what_the_mirror_would_hold(project):
    assert names(parcels.pack_project(project)) == ["a.ipynb", "data/", "data/x.csv", "pack/", "run.sh"]


def test_links_are_followed_but_not_in_circles(project, tmp_path, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "big.bin"
    outside.write_text("large")
    (tmp_path / "data/big.bin").symlink_to(outside)
    (tmp_path / "data/again").symlink_to(tmp_path / "data")
    (tmp_path / "data/nothing").symlink_to(tmp_path / "gone")
    parcels.unpack(parcels.pack_project(project), tmp_path / "there")
    assert (tmp_path / "there/data/big.bin").read_text() == "large"
    assert not (tmp_path / "there/data/big.bin").is_symlink()
    assert not (tmp_path / "there/data/again/again").exists()
    assert not (tmp_path / "there/data/nothing").exists()


def test_permissions_come_along(project, tmp_path):
    parcels.unpack(parcels.pack_project(project), tmp_path / "there")
    assert os.access(tmp_path / "there/run.sh", os.X_OK)
    assert not os.access(tmp_path / "there/data/x.csv", os.X_OK)


def test_too_much_is_refused(project, tmp_path):
    (tmp_path / "data/x.csv").write_bytes(bytes(3000))
    with pytest.raises(WorkspaceError, match="too much to send") as caught:
        parcels.pack_project(project, largest=2000)
    assert caught.value.where == "a.ipynb::default"


def test_nothing_leads_out_of_the_folder(tmp_path):
    parcel = io.BytesIO()
    with zipfile.ZipFile(parcel, "w") as archive:
        archive.writestr("../out.txt", "1")
        archive.writestr("/abs.txt", "2")
    parcels.unpack(parcel.getvalue(), tmp_path / "there")
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == ["abs.txt", "out.txt"]
    assert not (tmp_path / "out.txt").exists()


def test_old_files_can_be_sent(tmp_path):
    (tmp_path / "old").write_text("1")
    os.utime(tmp_path / "old", (0, 0))  # zip files begin in 1980
    assert names(parcels.pack(tmp_path)) == ["old"]
