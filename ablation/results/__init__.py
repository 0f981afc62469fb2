"""Results: the store of trials, its records and their export."""

STORE_NAME = "results.sqlite"
"""The file of a sweep's results, in its folder."""
