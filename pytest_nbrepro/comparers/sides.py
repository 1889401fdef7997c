"""What of two artifacts is compared: the data behind what cells show where both sides have them, else what is seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from pytest_nbrepro.model import Artifact

_WORDS = {".html": "HTML"}
AGAIN = "the baseline was accepted without data; accept it again (--nbrepro-update=all)"


@dataclass(frozen=True)
class Sides:
    """Two artifacts to compare, and what a report says of the choice; nothing where it is as ever."""

    baseline: Artifact
    result: Artifact
    note: str = ""
    error: str = ""  # why there is nothing that could be compared


def chosen(baseline: Artifact, result: Artifact) -> Sides:
    """Choose what of two artifacts is compared.

    Data are compared with data. Where one side has none because they could not be kept, or because it was accepted
    before they were, what is seen on both sides is compared, and said to be.
    """
    if result.shown is not None and baseline.shown is None and _seen_alike(baseline, result.shown.path):
        why = baseline.untaken and f"of the baseline, {baseline.untaken}"
        return Sides(baseline, _picture(result), _note(baseline, why or AGAIN))
    if result.untaken and _has_data(baseline):
        if baseline.shown is None:
            what = f"the data are not kept ({result.untaken}), and of the baseline nothing else is"
            return Sides(baseline, result, error=what)
        return Sides(_picture(baseline), result, _note(result, result.untaken))
    why = result.untaken or baseline.untaken
    return Sides(baseline, result, _note(result, why) if why else "")


def _has_data(artifact: Artifact) -> bool:
    return artifact.shown is not None or artifact.kind in {"table", "array", "figure"}


def _seen_alike(baseline: Artifact, path: str) -> bool:
    """Tell whether a baseline without data is a picture, as what is seen of the result is; the kernel names others."""
    return PurePosixPath(baseline.path).suffix == PurePosixPath(path).suffix


def _picture(artifact: Artifact) -> Artifact:
    """Return what is seen of an artifact; its kind and schema are those of the file."""
    assert artifact.shown is not None  # noqa: S101 - asked for before
    shown = artifact.shown
    return Artifact(artifact.name, "", shown.path, shown.sha256, shown.bytes, cell=artifact.cell)


def _note(seen: Artifact, why: str) -> str:
    word = _WORDS.get(PurePosixPath(seen.path).suffix, "picture")
    return f"by its {word}: {why}"
