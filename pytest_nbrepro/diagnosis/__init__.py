"""Why a run differs from its baseline, from the evidence that both recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_nbrepro.diagnosis.blame import culprits
from pytest_nbrepro.diagnosis.evidence import gather
from pytest_nbrepro.model import Evidence, Run, Why
from pytest_nbrepro.notebook import Notebook

_WORDS = {"CODE": "source", "FLAGS": "flags", "DATA": "inputs", "ENVIRONMENT": "environment"}


def explain(
    run: Run,
    executed: Notebook,
    environment: Mapping[str, Any],
    accepted: Notebook,
    before: Mapping[str, Any],
) -> Why:
    """Compare source, flags, inputs and environment of a run with those of its baseline.

    Args:
        run: the run.
        executed: its executed copy.
        environment: its environment record (see `environment.record`), with its flags.
        accepted: the baseline's executed copy.
        before: the baseline's environment record, with its flags.
    """
    return concluded(gather(run, executed, environment, accepted, before))


def explain_failure(
    run: Run,
    executed: Notebook,
    environment: Mapping[str, Any],
    accepted: Notebook,
    before: Mapping[str, Any],
) -> Why | None:
    """Say what changed since the baseline where a run failed; None where nothing did that is known.

    Of distributions only those are told that the error is about, and of inputs those that were read: a run that ended
    early did not come to the others.
    """
    found = [
        one for one in gather(run, executed, environment, accepted, before) if one.cause in {"CODE", "FLAGS"}
    ]
    old, new = before.get("inputs") or {}, environment.get("inputs") or {}
    inputs = ", ".join(f"{name} changed" for name in old if name in new and old[name] != new[name])
    guilty = culprits(run.error, environment, before) if run.error else ""
    told = {"DATA": inputs, "ENVIRONMENT": guilty}
    found += [Evidence(cause, "changed", text) for cause, text in told.items() if text]
    return concluded(found) if any(one.state == "changed" for one in found) else None


def concluded(evidence: Sequence[Evidence], told_by: str = "") -> Why:
    """Name the cause that the evidence leaves.

    Args:
        evidence: what is known of each possible cause.
        told_by: what running something again told.
    """
    changed = [one for one in evidence if one.state == "changed"]
    again = [one.text for one in evidence if one.cause == "CHANCE" and one.state == "same"]
    told = [*_standing(evidence), *(one.text for one in evidence if one.state == "cleared")]
    if not changed:
        told.append("it is something that is not recorded" if again else _UNKNOWN)
    elif len(changed) == 1:
        told.append(changed[0].text)
    else:
        told.append(f"{_listed([one.cause for one in changed])} changed")
    cause = "UNKNOWN" if not changed else changed[0].cause if len(changed) == 1 else "SEVERAL"
    return Why(cause, "; ".join(filter(None, (*told, *again, told_by))), tuple(evidence))


_UNKNOWN = "it is chance, or something that is not recorded"


def _standing(evidence: Sequence[Evidence]) -> list[str]:
    """Say what stayed the same and what is not known."""
    told = []
    for state, word in (("same", "same"), ("unknown", "not recorded")):
        names = [_WORDS[one.cause] for one in evidence if one.state == state and one.cause in _WORDS]
        if names:
            told.append(f"{', '.join(names)} {word}")
    return told


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def with_chance(why: Why, text: str) -> Why:
    """Add that a second run differs from the first; what changed besides stays a possible cause."""
    return concluded([*why.evidence, Evidence("CHANCE", "changed", text)])


def with_repeat(why: Why, again: str) -> Why:
    """Add what a second run that agrees with the first came to."""
    return concluded([*why.evidence, Evidence("CHANCE", "same", again)])


def parted(why: Why, guilty: Sequence[str], told: str) -> Why:
    """Leave of the causes that changed those that were shown to matter.

    Args:
        why: the evidence so far.
        guilty: the causes that matter; of the others the change is told, and that it does not.
        told: how that was found out.
    """
    found = []
    for one in why.evidence:
        cleared = one.state == "changed" and one.cause not in guilty
        text = f"{one.text} (does not matter)"
        found.append(replace(one, state="cleared", text=text) if cleared else one)
    return concluded(found, told)
