"""The instants at which the demo is tried: long past, so that nothing of the real present can hide among them."""

from datetime import UTC, datetime

# Few minutes after midnight, on the last day of a month with 31: "today" has hardly begun.
NOW = datetime(2024, 1, 31, 0, 3, tzinfo=UTC)

AWKWARD = [
    datetime(2028, 2, 29, 12, 0, 0, 654321, tzinfo=UTC),  # But for this one.
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 3, 1, 9, 0, 1, tzinfo=UTC),  # The rent is on its way.
    datetime(2023, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]
