"""How many planted faults the checks find: `tox -e mutation`.

Mutants are planted in notebooks as the literature plants them (NBTest, arXiv 2509.13656: outliers, nulls, label noise,
leakage, changed hyperparameters, swapped metrics), one place at a time. Each is run and judged as `pytest --nbrepro`
would, and apart from that it is found out, without our comparers, whether it changed any result.
"""
