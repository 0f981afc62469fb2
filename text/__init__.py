"""YAML and JSON as plain values with their positions, and written back; text for other formats."""
