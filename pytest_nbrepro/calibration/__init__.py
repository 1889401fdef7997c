"""From the runs of a calibration to what they say of noise, and to what an annotation should say.

Pure: what differs between runs comes in as gaps, nothing is run or read here.
"""

from __future__ import annotations

from pytest_nbrepro.calibration.findings import Calibration, Finding, calibrate
from pytest_nbrepro.calibration.natures import Noise, examine, undecided
from pytest_nbrepro.calibration.proposals import Proposal, merged
from pytest_nbrepro.calibration.spreads import ALPHA, SEED, Groups, Spread, Thing

__all__ = [
    "ALPHA",
    "SEED",
    "Calibration",
    "Finding",
    "Groups",
    "Noise",
    "Proposal",
    "Spread",
    "Thing",
    "calibrate",
    "examine",
    "merged",
    "undecided",
]
