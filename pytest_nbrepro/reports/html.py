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

    css, js = text("report.css"), text("common.js") + text("report.js")
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


def policy(script: str, **rules: str) -> str:
    """Return a content-security policy that lets no script run but this one, and nothing come from elsewhere.

    Args:
        script: the one that runs.
        rules: what else is allowed, by directive with _ for -: ``frame_src="'self'"``.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    strict = {
        "default_src": "'none'",
        "img_src": "'self' data:",
        "style_src": "'unsafe-inline'",
        "font_src": "data:",
        "script_src": f"'sha256-{digest}'",
        "frame_src": "'none'",
        "base_uri": "'none'",
        "form_action": "'none'",
    }
    return "; ".join(f"{name.replace('_', '-')} {value}" for name, value in (strict | rules).items())


@functools.cache
def environment(*packages: str) -> Environment:
    """Return jinja2's environment of our templates, and of those of other packages; it escapes all that is filled in."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in (*packages, "pytest_nbrepro.reports")]),
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


def text(name: str, package: str = "pytest_nbrepro.reports") -> str:
    """Return a style or a script of ours."""
    return (resources(package) / "templates" / name).read_text("utf-8")


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
