"""A starting annotation, composed from what one run gave."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_nbrepro.cli import output
from pytest_nbrepro.flags import Flag, Flags
from pytest_nbrepro.model import Artifact, Metric, Run, Spec
from pytest_nbrepro.notebook import Notebook
from pytest_nbrepro.reports import words
from pytest_nbrepro.verdict import is_set_aside, rule_for

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[./-][A-Za-z0-9_]+)*")
_WORDS = frozenset(
    {"null", "true", "false", "y", "n", "yes", "no", "on", "off"}
)  # of YAML 1.1, too: editors know it
_LIMITS = {"float64": "{rel: 1e-6}", "float32": "{rel: 1e-5}", "float16": "{}", "int": "{}", "bool": "{}"}
_NEVER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_LONGEST = 1000  # characters of a key
_LONG = 60  # characters of a value in a comment
_PATIENCE = 10  # a time limit is so many times what the run took, …
_LEAST = 60  # … but at least so many seconds


def compose(executed: Notebook, run: Run, flags: Flags, said: Spec) -> str:
    """Return the text of an annotation that says what a run found; it changes nothing of how that is judged.

    Args:
        executed: the executed copy.
        run: a complete run.
        flags: the flags of the notebook.
        said: what other places say; names that have a rule there are left out.
    """
    metrics = {
        name: metric
        for name, metric in sorted(run.metrics.items())
        if rule_for(name, said.metrics) is None and _fits(name)
    }
    artifacts = {
        name: artifact
        for name, artifact in sorted(run.artifacts.items())
        if rule_for(name, said.artifacts) is None and _fits(name)
    }
    blocks = [
        [
            f"# Made by `nbrepro init` from one run of {_comment(run.notebook)}: all of it may be changed or left out."
        ],
        list(_flags(executed, flags)),
        list(_metrics(executed, metrics)) if metrics or not run.metrics else [],
        list(_artifacts(executed, artifacts)),
        _timeout(run.duration or 0.0),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _fits(name: str) -> bool:
    """Tell whether a name can be a key: annotations have no blank ones, and YAML ends them at 1,024 characters."""
    return bool(name.strip()) and len(key(name)) <= _LONGEST


def _flags(executed: Notebook, flags: Flags) -> Iterator[str]:
    values = {name: text for name, flag in flags.found.items() if (text := _value_of(flag)) is not None}
    if values:
        yield "# Flags, as the notebook has them. A value under `flags` holds in every case; each one under `matrix`"
        yield "# makes a case of its own."
        yield "# flags:"
        yield from (f"#   {key(name)}: {text}" for name, text in values.items())
        name, text = next(iter(values.items()))
        yield "# matrix:"
        yield f"#   {key(name)}: [{text}]"
    for name, cells in flags.ambiguous.items():
        places = " and ".join(dict.fromkeys(executed.label(cell) for cell in cells))
        yield f"# {name} is no flag: it is assigned several times, in {_comment(places)}. The tag `parameters` on the"
        yield "# cell that counts makes it one."


def _value_of(flag: Flag) -> str | None:
    """Return a flag's value in YAML; None where it has none."""
    try:
        return value(flag.value) if flag.known else None
    except ValueError:
        return None


def _metrics(executed: Notebook, metrics: Mapping[str, Metric]) -> Iterator[str]:
    if not metrics:
        yield "# No metrics were found: print them as `loss: 0.25`, or tag a cell `metrics` that ends in a mapping."
        return
    yield "# Metrics: whole numbers are exact. Also: abs, ulp, min, max, better: higher, of: 450 with flips: 2, ignore."
    yield "metrics:"
    timed = {name for name, metric in metrics.items() if is_set_aside(name, metric, ())}
    entries = [
        f"  {'# ' * (name in timed)}{key(name)}: {_LIMITS.get(metric.dtype, '{}')}"
        for name, metric in metrics.items()
    ]
    notes = [
        _joined(
            output.number(metric),
            _place(executed, metric.cell),
            f"last of {len(metric.steps)}" * bool(metric.steps),
            "a timing by its name: not compared without a rule" * (name in timed),
        )
        for name, metric in metrics.items()
    ]
    yield from _annotated(entries, notes)


def _artifacts(executed: Notebook, artifacts: Mapping[str, Artifact]) -> Iterator[str]:
    if not artifacts:
        return
    yield "# Files and figures. By kind, also: key: [id] and order: any for tables, tile: 2% for images, numbers: {rel: 1e-6}"
    yield "# for text; columns for tables, arrays and JSON; ignore."
    yield "artifacts:"
    entries = [f"  {key(name)}: {{}}" for name in artifacts]
    notes = [
        _joined(artifact.kind, words.size(artifact.bytes), _place(executed, artifact.cell))
        for _, artifact in artifacts.items()
    ]
    yield from _annotated(entries, notes)


def _timeout(duration: float) -> list[str]:
    limit = max(_LEAST, math.ceil(duration * _PATIENCE / _LEAST) * _LEAST)
    return [f"# timeout: {limit}  # seconds; this run took {words.seconds(duration)}"]


def _annotated(entries: Sequence[str], notes: Sequence[str]) -> Iterator[str]:
    """Yield entries with their comments in one column."""
    width = min(max(map(len, entries)), _LONG)
    yield from (f"{entry:<{width}}  # {_comment(note)}" for entry, note in zip(entries, notes, strict=True))


def _place(executed: Notebook, cell: int | None) -> str:
    return executed.label(cell) if cell is not None else ""


def _joined(*facts: str) -> str:
    return ", ".join(fact for fact in facts if fact)


def _comment(text: str) -> str:
    """Return a text in one line that a comment may hold."""
    line = _NEVER.sub(" ", text)
    return line if len(line) <= 2 * _LONG else f"{line[: 2 * _LONG - 1]}…"


# ---------------------------------------------------------------------------------------------------
# YAML


def key(name: str) -> str:
    """Return a name as a YAML key, quoted where readers could take it for something else."""
    return name if _PLAIN.fullmatch(name) and name.lower() not in _WORDS else _quoted(name)


def value(flag: Any) -> str:
    """Return a flag's value in YAML 1.2, in one line; tuples become lists.

    Raises:
        ValueError: YAML has no word for it.
    """
    if flag is None or isinstance(flag, bool):
        return json.dumps(flag)
    if isinstance(flag, int):
        return str(flag)
    if isinstance(flag, float):
        return _float(flag)
    if isinstance(flag, str):
        return _quoted(flag)
    if isinstance(flag, (list, tuple)):
        return f"[{', '.join(map(value, flag))}]"
    if isinstance(flag, dict):
        return f"{{{', '.join(f'{value(k)}: {value(v)}' for k, v in flag.items())}}}"
    raise ValueError(f"YAML has no word for {flag!r}")


def _float(number: float) -> str:
    if math.isfinite(number):
        return repr(number)
    return ".nan" if math.isnan(number) else ".inf" if number > 0 else "-.inf"


def _quoted(text: str) -> str:
    """Return a text in double quotes; JSON's escapes are YAML's, but for those of what YAML must not hold."""
    return _NEVER.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
