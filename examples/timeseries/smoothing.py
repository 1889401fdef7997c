"""Smoothing of daily series: what timeseries.ipynb would rather not spell out."""

import numpy as np
import pandas as pd


def fill_gaps(series: pd.Series, longest: int) -> pd.Series:
    """Return the series with gaps of at most `longest` days drawn through in a straight line.

    Raises:
        ValueError: A gap is longer, or lies at an end, where there is nothing to draw to.
    """
    missing = series.isna()
    lengths = missing.groupby((~missing).cumsum()).sum()
    if lengths.max() > longest:
        raise ValueError(f"a gap of {lengths.max()} days; at most {longest} are filled")
    if missing.iloc[0] or missing.iloc[-1]:
        raise ValueError("a gap at an end of the series")
    return series.interpolate("time")


def smooth(series: pd.Series, window: int) -> pd.Series:
    """Return the centred mean of `window` days, an odd number, weighted by a triangle; at the ends, of the days there are."""
    weights = np.bartlett(window + 2)[1:-1]
    total = np.convolve(series, weights, mode="same")
    return pd.Series(total / np.convolve(np.ones(len(series)), weights, mode="same"), series.index)
