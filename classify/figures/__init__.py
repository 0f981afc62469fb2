"""Figures of the results of a run, drawn with matplotlib."""
