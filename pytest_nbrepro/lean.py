"""For processes of our own: libraries that others import where they find them, and that we never need."""

from __future__ import annotations

import sys

# jsonschema, which nbformat imports, takes them for formats that no notebook has: the first builds 35 parsers when it
# is imported, ten times the time of all else that a run needs, the second stands in for it with patterns, the third brings
# a calendar
_UNUSED = ("rfc3987_syntax", "rfc3986_validator", "isoduration")


def shed() -> None:
    """Keep these libraries from being imported; never where a user's own code runs, such as pytest's process."""
    for name in _UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # what the import system takes for "is not there"
