"""Dates that nobody mistakes and that sort: the year first, 24 hours, UTC like all times here."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "Y-m-d H:i"
