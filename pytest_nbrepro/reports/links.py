"""Addresses in a terminal's text that can be clicked (OSC 8), where the terminal is known to have them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PROGRAMS = {"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "WarpTerminal", "rio"}
_MARKS = ("KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID", "DOMTERM")
_VTE = 5000  # the first version of the terminals of GNOME and others that has them: 0.50


def has_links(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Tell whether what reads our text makes links of OSC 8.

    Terminals do not say so themselves; those that show the marks for text are no place to try it. FORCE_HYPERLINK decides
    where it is set.

    Args:
        environ: the environment.
        terminal: whether text goes to a terminal that takes marks at all.
    """
    forced = environ.get("FORCE_HYPERLINK")
    if forced is not None:
        return forced not in {"", "0"}
    if not terminal or environ.get("TERM") == "dumb" or environ.get("CI"):
        return False
    version = environ.get("VTE_VERSION", "")
    modern = version.isascii() and version.isdigit() and int(version) >= _VTE
    known = environ.get("TERM_PROGRAM") in _PROGRAMS or any(environ.get(mark) for mark in _MARKS)
    return modern or known or environ.get("TERM") in {"xterm-kitty", "alacritty", "foot", "xterm-ghostty"}


def link(text: str, address: str) -> str:
    """Return text that leads to an address."""
    safe = re.sub(r"[^!-~]", "", address)
    return f"\033]8;;{safe}\033\\{text}\033]8;;\033\\"
