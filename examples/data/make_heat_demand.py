"""Write heat_demand.csv, the invented data of timeseries.ipynb: `python make_heat_demand.py`.

Three years of a small town's district heating, one row a day. The README beside this file has the formulas.
"""

from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20240229
OUTAGES = [
    (17, 1),
    (143, 1),
    (301, 4),
    (388, 1),
    (402, 1),
    (615, 2),
    (799, 1),
    (911, 3),
    (1040, 1),
]  # (day, length)


def weather(days: int, rng: np.random.Generator) -> np.ndarray:
    """Return a deviation from the season in °C that remembers 80 % of the day before."""
    deviation = np.empty(days)
    deviation[0] = 0.0
    for day, push in enumerate(rng.normal(0.0, 2.0, days - 1), start=1):
        deviation[day] = 0.8 * deviation[day - 1] + push
    return deviation


def make() -> pd.DataFrame:
    """Return the table: date, temperature_c in °C, demand_mwh in MWh a day, empty where the meter was out."""
    rng = np.random.default_rng(SEED)
    dates = pd.date_range("2021-01-01", "2023-12-31", name="date")
    years = np.arange(len(dates)) / 365.25
    season = 9.5 - 10.5 * np.cos(2 * np.pi * (years - 20 / 365.25))
    temperature = (season + weather(len(dates), rng)).round(1)
    degrees = np.clip(15.0 - temperature, 0.0, None)
    weekday = np.where(dates.day_of_week < 5, 1.0, 0.94)
    demand = weekday * (42.0 + 11.5 * (1 - 0.04 * years) * degrees) + rng.normal(0.0, 6.0, len(dates))
    demand = np.clip(demand, 0.0, None).round(1)
    for day, length in OUTAGES:
        demand[day : day + length] = np.nan
    return pd.DataFrame({"temperature_c": temperature, "demand_mwh": demand}, index=dates)


if __name__ == "__main__":
    make().to_csv(Path(__file__).with_name("heat_demand.csv"), lineterminator="\n")
