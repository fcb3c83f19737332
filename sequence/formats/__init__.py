"""Formats of dates and times on the staff's pages, one folder for each language as Django wants it."""
