"""What is found of a case: the noise in each thing, and what is to be done about it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_nbrepro.calibration import shares
from pytest_nbrepro.calibration.natures import DOUBT, Nature, Noise, examine
from pytest_nbrepro.calibration.proposals import Limit, Proposal, flips_for, limit_for, merged
from pytest_nbrepro.calibration.spreads import SEED, Groups, Thing
from pytest_nbrepro.comparers import intervals
from pytest_nbrepro.comparers.student import multiplier, quantile
from pytest_nbrepro.model import FEWEST_RUNS, Spec

_WIDTH = 1.6  # how many times as wide as one of any number of runs the interval of a baseline may be
_LARGE = 10**7  # degrees of freedom of the latter
_MOST = 1000  # runs of a baseline

Natures = Sequence[tuple[Thing, Nature]]


@dataclass(frozen=True)
class Finding:
    """What is found of one thing.

    `rel` and `abs` are the largest relative and absolute differences between the runs that show the noise,
    `deviation` their standard deviation in the unit of the value; infinite where no number tells it.
    """

    kind: str
    name: str
    noise: Noise
    rel: float = 0.0
    abs: float = 0.0
    deviation: float = 0.0
    tile: float = 0.0  # pictures: share of the worst tile that differs
    blur: float | None = None  # a change of the metric below it cannot be told from the luck of the seed
    proposal: Proposal | None = None
    notes: tuple[str, ...] = ()
    open: bool = False  # it differs, and nothing that is proposed mends that


@dataclass(frozen=True)
class Calibration:
    """What is found of a case."""

    findings: tuple[Finding, ...]
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class _Remedy:
    """What is done about chance in a case."""

    spec: Spec
    seed: bool = False
    runs: int = 1  # that a baseline rests on then
    flips: Mapping[str, Proposal] = field(default_factory=dict)  # by metric

    def mends(self, thing: Thing, nature: Nature) -> bool:
        """Tell whether chance in a thing does no harm any more."""
        if nature.seeded and self.seed:
            return True
        return thing.kind == "metric" and not thing.series and (self.runs > 1 or thing.name in self.flips)

    def proposals(self) -> Iterator[Proposal]:
        """Yield what is proposed for the case as a whole."""
        if self.seed:
            yield Proposal(("seed",), SEED)
        if self.runs != self.spec.runs:
            yield Proposal(("runs",), self.runs)


def calibrate(things: Sequence[Thing], groups: Groups, spec: Spec) -> Calibration:
    """Tell what the noise in each thing is, and what the annotation should say.

    Args:
        things: all that the case is judged by.
        groups: which run was made in which way.
        spec: what the annotation says now.
    """
    natures = [(thing, examine(thing, groups)) for thing in things]
    remedy = _remedy(natures, spec)
    findings = tuple(_finding(thing, nature, remedy) for thing, nature in natures)
    own = [finding.proposal for finding in findings if finding.proposal is not None]
    return Calibration(findings, merged([*remedy.proposals(), *own]))


def _remedy(natures: Natures, spec: Spec) -> _Remedy:
    """Return what is done about chance: a seed where one is enough, else counts where all are, else several runs.

    Metrics of a statistical baseline may vary, and ask for no seed.
    """
    statistical = spec.runs > 1
    seed = spec.seed is None and any(
        nature.seeded and not (statistical and thing.kind == "metric") for thing, nature in natures
    )
    left = [
        (thing, nature)
        for thing, nature in natures
        if thing.kind == "metric" and nature.noise is Noise.CHANCE and not (nature.seeded and seed)
    ]
    single = [(thing, nature) for thing, nature in left if not thing.series]
    if statistical or not single:
        return _Remedy(spec, seed, spec.runs)
    flips = {thing.name: _flips(thing, nature) for thing, nature in single}
    known = {name: proposal for name, proposal in flips.items() if proposal is not None}
    if len(known) == len(flips):
        return _Remedy(spec, seed, 1, known)
    return _Remedy(spec, seed, needed_runs(len(single)))


def _flips(thing: Thing, nature: Nature) -> Proposal | None:
    of = thing.of or shares.counted(thing.values)
    return (
        flips_for(thing, of, nature.spread)
        if of is not None and math.isfinite(nature.spread.most("abs"))
        else None
    )


def needed_runs(metrics: int) -> int:
    """Return of how many runs a statistical baseline should be, for so many metrics that vary.

    So many that the interval is at most 1.6 times as wide as any number of runs could make it: 10 for one metric.
    """
    alpha = intervals.share(metrics)
    narrowest = quantile(alpha, _LARGE)
    wanted = range(FEWEST_RUNS, _MOST)
    return next(n for n in wanted if multiplier(n, alpha) <= _WIDTH * narrowest)


def _finding(thing: Thing, nature: Nature, remedy: _Remedy) -> Finding:
    spread, statistical = nature.spread, thing.kind == "metric" and remedy.runs > 1
    limit = Limit() if statistical else limit_for(thing, nature.alike)
    stuck = nature.noise is Noise.CHANCE and not remedy.mends(thing, nature)
    moved = nature.moved if thing.kind == "metric" and not thing.series else None
    blur = moved.blur() if moved is not None else math.inf
    return Finding(
        kind=thing.kind,
        name=thing.name,
        noise=nature.noise,
        rel=spread.most("rel"),
        abs=spread.most("abs"),
        deviation=spread.deviation("abs"),
        tile=spread.most("tile"),
        blur=blur if 0 < blur < math.inf else None,
        proposal=remedy.flips.get(thing.name, limit.proposal) if thing.kind == "metric" else limit.proposal,
        notes=tuple(filter(None, (spread.what, *_notes(thing, nature, remedy), limit.note))),
        open=stuck or limit.unmet,
    )


# ---------------------------------------------------------------------------------------------------
# Words


def _notes(thing: Thing, nature: Nature, remedy: _Remedy) -> Iterator[str]:
    """Yield what a person should know of chance, seeds and threads in a thing."""
    if nature.noise is Noise.CHANCE:
        yield from _of_chance(thing, nature, remedy)
    elif nature.noise is Noise.SEED:
        yield _with_seed(nature) if nature.seeded else "runs as they are agree, other seeds move it"
    elif nature.noise is Noise.THREADS:
        yield "with one thread all agree" if nature.calm else "runs as they are agree, one thread moves it"


def _of_chance(thing: Thing, nature: Nature, remedy: _Remedy) -> Iterator[str]:
    if nature.seeded and remedy.seed:
        yield _with_seed(nature)
        return
    if thing.kind != "metric":
        yield "differs, nothing tells how much: print what matters of it as a metric, or ignore it by hand"
        if remedy.runs > 1:
            yield f"a baseline of {remedy.runs} runs is refused as long as it differs"
        return
    if thing.series:
        yield "a series has no statistical baseline: seed it, or compare its last value alone"
        return
    if remedy.spec.runs > 1:
        yield f"the baseline of {remedy.runs} runs allows for it"
        return
    yield "one seed does not make runs agree"
    if thing.name in remedy.flips:
        return
    half = multiplier(remedy.runs, intervals.ALPHA) * nature.spread.deviation("abs")
    if math.isfinite(half):
        yield f"{remedy.runs} runs would predict it to about ±{half:.2g}"
    if nature.spread.luck:
        yield "it takes few values: if it is a share of n things, `of: n` judges it as a count"


def _with_seed(nature: Nature) -> str:
    told = "with one seed all runs agree"
    if nature.alike.varies:
        told += ", but for rounding"
    return told if nature.luck <= DOUBT else f"{told}, by luck with a chance of {100 * nature.luck:.0f} %"
