"""Tables, charts and pages of a sweep."""
