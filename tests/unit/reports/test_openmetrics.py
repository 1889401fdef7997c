"""Metrics in OpenMetrics' text format."""

from __future__ import annotations

import math
import re

from pytest_nbrepro.reports.openmetrics import text

LINE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)+)\} (NaN|[+-]Inf|[-+.\de]+)')


def test_every_metric_and_what_it_used(cases, make_report):
    check, case = cases
    told = text(
        make_report(
            case(
                check("loss", "drift", 3.5),
                check("flag", "equal", 0.0),
                check('odd"\\\n', "drift", math.inf),
                metrics={"loss": 2.5, "flag": True, 'odd"\\\n': math.nan},
                before={"loss": 2.0, "flag": True, 'odd"\\\n': 1.0},
            )
        )
    )
    *lines, end = told.splitlines()
    assert end == "# EOF"
    values = {}
    for line in lines:
        if not line.startswith("# "):
            match = LINE.fullmatch(line)
            assert match, line
            values[match[1], match[2]] = match[3]
    where = 'case="a.ipynb::default"'
    assert values["nbrepro_metric", f'{where},metric="loss"'] == "2.5"
    assert values["nbrepro_metric", f'{where},metric="flag"'] == "1.0"
    assert values["nbrepro_metric", f'{where},metric="odd\\"\\\\\\n"'] == "NaN"
    assert values["nbrepro_used", f'{where},kind="metric",check="loss"'] == "3.5"
    assert values["nbrepro_used", f'{where},kind="metric",check="odd\\"\\\\\\n"'] == "+Inf"
    assert values["nbrepro_case_ok", where] == "0"


def test_integers_beyond_doubles(cases, make_report):
    check, case = cases
    told = text(make_report(case(check("n"), metrics={"n": -(10**400)}, before={"n": 1})))
    assert 'metric="n"} -Inf' in told


def test_nothing_ran(make_report):
    assert text(make_report()).splitlines()[-1] == "# EOF"
