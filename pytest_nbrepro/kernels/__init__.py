"""Kernels: which one, how it starts, what it is asked, and how surely it ends."""
