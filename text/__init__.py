"""Text and plain trees: reading with the place of every value, writing, each the other's mirror."""
