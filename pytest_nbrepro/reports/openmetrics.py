"""The metrics of a report in OpenMetrics' text format, which GitLab compares between branches."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pytest_nbrepro import files
from pytest_nbrepro.reports.pages import Report
from pytest_nbrepro.reports.words import double


def text(report: Report) -> str:
    """Return every metric of every case, and what it used of its limit."""
    values, used, ok = [], [], []
    for sheet in sorted(report.sheets, key=lambda sheet: sheet["record"]["case"]):
        record = sheet["record"]
        case = _quoted(record["case"])
        ok.append(f"nbrepro_case_ok{{case={case}}} {int(record['ok'])}")
        for name, sides in sorted(record["metrics"].items()):
            result = files.from_json(sides["result"])
            if result is not None:
                values.append(f"nbrepro_metric{{case={case},metric={_quoted(name)}}} {_number(result)}")
        for check in record["checks"]:
            share = files.from_json(check["used"])
            if share is not None:
                labels = f"case={case},kind={_quoted(check['kind'])},check={_quoted(check['name'])}"
                used.append(f"nbrepro_used{{{labels}}} {_number(share)}")
    return "\n".join(_families(values, used, ok)) + "\n"


def _families(values: list[str], used: list[str], ok: list[str]) -> Iterator[str]:
    for name, help_, lines in (
        ("nbrepro_metric", "what a notebook reported", values),
        ("nbrepro_used", "difference from the baseline, divided by its limit; at most 1 passes", used),
        ("nbrepro_case_ok", "whether a case reproduces", ok),
    ):
        yield f"# TYPE {name} gauge"
        yield f"# HELP {name} {help_}"
        yield from dict.fromkeys(lines)
    yield "# EOF"


def _quoted(label: str) -> str:
    text_ = label.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return f'"{text_}"'


def _number(value: float) -> str:
    number = double(value)
    if math.isnan(number):
        return "NaN"
    return ("+Inf" if number > 0 else "-Inf") if math.isinf(number) else repr(number)
