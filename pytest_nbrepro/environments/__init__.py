"""Environments of the past, built again.

`pins` is what they hold, `building` how they are made, `narrowing` which of the changes between two of them matters.
"""
