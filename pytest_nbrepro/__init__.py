"""Reproducibility checks for notebooks, as pytest tests."""

__version__ = "0.1.0"
