"""What the noise in one thing is: nothing, rounding, threads, the seed, or chance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_nbrepro.calibration.spreads import Groups, Spread, Thing
from pytest_nbrepro.comparers.gaps import Gap
from pytest_nbrepro.comparers.images import SAFE_TILE

BORDER = 10.0
"""Rounding noise is at most so many times the default limit: 1e-5 of a value born float64.

The default limits are what rounding noise of a type may be. Chance that is as small would be the mean of 10^10
independent draws, since it falls by the square root of their number; and where a seed is all that it takes to make
runs agree, it is chance whatever its size.
"""
ZERO = {"float64": 1e-12, "float32": 1e-6, "float16": 1e-3}
"""Values no larger are zero up to rounding, if they differ by more than rounding noise: some thousand units in the
last place of 1, and a few for short types."""
DOUBT = 0.01  # the chance that runs with one seed agree by luck, above which nothing is concluded from it
_RARE = 0.2  # the same for the two runs with one thread


class Noise(StrEnum):
    """What makes runs of an unchanged notebook differ."""

    NONE = "bit-identical"
    ROUNDING = "rounding noise"
    THREADS = "thread noise"
    SEED = "seed noise"
    CHANCE = "chance"


@dataclass(frozen=True)
class Nature:
    """What the runs say of one thing."""

    noise: Noise
    spread: Spread  # of the runs that show it
    alike: Spread  # of the runs that agree but for rounding and threads
    moved: Spread | None = None  # of runs with other seeds, where it is these that move it
    seeded: bool = False  # it is one seed that makes the runs agree
    luck: float = 0.0  # the chance that they agree by luck
    calm: bool = False  # runs as they are differ, those with one thread agree


def small(thing: Thing, spread: Spread) -> bool:
    """Tell whether the runs of a group differ by no more than rounding noise may."""
    return all(gap.equal or rounding(gap) or zero(thing, gap) or _fringe(gap) for gap in spread.gaps())


def rounding(gap: Gap) -> bool:
    """Tell whether a gap is rounding noise in proportion to the values."""
    return not gap.what and not gap.tile and gap.default <= BORDER


def zero(thing: Thing, gap: Gap) -> bool:
    """Tell whether a gap is one between values that are zero up to rounding."""
    return not gap.what and not gap.tile and gap.abs <= 2 * ZERO.get(thing.dtype, ZERO["float64"])


def _fringe(gap: Gap) -> bool:
    """Tell whether a gap is one of pictures that no change worth a look would make."""
    return not gap.what and 0 < gap.tile <= SAFE_TILE


def examine(thing: Thing, groups: Groups) -> Nature:
    """Tell what the noise in one thing is.

    Where one seed makes runs agree that differ without it, it is chance; else small differences are rounding, and
    the work of threads where they are gone with one thread.
    """
    plain, seeds = Spread(thing, groups.plain), Spread(thing, groups.seeds)
    chance, moved = (spread.varies and not small(thing, spread) for spread in (plain, seeds))
    settled, luck = _settled(thing, groups, plain, seeds, large=chance or moved)
    if settled and (chance or moved or luck <= DOUBT):
        alike = Spread(thing, [*groups.same, *(groups.threads if groups.seeded else ())])
        noise = Noise.CHANCE if plain.varies else Noise.SEED
        return Nature(noise, plain if plain.varies else seeds, alike, seeds, seeded=True, luck=luck)
    if chance or (moved and groups.same):
        return Nature(Noise.CHANCE, plain if chance else seeds, Spread(thing, ()))
    alike = Spread(thing, [*groups.plain, *groups.threads])
    if moved:
        return Nature(Noise.SEED, seeds, alike, seeds)
    return _by_rounding(thing, groups, plain, alike)


def undecided(thing: Thing, groups: Groups) -> bool:
    """Tell whether one more run with the same seed could still tell more."""
    plain, seeds, same = (Spread(thing, runs) for runs in (groups.plain, groups.seeds, groups.same))
    if not plain.varies and not seeds.varies:
        return False
    if same.varies:
        return small(thing, same) and not (small(thing, plain) and small(thing, seeds))
    return _luck(thing, groups) > DOUBT


def _settled(
    thing: Thing, groups: Groups, plain: Spread, seeds: Spread, *, large: bool
) -> tuple[bool, float]:
    """Tell whether one seed makes runs agree, but for rounding, and the chance that this is luck."""
    same = Spread(thing, groups.same)
    if not groups.same or not (plain.varies or seeds.varies):
        return False, 0.0
    if same.varies:
        return large and small(thing, same), 0.0
    return True, _luck(thing, groups)


def _luck(thing: Thing, groups: Groups) -> float:
    """Return the chance that runs with one seed would agree as they do if the seed meant nothing.

    How often two runs agree by luck is told from all that had different seeds, by the rule of succession: that none
    of a few pairs agree does not make it impossible.
    """
    gaps = [gap.equal for gap in Spread(thing, [*groups.plain, *groups.seeds]).gaps()]
    return float(((sum(gaps) + 1) / (len(gaps) + 2)) ** (len(groups.same) - 1))


def _by_rounding(thing: Thing, groups: Groups, plain: Spread, alike: Spread) -> Nature:
    if not alike.varies:
        return Nature(Noise.NONE, alike, alike)
    calm = plain.varies and bool(groups.threads) and not Spread(thing, groups.threads).varies
    if not plain.varies or (calm and plain.luck <= _RARE):
        return Nature(Noise.THREADS, alike, alike, calm=calm)
    return Nature(Noise.ROUNDING, alike, alike)
