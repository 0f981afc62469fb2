"""From a sweep file to its trials: what would be trained, before anything is."""
