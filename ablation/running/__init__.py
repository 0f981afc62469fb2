"""Trials on an engine: handed out, trained, kept going through every kind of end."""
