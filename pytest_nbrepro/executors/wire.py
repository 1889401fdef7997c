"""Messages between two processes of ours: pickles, each after its length, through a pair of sockets.

Nobody else can reach the sockets, so nothing foreign is ever unpickled.
"""

from __future__ import annotations

import contextlib
import pickle
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

_LENGTH = struct.Struct("!Q")
_CHUNK = 1 << 20


class Wire:
    """One end.

    `wait` may be ended by an exception of a signal's handler, `send` and `receive` may not: see `undisturbed`.
    """

    def __init__(self, own: socket.socket) -> None:
        self._socket = own
        self._taken = bytearray()
        self._poll = select.poll()
        self._poll.register(own, select.POLLIN)

    def send(self, message: Any) -> None:
        """Send a message.

        Raises:
            OSError: the other end is gone.
        """
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._socket.sendall(_LENGTH.pack(len(data)) + data)

    def wait(self, seconds: float) -> bool:
        """Wait until the other end has sent something, or is gone; False when the time is over."""
        return bool(self._poll.poll(seconds * 1000))

    def receive(self, take: Callable[[Any], None]) -> None:
        """Wait for what the other end sends next, and hand on the messages that are whole with it.

        Raises:
            EOFError: the other end is gone.
        """
        try:
            chunk = self._socket.recv(_CHUNK)
        except ConnectionError:
            chunk = b""
        if not chunk:
            raise EOFError
        self._taken += chunk
        for message in self._whole():
            take(pickle.loads(message))  # noqa: S301 - the other end is ours

    def end(self) -> None:
        """Tell the other end that nothing more will come."""
        with contextlib.suppress(OSError):  # it is gone
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _whole(self) -> Iterator[bytes]:
        """Take the messages that have come whole."""
        while len(self._taken) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._taken)[0]
            if len(self._taken) < end:
                return
            message = bytes(self._taken[_LENGTH.size : end])
            del self._taken[:end]
            yield message


def undisturbed(work: Callable[[], None]) -> None:
    """Do something in a thread of its own and wait for it.

    Signals are handled in the main thread. What a handler raises there, such as KeyboardInterrupt, ends the wait; it
    cannot come between two steps of the work, which goes on to its end.
    """
    raised: list[BaseException] = []

    def do() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)

    thread = threading.Thread(target=do, name="nbrepro-wire", daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
