"""nbdime's own page of two executed notebooks, by its own application."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tornado.web import RequestHandler

from pytest_nbrepro import diffs
from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.files import inside
from pytest_nbrepro.store import EXECUTED
from pytest_nbrepro.web.answers import Answer, Query

if TYPE_CHECKING:
    from jinja2 import Environment
    from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
    from tornado.web import Application

    from pytest_nbrepro.web.viewer import Viewer

# The rest of the application reads and writes files by their path.
_ALLOWED = ("difftool", "api/diff", "static/")


class NotebookDiffs:
    """The applications of the pairs that somebody looked at.

    Args:
        viewer: what is looked at.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._applications: dict[str, Application] = {}  # by what their addresses begin with

    def page(self, viewer: Viewer, query: Query, _: str) -> Answer:
        """Make the application of two runs, and lead there."""
        paths = []
        for run_id in (query.one("a"), query.one("b")):
            known = run_id in viewer.store.ids()
            path = inside(viewer.store.runs / run_id, EXECUTED) if known else None
            if path is None:
                raise StoreError("it has no executed notebook", where=f"run {run_id}")
            paths.append(Path(path))
        base = f"{viewer.base}nbdime/{query.one('a')}/{query.one('b')}/"
        if base not in self._applications:
            made = diffs.application(paths[0], paths[1], base, _policy())
            made.settings["jinja2_env"] = _templates(viewer.base, query.one("a"), query.one("b"))
            self._applications[base] = made
        return Answer(location=f"{base}difftool", status=302)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Return what answers a request for one of these pages; None where it is for another."""
        for base, application in self._applications.items():
            if request.path.startswith(base):
                if request.path.removeprefix(base).startswith(_ALLOWED):
                    return application.find_handler(request, **kwargs)
                return application.get_handler_delegate(request, _Nothing)
        return None


class _Nothing(RequestHandler):
    """Answers what must not be asked for."""

    def prepare(self) -> None:
        """Refuse."""
        self.set_status(404)
        self.finish()


_PAGE = """{% extends "nbdime/difftool.html" %}
{% block nbdimeheader %}
<style>#nbdime-trust { display: none !important; } #nbrepro { font: 14px system-ui, sans-serif; padding: .6rem 1rem 0; }</style>
<p id="nbrepro"><a href="{{ base|e }}">Runs</a> · base is run {{ before|e }}, remote is run {{ after|e }}</p>
{{ super() }}
{% endblock %}"""


def _templates(base: str, before: str, after: str) -> Environment:
    """Return nbdime's templates, with a way back, and without its button that trusts what notebooks show."""
    from jinja2 import ChoiceLoader, DictLoader, Environment, PackageLoader, PrefixLoader

    theirs = PackageLoader("nbdime.webapp")
    loaders = [DictLoader({"difftool.html": _PAGE}), PrefixLoader({"nbdime": theirs}), theirs]
    made = Environment(loader=ChoiceLoader(loaders))  # noqa: S701 - their pages escape by themselves, ours does above
    made.globals |= {"base": base, "before": before, "after": after}
    return made


def _policy() -> str:
    """Let no script run but nbdime's own files, and nothing be asked of another host."""
    rules = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(rules)
