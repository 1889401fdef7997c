"""An executed notebook as a page of its own that does nothing: no script, no address of another host, no link."""

from __future__ import annotations

import re
from html import escape
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_nbrepro.reports import formulas

if TYPE_CHECKING:
    from bs4 import Tag

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"
_GONE = re.compile(  # elements that act, fetch or lead away
    "script|i?frame|frameset|object|embed|applet|base|link|meta|form|input|button|select|textarea|audio|video|source|"
    "track|portal|template|noscript|dialog|marquee|animate|set|use|foreignobject|slot|fencedframe",
    re.IGNORECASE,
)
_ADDRESSES = ("href", "xlink:href", "action", "formaction", "srcset", "poster", "background", "ping", "data")
_PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|svg\+xml)[;,]", re.IGNORECASE)
_FETCHES = re.compile(r"@import[^;]*;?|url\(\s*['\"]?(?!\s*['\"]?data:)[^)]*\)", re.IGNORECASE)


def page(path: Path, title: str) -> str:
    """Return an executed notebook as HTML that a browser can show as it is.

    Formulas are MathML, so that no script has to set them. A browser is told by a content-security policy, too, to run
    and fetch nothing; pages that show this one put it into a frame that runs no scripts.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    import nbformat

    exporter = _exporter()
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(notebook)
    return _PAGE.format(policy=POLICY, title=escape(title), css=_css(), body=inert(body))


def inert(html: str) -> str:
    """Return HTML without anything that acts, fetches or leads away, and with its formulas set."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "html.parser")
    for element in soup.find_all(lambda tag: _GONE.fullmatch(tag.name) is not None):
        element.decompose()
    for element in soup.find_all(True):
        _disarm(element)
    for element in soup.select(".output_latex"):
        formula = BeautifulSoup(formulas.mixed(element.get_text().strip()), "html.parser")
        element.clear()
        element.append(formula)
    return str(soup)


def _disarm(element: Tag) -> None:
    for name in list(element.attrs):
        value = element.attrs[name]
        text = " ".join(value) if isinstance(value, list) else str(value)
        lowered = name.lower()
        if lowered in _ADDRESSES or lowered.startswith("on") or lowered in {"srcdoc", "autofocus", "target"}:
            del element.attrs[name]
            if lowered == "href" and element.name == "a" and not text.startswith("#"):
                element.attrs["title"] = text
        elif lowered == "src" and not (element.name == "img" and _PICTURE.match(text)):
            del element.attrs[name]
        elif lowered == "style":
            element.attrs[name] = _FETCHES.sub("", text)
    if element.name == "style" and element.string:
        element.string = _FETCHES.sub("", element.string)
    if element.name == "img" and "src" not in element.attrs:
        element.name = "span"
        element.string = f"[picture not shown: {element.attrs.get('alt') or 'it lies elsewhere'}]"
    if element.name in {"pre", "table"}:
        element.attrs["tabindex"] = "0"  # they scroll


def _exporter() -> Any:
    """Return nbconvert's exporter, which sets formulas and leaves no anchors."""
    from nbconvert.exporters.html import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """Sets formulas."""

        def block_math(self, body: str) -> str:
            return formulas.mathml(body, block=True)

        def inline_math(self, body: str) -> str:
            return formulas.mathml(body)

        def latex_environment(self, name: str, body: str) -> str:
            return formulas.mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def markdown(context: Any, source: str) -> str:
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
        return MarkdownWithMath(renderer=renderer).render(source)

    from jinja2 import pass_context

    exporter = HTMLExporter(template_name="basic", exclude_anchor_links=True)  # type: ignore[no-untyped-call]
    exporter.log.setLevel("ERROR")
    exporter.register_filter("markdown2html", pass_context(markdown))  # type: ignore[no-untyped-call]
    return exporter


def _css() -> str:
    return (resources("pytest_nbrepro.reports") / "templates" / "notebook.css").read_text("utf-8")


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{css}</style></head>
<body><main>
{body}
</main></body></html>
"""
