"""Messages between two processes of ours."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pytest

from pytest_nbrepro.errors import KernelError
from pytest_nbrepro.executors.wire import Wire, undisturbed


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    pair = Wire(one), Wire(other)
    yield pair
    for end in pair:
        end.close()


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def received(wire, count):
    got = []
    while len(got) < count:
        assert wire.wait(60)
        wire.receive(got.append)
    return got


def test_messages_come_whole_and_in_their_order(ends):
    sent = [("a", 1), "x" * 1_000_000, b"", None, {"n": [1.5]}]
    writer = threading.Thread(target=lambda: [ends[0].send(message) for message in sent])
    writer.start()
    assert received(ends[1], len(sent)) == sent
    writer.join()


def test_faults_cross_whole(ends):
    ends[0].send(KernelError("what", where="where", hint="hint"))
    (fault,) = received(ends[1], 1)
    assert type(fault) is KernelError
    assert (fault.what, fault.where, fault.hint) == ("what", "where", "hint")


def test_nothing_comes(ends):
    assert ends[0].wait(0) is False


@pytest.mark.parametrize("end", ["end", "close"])
def test_the_other_end_is_gone_after_its_last_message(ends, end):
    ends[0].send("last")
    getattr(ends[0], end)()
    assert received(ends[1], 1) == ["last"]
    assert ends[1].wait(60)
    with pytest.raises(EOFError):
        ends[1].receive(print)


def test_half_a_message_is_none(ends):
    ends[0].send("x" * 1000)
    whole = ends[1]._socket.recv(10_000)
    ends[0]._socket.sendall(whole[:-1])
    got = []
    ends[1].receive(got.append)
    assert got == []
    ends[0]._socket.sendall(whole[-1:])
    assert received(ends[1], 1) == ["x" * 1000]


def test_who_says_something_learns_that_nobody_listens(ends):
    ends[1].close()
    with pytest.raises(OSError):
        ends[0].send("x")


def test_ends_that_are_gone_can_be_told_so(ends):
    ends[0].close()
    ends[0].end()


def test_a_signal_waits_until_what_has_come_is_taken(ends):
    """A Ctrl-C in the middle of taking must lose nothing."""
    taken = []

    def take(message):
        os.kill(os.getpid(), signal.SIGINT)
        taken.append(message)

    ends[0].send("one")
    ends[0].send("two")
    with pytest.raises(KeyboardInterrupt):
        undisturbed(lambda: ends[1].receive(take))
    wait_for(lambda: len(taken) == 2)
    assert taken == ["one", "two"]


def test_what_work_raises_is_raised_where_it_was_asked_for():
    with pytest.raises(ZeroDivisionError):
        undisturbed(lambda: 1 / 0)
