"""Baselines and artifacts that are not what they should be: a clear word, never a pass, never a traceback of ours."""

from __future__ import annotations

import errno
import io
import json
import os

import pytest
from PIL import Image

WRITE = "from pathlib import Path\nPath({name!r}).write_bytes({data!r})\nprint('done')"


@pytest.fixture
def accepted(project, fake_kernel):
    project.notebook("t.ipynb", "print('a: 0.5')")
    project.accept()
    return project


def check(project, *lines):
    result = project.run()
    assert result.ret == 1, result.outlines
    result.stdout.fnmatch_lines(lines)
    text = result.stdout.str()
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text + result.stderr.str()
    assert "pytest_nbrepro/" not in text
    return result


FOLDER = "baselines/t/default"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metrics.json", "{", "*cannot be read*"),
        ("metrics.json", '{"schema": 99, "metrics": {}}', "*schema 99*update pytest-nbrepro*"),
        ("metrics.json", '{"schema": 1, "metrics": {"a": "much"}}', "*'much' is not a number*"),
        (
            "metrics.json",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "*not downloaded*git lfs pull*",
        ),
        ("artifacts.json", '{"schema": 1}', "*cannot be read*"),
        ("notebook.ipynb", "{", "*not JSON*"),
    ],
)
def test_unreadable_baselines(accepted, name, text, message):
    accepted.write(f"{FOLDER}/{name}", text)
    before = accepted.tree()
    check(accepted, "*ERROR*")
    joined = " ".join(" ".join(accepted.run().outlines).split())
    assert all(word in joined for word in message.strip("*").split("*")), joined
    accepted.run("--nbrepro-update=all")
    assert accepted.tree() == before  # nothing takes the place of what cannot be read


@pytest.mark.parametrize("name", ["artifacts.json", "metrics.json"])
def test_half_written_baselines(accepted, name):
    (accepted.root / FOLDER / name).unlink()
    check(accepted, "*ERROR*", "*half-written*")


def test_a_baseline_without_its_notebook(accepted):
    (accepted.root / FOLDER / "notebook.ipynb").unlink()
    accepted.notebook("t.ipynb", "print('a: 0.5')\nprint('more')")
    check(accepted, "*ERROR*", "*no executed copy*")


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 60), "teal").save(out, "PNG")
    return out.getvalue()


PNG = png()


@pytest.mark.parametrize(
    ("name", "before", "after", "message"),
    [
        ("rows.csv", b"a,b\n1,2\n", b"a,c\n1,2\n", "*table*rows.csv*b*"),
        ("rows.csv", b"a,b\n1,2\n", b"", "*table*rows.csv*"),
        ("rows.csv", b"a,b\n1,2\n3,4\n", b"a,b\n1,2\n", "*table*rows.csv*rows*"),
        ("plot.png", PNG, PNG[:40], "*image*plot.png*not*readable*"),
        ("plot.png", PNG, b"", "*image*plot.png*not*readable*"),
        ("data.json", b'{"a": 1}', b'{"a": 1', "*json*data.json*"),
        ("model.pkl", b"one", b"two", "*opaque*model.pkl*say how much*"),
    ],
)
def test_artifacts_that_changed_beyond_numbers(project, fake_kernel, name, before, after, message):
    project.notebook("t.ipynb", WRITE.format(name=name, data=before))
    project.accept()
    project.notebook("t.ipynb", WRITE.format(name=name, data=after))
    check(project, "*1 of 2 checks drifted*", message)


def test_missing_and_extra_artifacts(project, fake_kernel):
    project.notebook("t.ipynb", WRITE.format(name="a.csv", data=b"x\n1\n"))
    project.accept()
    project.notebook("t.ipynb", WRITE.format(name="b.csv", data=b"x\n1\n"))
    check(project, "*table*a.csv*LOST*", "*table*b.csv*NEW*")


def test_npz_with_an_object_array_is_an_error_not_a_pass(project, fake_kernel):
    code = "import numpy as np\nnp.savez('a.npz', a=np.array([{v}, None], dtype=object))\nprint('done')"
    project.notebook("t.ipynb", code.format(v=1))
    project.run("--nbrepro-update=new")
    project.notebook("t.ipynb", code.format(v=2))
    check(project, "*a.npz*ERROR*")


def test_a_baseline_file_that_git_lfs_did_not_download(project, fake_kernel):
    project.notebook("t.ipynb", WRITE.format(name="a.csv", data=b"x\n1\n"))
    project.accept()
    project.write(
        f"{FOLDER}/files/a.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n"
    )
    project.notebook("t.ipynb", WRITE.format(name="a.csv", data=b"x\n2\n"))
    check(project, "*a.csv*ERROR*git lfs pull*")


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_disk_full_while_a_run_is_written(accepted, monkeypatch):
    before = accepted.tree()
    monkeypatch.setattr(os, "fsync", full)
    check(accepted, "*No space left on device*")
    assert accepted.tree() == before


def test_disk_full_while_a_baseline_is_written_leaves_the_old_one(accepted, monkeypatch):
    from pytest_nbrepro import tally

    accepted.notebook("t.ipynb", "print('a: 0.6')")
    before = accepted.tree()
    real = tally.pending.accept

    def accept(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            real(*arguments)

    monkeypatch.setattr(tally.pending, "accept", accept)
    result = accepted.run("--nbrepro-update=changed")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*not accepted:*No space left on device*"])
    assert accepted.tree() == before
    accepted.notebook("t.ipynb", "print('a: 0.5')")
    assert accepted.run().ret == 0


def test_a_store_that_cannot_be_written(accepted):
    (accepted.root / ".nbrepro").rename(accepted.root / "gone")
    accepted.write(".nbrepro", "a file stands where the folder should")
    check(accepted, "*cannot write*", "*hint*--nbrepro-dir*")


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("nbrepro_timeout = soon", "ini key nbrepro_timeout: 'soon' is not a number of seconds above 0"),
        ("nbrepro_all = perhaps", "ini key nbrepro_all: 'perhaps' is neither true nor false"),
    ],
)
def test_options_that_are_not_what_they_should_be(project, fake_kernel, ini, message):
    project.write("pytest.ini", f"[pytest]\n{ini}\n")
    result = project.run()
    assert result.ret == 4
    assert message in result.stderr.str()


def test_an_annotation_changed_by_hand_in_a_pending_entry_is_no_danger(accepted):
    accepted.notebook("t.ipynb", "print('a: 0.6')")
    accepted.run()
    record = accepted.root / ".nbrepro/pending/t/default/pending.json"
    data = json.loads(record.read_text())
    record.write_text(json.dumps({**data, "folder": "../../outside"}))
    result = accepted.run("--nbrepro-update=changed")  # writes the entry anew
    assert result.ret == 0
    assert not (accepted.root.parent / "outside").exists()
