"""Results: the store of trials, its records and their export."""
