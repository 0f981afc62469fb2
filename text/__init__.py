"""Reading YAML and JSON into plain values with their positions, and writing them back."""
