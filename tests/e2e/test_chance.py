"""What a kernel sees of chance, with the libraries that people use."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.e2e

IMPORTS = """
import os, random, tempfile, uuid
import matplotlib.pyplot as plt, numpy as np, pandas as pd, polars as pl, scipy.stats
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
"""
CELLS = {
    IMPORTS: [],
    "plt.plot([1, 2]); plt.show()": [],
    "tempfile.mkdtemp(); pd.DataFrame({'a': [1, 2]}).style": [],
    "SGDClassifier(random_state=3).fit(x, y)": [],
    "pl.DataFrame({'a': [1, 2]})": [],
    "np.random.default_rng(3).random(), np.random.RandomState(3).rand(), random.Random(3).random()": [],
    "train_test_split(x, y)": ["numpy"],
    "pd.DataFrame({'a': [1, 2]}).sample(1)": ["numpy"],
    "scipy.stats.norm.rvs()": ["numpy"],
    "random.shuffle([1, 2])": ["random"],
    "np.random.default_rng().random()": ["fresh numpy"],
    "random.Random().random()": ["fresh random"],
    "str(uuid.uuid4())": ["uuid"],
    "len(os.urandom(3))": ["entropy"],
    "for name in os.listdir(): pass": ["listing"],
    "random.seed(3); np.random.seed(3)": [],
    "train_test_split(x, y), random.random(), np.random.rand()": [],
}


def test_draws_are_seen_in_their_cells_and_nothing_else_is_accused(bench):
    done = bench.run(*CELLS)
    assert done.error is None
    found = {number: [] for number in range(len(CELLS))}
    for seen in done.seen:
        found[seen.cell].append(seen.kind)
    assert dict(zip(CELLS, found.values(), strict=True)) == CELLS


def test_a_seed_of_the_annotation_is_a_seed(bench):
    cells = ("import random, numpy as np", "random.random(), np.random.rand()", "np.random.default_rng()")
    done = bench.run(*cells, seed=7)
    assert [(seen.kind, seen.cell) for seen in done.seen] == [("fresh numpy", 2)]
