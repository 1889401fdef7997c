"""Parsers of SVG, XML and HTML that end, whatever they are given."""

from __future__ import annotations

import html
import re
from pathlib import Path
from xml.parsers import expat

from pytest_nbrepro.comparers.text import read
from pytest_nbrepro.comparers.trees import Builder, Document, Node
from pytest_nbrepro.errors import NbreproError, UndecodableError

_XML = frozenset({".gml", ".gpx", ".graphml", ".kml", ".rdf", ".svg", ".vtu", ".xhtml", ".xml"})
_DOCTYPE = re.compile(rb"<!DOCTYPE\s[^\[>]*>")
_EMPTY = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_EMPTY.split())

_MARKUP = re.compile(
    r"""
    <!--(?:>|->|.*?(?:--!?>|\Z))             # a comment, to the end of the file where it is not closed
  | <!\[CDATA\[(?P<data>.*?)(?:\]\]>|\Z)
  | <[!?][^>]*+>?+
  | </(?P<end>[a-zA-Z][^\s/>]*+)[^>]*+>?+
  | <(?P<start>[a-zA-Z][^\s/>]*+)(?P<attributes>(?:[^>"'=]|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+|["'])*+)>?+
  | (?P<text><?[^<]++|<)
    """,
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s/=][^\s/=]*+)(?:\s*+=\s*+(?P<value>"[^"]*+"?+|'[^']*+'?+|[^\s"'][^\s]*+)?+)?+"""
)
_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title")
}


def parse(path: Path, unsafe: type[NbreproError]) -> Document:
    """Read an SVG, XML or HTML file: by its suffix, else by how it begins.

    Raises:
        UndecodableError: it is no well-formed XML. Any text is some HTML.
        NbreproError: it declares entities or the like, which may expand without end; of type `unsafe`.
    """
    suffix = path.suffix.lower()
    if suffix not in {".html", ".htm"}:
        data = path.read_bytes()
        if suffix in _XML or data.lstrip().startswith((b"<?xml", b"<svg")):
            return Document("xml", _parse_xml(data, unsafe))
    reader = _HtmlReader()
    reader.read(read(path)[0])
    unclosed = tuple(node.name for node in reader.builder.node.lineage())
    return Document("html", reader.builder.finished(), unclosed[::-1])


def _parse_xml(data: bytes, unsafe: type[NbreproError]) -> Node:
    builder = Builder(collapse=False)

    def refuse(*_: object) -> None:
        raise unsafe(
            "it declares a document type of its own, whose entities may expand without end: not read"
        )

    # A document type may bring entities from elsewhere, which expat then drops without a word.
    data = _DOCTYPE.sub(lambda match: b"\n" * match[0].count(b"\n"), data, count=1)
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UndecodableError(f"broken XML: {error}") from error
    except (ValueError, LookupError) as error:  # an encoding that Python's expat does not know
        raise UndecodableError(f"XML in an unknown encoding: {error}") from error
    return builder.finished()


class _HtmlReader:
    """Reads HTML as it comes: an end tag closes the innermost open element of its name, if there is one."""

    def __init__(self) -> None:
        self.builder = Builder(collapse=True)
        self._open: dict[str, int] = {}

    def read(self, text: str) -> None:
        """Take in a document; each character is looked at a bounded number of times."""
        at = 0
        while match := _MARKUP.match(text, at):
            at, kind = match.end(), match.lastgroup
            if kind == "text":
                self.builder.text(html.unescape(match["text"]))
            elif at == len(text) and text[-1] != ">":
                self.builder.text(match[0])  # markup that the end of the file cuts off is shown as it is
            elif kind == "end":
                self._end(match["end"].lower())
            elif kind == "attributes":
                at = self._start(match["start"].lower(), match["attributes"], text, at)
            elif kind == "data":
                self.builder.text(match["data"])

    def _start(self, name: str, written: str, text: str, at: int) -> int:
        """Open an element; return where what follows it begins, behind the text of a script or the like."""
        attributes: dict[str, str] = {}
        for found in _ATTRIBUTE.finditer(written) if written else ():
            value = found["value"] or ""
            quote = value[:1] if value[:1] in {'"', "'"} else ""
            attributes.setdefault(
                found["name"].lower(), html.unescape(value.strip(quote) if quote else value)
            )
        self.builder.start(name, attributes)
        if name in _VOID or written.endswith("/"):
            self.builder.end()
            return at
        self._open[name] = self._open.get(name, 0) + 1
        if name not in _RAW:
            return at
        close = _RAW[name].search(text, at)
        end = close.start() if close else len(text)
        raw = text[at:end]
        self.builder.text(raw if name in {"script", "style"} else html.unescape(raw))
        return end

    def _end(self, name: str) -> None:
        if not self._open.get(name):
            return
        closed = ""
        while closed != name:
            closed = self.builder.node.name
            self._open[closed] -= 1
            self.builder.end()
