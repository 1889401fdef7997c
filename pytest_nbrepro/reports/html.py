"""The page of a report: one file, whose style and script are its own, and which runs nothing else."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from datetime import datetime
from importlib.resources import files as resources
from typing import TYPE_CHECKING, Any

from pytest_nbrepro import files
from pytest_nbrepro.reports import words
from pytest_nbrepro.reports.pages import View

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def page(view: View) -> str:
    """Return the page of a report as HTML."""
    from markupsafe import Markup

    css, js = _text("report.css"), _text("report.js")
    verdict = words.headline(view["bad"], len(view["cases"]))
    template = environment().get_template("report.html.j2")
    return template.render(
        **view,
        css=Markup(css),  # noqa: S704 - ours
        js=Markup(js),  # noqa: S704 - ours
        policy=policy(js),
        title=f"{view['project']}: {verdict}",
        verdict=verdict,
    )


def policy(script: str) -> str:
    """Return a content-security policy that lets no script run but this one, and nothing come from elsewhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = (
        "default-src 'none'",
        "img-src 'self' data:",
        "style-src 'unsafe-inline'",
        "font-src data:",
        f"script-src 'sha256-{digest}'",
        "frame-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


@functools.cache
def environment() -> Environment:
    """Return jinja2's environment of our templates, which escapes all that is filled in."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("pytest_nbrepro.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "duration": words.seconds,
        "bytes": words.size,
        "moment": moment,
        "sign": sign,
        "value": value,
        "broken": broken,
    }
    return made


def _text(name: str) -> str:
    return (resources("pytest_nbrepro.reports") / "templates" / name).read_text("utf-8")


def moment(stamp: str) -> str:
    """Return a time in ISO 8601 to the second; the text itself where it is none."""
    try:
        return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M:%S UTC")
    except ValueError:
        return stamp


def sign(line: str) -> str:
    """Return what a line of a diff is: added, taken away, a heading."""
    if line.startswith(("## ", "@@ ", "… ")):
        return "head"
    return {"+": "plus", "-": "minus"}.get(line[:1], "")


def value(tagged: Any) -> str:
    """Return a flag's value in Python's notation."""
    return repr(files.from_json(tagged))


def broken(name: str) -> Markup:
    """Return the name of a case that may go on in the next line where its parts meet."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=/)|(?=::)|(?<=[,_])", name))
