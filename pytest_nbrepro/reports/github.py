"""What GitHub shows of a session: annotations on the files of a pull request.

See https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MOST = 10  # errors that GitHub takes of one step


def commands(records: Iterable[Mapping[str, Any]], prefix: str = "") -> Iterator[str]:
    """Yield a command for each case that fails, the first of which GitHub shows.

    Args:
        records: of cases, the worst first.
        prefix: what lies between the root of the repository and that of the project, with a slash at its end.
    """
    for record in [record for record in records if not record["ok"]][:MOST]:
        file = _property(f"{prefix}{record['notebook']}")
        why = f"; {record['why']['cause']}: {record['why']['text']}" if record["why"] else ""
        yield f"::error file={file},title={_property(record['case'])}::{_data(record['line'] + why)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
