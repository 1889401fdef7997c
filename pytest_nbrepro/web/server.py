"""The viewer's server: tornado, for this machine alone.

Every address begins with a token that only who started the viewer knows, and the name that a browser calls this machine by
must be one of its own: another site can neither guess an address nor have its name point here. What changes something must come
from a page of ours.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import socket
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.routing import Router
from tornado.web import Application, RequestHandler

from pytest_nbrepro.errors import NbreproError, StoreError
from pytest_nbrepro.reports.shelf import TYPES
from pytest_nbrepro.web import comparing, deciding, exploring, listing, single
from pytest_nbrepro.web.answers import NOTHING_RUNS, Answer, Page, Query
from pytest_nbrepro.web.notebooks import NotebookDiffs
from pytest_nbrepro.web.viewer import Viewer

ADDRESS = "127.0.0.1"
_NAMES = {"127.0.0.1", "localhost", "[::1]"}  # of this machine, in any browser
_BLOCK = 1 << 20
_LARGEST = 1 << 20  # bytes of a form
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PAGES: dict[str, tuple[Page, Page | None]] = {  # rest of the address: what is read, what is written
    r"()": (listing.page, None),
    r"runs/([\w.-]+)": (single.page, None),
    r"runs/([\w.-]+)/log": (single.log, None),
    r"notebooks/(\w+)": (single.notebook, None),
    r"compare()": (comparing.page, None),
    r"explore()": (exploring.page, None),
    r"pending()": (deciding.page, None),
    r"pending/(.+)": (deciding.entry, deciding.decide),
}


class Handler(RequestHandler):
    """Runs page functions in the one thread for them, and sends what they return."""

    def initialize(self, viewer: Viewer, workers: Executor, pages: tuple[Page, Page | None]) -> None:
        """Take what all requests share."""
        self._viewer, self._workers, (self._read, self._write) = viewer, workers, pages

    def set_default_headers(self) -> None:
        """Set what every answer says."""
        self.clear_header("Server")
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    async def get(self, rest: str) -> None:
        """Answer what is read."""
        await self._answer(self._read, self.request.query, rest)

    async def post(self, rest: str) -> None:
        """Answer a form, where it is of a page from here."""
        origin = urlsplit(self.request.headers.get("Origin", ""))
        if self._write is None:
            self.set_status(405)
        elif origin.netloc != self.request.host:
            await self._send(self._viewer.fault("This form is not of a page from here.", 403))
        else:
            await self._answer(self._write, self.request.body.decode("utf-8", "replace"), rest)

    async def _answer(self, page: Page, asked: str, rest: str) -> None:
        query = Query(parse_qs(asked, keep_blank_values=True))
        loop = asyncio.get_running_loop()
        await self._send(await loop.run_in_executor(self._workers, _page, page, self._viewer, query, rest))

    async def _send(self, answer: Answer) -> None:
        self.set_status(answer.status)
        self.set_header("Content-Type", answer.kind)
        self.set_header("Content-Security-Policy", answer.policy)
        if answer.location:
            self.set_header("Location", answer.location)
        if answer.saved:
            self.set_header("Content-Disposition", f'attachment; filename="{answer.saved}"')
        if isinstance(answer.body, str):
            self.finish(answer.body)
            return
        with answer.body.open("rb") as file:
            while block := await asyncio.to_thread(file.read, _BLOCK):
                self.write(block)
                try:
                    await self.flush()
                except StreamClosedError:
                    return


def _page(page: Page, viewer: Viewer, query: Query, rest: str) -> Answer:
    """Return what a page function gives; what it complains of becomes a page, too."""
    try:
        return page(viewer, query, rest)
    except StoreError as error:
        return viewer.fault(str(error), 404)
    except (NbreproError, OSError, ValueError) as error:
        return viewer.fault(str(error), 500)


def file(viewer: Viewer, _: Query, rest: str) -> Answer:
    """Return a file that a page showed or linked; a browser saves all but pictures."""
    key, name = rest.split("/", 1)
    path = viewer.shelf.find(key)
    if path is None or not path.is_file() or path.resolve() != path:
        return viewer.fault("There is no such file here.", 404)
    kind = TYPES.get(path.suffix.lower())
    if kind is None:
        return Answer(path, kind="application/octet-stream", saved=name)
    return Answer(path, kind=kind, policy=f"{NOTHING_RUNS}; style-src 'unsafe-inline'; img-src data:")


class Door(Router):
    """Lets in who has the token, and calls this machine by a name of its own."""

    def __init__(self, viewer: Viewer, workers: Executor) -> None:
        self._token = viewer.base.strip("/")
        self._diffs = NotebookDiffs(viewer)
        pages = {
            **_PAGES,
            r"files/(\w+/[\w.-]+)": (file, None),
            r"diff()": (self._diffs.page, None),
        }
        common = {"viewer": viewer, "workers": workers}
        routes: list[Any] = [
            (f"{re.escape(viewer.base)}{place}", Handler, {**common, "pages": found})
            for place, found in pages.items()
        ]
        lost: dict[str, Any] = {**common, "pages": (_lost, None)}
        routes.append((f"{re.escape(viewer.base)}(.*)", Handler, lost))
        self._pages = Application(routes, default_handler_class=Refusal, log_function=lambda _: None)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Return what answers a request."""
        said = request.headers.get("Host", "")  # `request.host` may make one up where there is none
        host = re.sub(r":\d+$", "", said)
        token = request.path.split("/")[1] if "/" in request.path else ""
        if host not in _NAMES or not hmac.compare_digest(token.encode(), self._token.encode()):
            return self._pages.get_handler_delegate(request, Refusal)
        return self._diffs.find_handler(request, **kwargs) or self._pages.find_handler(request, **kwargs)


def _lost(viewer: Viewer, _: Query, __: str) -> Answer:
    return viewer.fault("There is no such page.", 404)


class Refusal(RequestHandler):
    """Tells nothing but that nothing is told."""

    def prepare(self) -> None:
        """Refuse; browsers ask for an icon without having been told of one."""
        self.clear_header("Server")
        if self.request.path == "/favicon.ico":
            self.set_status(204)
            self.finish()
            return
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("nbrepro view: use the address that the command printed.\n")


def made(viewer: Viewer, workers: Executor) -> HTTPServer:
    """Return a server that listens nowhere yet.

    Args:
        viewer: what is looked at.
        workers: the one thread in which pages are made.
    """
    return HTTPServer(Door(viewer, workers), max_body_size=_LARGEST)


def serve(viewer: Viewer, port: int, ready: Callable[[int], None]) -> None:
    """Serve pages until the process is interrupted.

    Args:
        viewer: what is looked at.
        port: where; 0 for any that is free.
        ready: called with the port when requests are answered.

    Raises:
        StoreError: the port is taken.
    """
    try:
        listening = socket.create_server((ADDRESS, port))
    except OSError as error:
        hint = "choose another one with --port, or none for any that is free"
        raise StoreError(
            f"cannot listen: {error.strerror or error}", where=f"port {port}", hint=hint
        ) from error
    logging.getLogger("tornado").setLevel(logging.CRITICAL)  # of addresses, which hold the token
    with ThreadPoolExecutor(1, "pages") as workers:
        asyncio.run(_serve(viewer, listening, workers, ready))
    viewer.catalogue.close()


async def _serve(
    viewer: Viewer, listening: socket.socket, workers: Executor, ready: Callable[[int], None]
) -> None:
    listening.setblocking(False)
    made(viewer, workers).add_socket(listening)
    workers.submit(viewer.catalogue.runs)  # while a browser starts
    ready(listening.getsockname()[1])
    await asyncio.Event().wait()
