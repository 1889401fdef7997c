"""LaTeX formulas as MathML, which browsers set without a script or a font from elsewhere."""

from __future__ import annotations

import re
from html import escape, unescape
from xml.etree.ElementTree import Element, tostring

_MATH = re.compile(
    r"\$\$(?P<double>.+?)\$\$|\\\[(?P<bracket>.+?)\\\]|\$(?P<single>[^$]+?)\$|\\\((?P<round>.+?)\\\)"
    r"|(?P<environment>\\begin\{(?P<name>[a-z]+\*?)\}.*?\\end\{(?P=name)\})",
    re.DOTALL,
)
_LONGEST = 20_000  # characters of a formula that is set
_BLOCKS = {"double", "bracket", "environment"}


def mathml(source: str, *, block: bool = False) -> str:
    """Return a formula as MathML; one that cannot be set stays legible as its source."""
    from latex2mathml import converter

    display, text = "block" if block else "inline", source.strip()
    try:
        if len(text) <= _LONGEST:
            return _markup(converter.convert_to_element(text, display=display))
    except Exception as error:  # noqa: BLE001 - it raises what it likes on what it does not know
        why = f"cannot be set: {type(error).__name__}"
    else:
        why = "too long to be set"
    return f'<code class="formula {display}" title="{why}">{escape(text)}</code>'


def _markup(element: Element) -> str:
    """Return an element as text; the converter's own way lets through what looks like markup in a formula."""
    for part in element.iter():
        part.text = unescape(part.text) if part.text else part.text  # it writes symbols as references
    return tostring(element, encoding="unicode")


def mixed(text: str) -> str:
    """Return text with formulas in it as HTML; without any mark it is one formula."""
    found = list(_MATH.finditer(text))
    if not found:
        return mathml(text, block=True)
    out, end = [], 0
    for match in found:
        out.append(escape(text[end : match.start()]))
        kind = next(name for name in ("double", "bracket", "single", "round", "environment") if match[name])
        out.append(mathml(match[kind], block=kind in _BLOCKS))
        end = match.end()
    return "".join([*out, escape(text[end:])])
