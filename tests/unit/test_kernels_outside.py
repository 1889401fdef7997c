"""What cells ask of the world outside: lists of files, other machines."""

from __future__ import annotations

import pytest

from pytest_nbrepro.kernels import outside


@pytest.fixture
def listen(book):
    """Run cells in which `tell(event, arguments)` is what the system tells of, and return what is noted."""
    found = []
    watched = outside.Outside(book.tracer, lambda kind, where: found.append((kind, where)))

    def hook(event, arguments):
        assert list(watched.events[event](*arguments)) == []

    book.namespace["tell"] = hook

    def run(*cells):
        found.clear()
        for cell in cells:
            watched.begin()
            book.cell(cell)
        return list(found)

    return run


def test_a_folder_that_a_cell_lists_is_noted_once_a_cell(listen):
    cell = "tell('os.listdir', ('.',))\ntell('os.scandir', ())"
    assert listen(cell, cell) == [("listing", "line 1"), ("listing", "line 1")]


def test_one_that_a_library_lists_is_not(listen, book, module):
    module(book.library, "library_t", "def work(tell):\n    tell('os.listdir', ('.',))")
    assert listen("import library_t\nlibrary_t.work(tell)") == []


def test_hosts_also_through_libraries(listen, book, module):
    module(book.library, "library_t", "def work(tell):\n    tell('socket.getaddrinfo', (b'example.org', 80))")
    cell = "import library_t\nlibrary_t.work(tell)\ntell('socket.connect', (None, ('127.0.0.1', 80)))"
    assert listen(cell) == [("network", "line 2: example.org")]
    assert listen("tell('socket.connect', (None, ('127.0.0.1', 80)))") == [("network", "line 1: 127.0.0.1")]


def test_sockets_of_this_machine_alone(listen):
    assert listen("tell('socket.connect', (None, '/run/x'))") == []


def test_what_nobody_of_the_notebook_does(book):
    found = []
    watched = outside.Outside(book.tracer, lambda *seen: found.append(seen))
    for event, arguments in {"os.listdir": ("."), "socket.getaddrinfo": ("example.org",)}.items():
        watched.events[event](*arguments)
    assert found == []


def test_a_network_out_of_reach(book, listen):
    watched = outside.Outside(book.tracer, lambda *_: None, blocked=True)

    def hook(host):
        return watched.events["socket.getaddrinfo"](host)

    def resolve(host):
        return hook(host)

    book.namespace["resolve"] = resolve
    book.cell("try:\n    resolve('example.org')\nexcept OSError as error:\n    told = str(error)")
    assert "the network is blocked in this experiment" in book.namespace["told"]
    watched.events["socket.getaddrinfo"]("example.org")  # of nobody of the notebook
