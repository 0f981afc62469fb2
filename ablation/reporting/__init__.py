"""Reporting: tables, charts and pages of a sweep."""
