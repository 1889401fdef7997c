"""`nbrepro view`: how it begins and ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request

import pytest

from pytest_nbrepro.web import server


@pytest.fixture
def served(monkeypatch):
    """Serve nothing; tell what would have been."""
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(server, "serve", lambda _, port, ready: ready(port or 1234))
    return opened


def test_it_opens_the_list_of_runs(bench, served):
    said = bench("view")
    address = said.out.splitlines()[0]
    assert served == [address]
    assert address.startswith("http://127.0.0.1:1234/")
    assert len(address.split("/")[3]) >= 32


def test_a_run_or_several(bench, served):
    one, two = bench.run(), bench.run()
    assert bench("view", "last", "--no-open").out.splitlines()[0].endswith(f"/runs/{two.id}")
    address = bench("view", one.id, two.id[-6:], "--port", "99", "--no-open").out.splitlines()[0]
    assert address.endswith(f"/compare?run={one.id}&run={two.id}")
    assert ":99/" in address
    assert not served


def test_a_run_that_is_not_there(bench, served):
    said = bench("view", "nothing")
    assert said.code == 2
    assert "no run matches" in said.err


@pytest.mark.parametrize("reads_on", [True, False])
def test_ctrl_c_ends_it(bench, reads_on):
    command = [
        sys.executable,
        "-c",
        "from pytest_nbrepro.cli import main; main(prog_name='nbrepro')",
        "view",
        "--no-open",
    ]
    with subprocess.Popen(
        command, cwd=bench.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            address = process.stdout.readline().strip()
            with urllib.request.urlopen(address, timeout=20) as answer:
                assert b"There are no runs yet" in answer.read()
            if not reads_on:  # who asked for the address has it
                process.stdout.close()
                process.stdout = None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0
    assert not reads_on or out.strip() == ""
    assert err == "Ctrl-C ends it.\n\n"
