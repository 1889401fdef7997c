"""The provisioner `nbrepro-forkserver`: forked kernels for whoever uses jupyter_client."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys

import psutil
import pytest

from pytest_nbrepro.kernels import provisioner

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone"),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning",
        "ignore::pytest.PytestUnraisableExceptionWarning",
        "ignore::DeprecationWarning",
        "ignore::UserWarning",
    ),
]
PATIENCE = 60.0


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start a kernel of a kernelspec that names the provisioner; all are ended afterwards."""
    from jupyter_client.manager import KernelManager

    started = []

    def kernel(*options):
        folder = tmp_path / "kernels" / "forked"
        folder.mkdir(parents=True, exist_ok=True)
        spec = {
            "argv": [sys.executable, *options, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": "forked",
            "language": "python",
            "metadata": {"kernel_provisioner": {"provisioner_name": "nbrepro-forkserver"}},
        }
        (folder / "kernel.json").write_text(json.dumps(spec))
        manager = KernelManager(kernel_name="forked", transport="ipc", ip=str(tmp_path / f"k{len(started)}"))
        manager.start_kernel(cwd=str(tmp_path))
        client = manager.blocking_client()
        client.start_channels()
        started.append((manager, client))
        client.wait_for_ready(timeout=PATIENCE)
        return manager, client

    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    yield kernel
    for manager, client in started:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.context.destroy(linger=0)
    started.clear()
    gc.collect()  # what jupyter_client leaves open is told here, not in somebody else's test


def asked(client, code):
    """Return what a cell prints, or the name of its error."""
    told = []

    def hook(message):
        content = message["content"]
        told.append(content.get("text") or content.get("ename") or "")

    client.execute_interactive(code, output_hook=hook, timeout=PATIENCE)
    return "".join(told).strip()


def test_kernels_are_forked_and_are_their_own(start, tmp_path):
    first, second = start(), start()
    code = "import os, sys, random, uuid; print(os.getcwd(), random.random(), uuid.uuid4(), '_nbrepro_kernel' in sys.modules)"
    one, other = (asked(client, code).split() for _, client in (first, second))
    assert one[0] == other[0] == str(tmp_path)
    assert one[1] != other[1]
    assert one[2] != other[2]
    assert one[3] == "False"
    assert type(first[0].provisioner.process) is provisioner.Forked
    assert first[0].is_alive()


def test_one_is_interrupted_and_ends(start):
    manager, client = start()
    pid = int(asked(client, "import os; print(os.getpid())"))
    client.execute("import time\nprint('go', flush=True)\nfor _ in range(6000): time.sleep(0.01)")
    while client.get_iopub_msg(timeout=PATIENCE)["msg_type"] != "stream":
        pass
    manager.interrupt_kernel()
    assert client.get_shell_msg(timeout=PATIENCE)["content"]["ename"] == "KeyboardInterrupt"
    manager.shutdown_kernel()
    assert not manager.is_alive()
    assert not psutil.pid_exists(pid)


def test_one_that_is_killed_is_known_to_be_gone(start):
    manager, client = start()
    os.kill(int(asked(client, "import os; print(os.getpid())")), 9)
    assert manager.provisioner.process.wait() == -9
    assert not manager.is_alive()


def test_one_with_options_of_its_own_is_spawned(start):
    manager, client = start("-X", "utf8")
    assert asked(client, "import sys; print(sys.flags.utf8_mode)") == "1"
    assert isinstance(manager.provisioner.process, subprocess.Popen)


def test_one_that_cannot_be_forked_is_spawned(start, monkeypatch, caplog):
    def none(env):
        raise provisioner.NoServerError("there are too many threads")

    monkeypatch.setattr(provisioner, "_server", none)
    manager, client = start()
    assert asked(client, "print(1)") == "1"
    assert isinstance(manager.provisioner.process, subprocess.Popen)
    assert "the kernel is spawned: there are too many threads" in caplog.text
