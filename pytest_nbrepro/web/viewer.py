"""What all pages share: the project, its runs, addresses, and what was decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_nbrepro import __version__, pending
from pytest_nbrepro.reports import html
from pytest_nbrepro.store import Store
from pytest_nbrepro.web.answers import Answer
from pytest_nbrepro.web.catalogue import Catalogue
from pytest_nbrepro.web.shelf import ServedShelf

if TYPE_CHECKING:
    from pytest_nbrepro.cli.site import Site

_POLICY = {
    "frame_src": "'self'",
    "connect_src": "'self'",
    "form_action": "'self'",
    "frame_ancestors": "'none'",
}


class Viewer:
    """A project that is looked at.

    Args:
        site: the project.
        token: what addresses must begin with.
    """

    def __init__(self, site: Site, token: str) -> None:
        self.site = site
        self.base = f"/{token}/"
        self.store = Store(site.store)
        self.catalogue = Catalogue(self.store)
        self.shelf = ServedShelf(self.base)
        self.done: list[str] = []  # what was accepted and rejected here
        self.accepted: list[tuple[str, str]] = []  # cases, and why

    @property
    def pending(self) -> str:
        """Return how much waits, as a number."""
        return str(len(pending.records(self.site.store / "pending")))

    def page(self, template: str, *, title: str, status: int = 200, script: str = "", **view: Any) -> Answer:
        """Return a page.

        Args:
            template: its name in `templates/`.
            title: what it is called.
            status: of HTTP.
            script: the name of a script that it needs besides what all pages share.
            view: what the template is filled with.
        """
        from markupsafe import Markup

        names = ["common.js", "view.js", *([script] if script else [])]
        js = "".join(_text(name) for name in names)
        css = html.text("report.css") + _text("view.css")
        body = self.part(
            template,
            css=Markup(css),  # noqa: S704 - ours
            js=Markup(js),  # noqa: S704 - ours
            title=title,
            project=self.site.root.name,
            version=__version__,
            pending=self.pending,
            **view,
        )
        return Answer(body, status=status, policy=html.policy(js, **_POLICY))

    def part(self, template: str, **view: Any) -> str:
        """Return a template filled."""
        return html.environment("pytest_nbrepro.web").get_template(template).render(base=self.base, **view)

    def fault(self, what: str, status: int) -> Answer:
        """Return the page that tells what is wrong."""
        return self.page("fault.html.j2", title="This cannot be shown", status=status, what=what)


def _text(name: str) -> str:
    return html.text(name) if name == "common.js" else html.text(name, "pytest_nbrepro.web")
