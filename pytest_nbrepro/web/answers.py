"""What a page function takes and gives; it knows nothing of the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_nbrepro.web.viewer import Viewer

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
NOTHING_RUNS = "default-src 'none'; sandbox"  # of what runs wrote: no script, no request, no form


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    body: str | Path = ""  # a text, or a file that is sent as it is
    kind: str = HTML
    status: int = 200
    policy: str = NOTHING_RUNS  # content-security policy
    saved: str = ""  # the name under which a browser saves it
    location: str = ""  # where a browser shall go instead


@dataclass(frozen=True)
class Query:
    """What was asked for: the values of an address or a form."""

    values: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str:
        """Return the last value of a name; "" where there is none."""
        values = self.values.get(name, ())
        return values[-1].strip() if values else ""

    def many(self, name: str) -> list[str]:
        """Return all values of a name."""
        return list(self.values.get(name, ()))


Page = Callable[["Viewer", Query, str], Answer]
"""Called in a thread of its own with the viewer, what was asked for, and the rest of the address."""
