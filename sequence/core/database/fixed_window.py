"""Fixed window: how often something happened since a window began, counted in one statement on one row.

A window begins with the first count after the last one has ended, or long before it began: a clock was set back. Counts
stop at a ceiling, so that hammering neither prolongs a window nor overflows.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sequence.core.database.kept_cursor import fetch

# A count may tell a moment from before the window that it finds: it looked at the clock, and then waited while another
# one began the window. Were that taken for a clock that was set back, what happens at once would never be counted.
OVERTAKEN = timedelta(seconds=10)


class FixedWindow:
    """Counts in rows of ``table``, whose primary key is ``key`` and whose column ``count`` holds the number."""

    def __init__(self, table: str, *, key: Sequence[str], count: str, length: timedelta) -> None:
        self.length = length
        self._key = key
        columns, values = ", ".join(key), ", ".join(f"%({name})s" for name in key)
        is_open = "seen.started_at > %(over)s AND seen.started_at <= %(latest)s"
        self._statement = f"""
            INSERT INTO {table} AS seen ({columns}, started_at, {count}) VALUES ({values}, %(now)s, 1)
            ON CONFLICT ({columns}) DO UPDATE SET
                started_at = CASE WHEN {is_open} THEN seen.started_at ELSE %(now)s END,
                {count} = CASE WHEN {is_open} THEN LEAST(seen.{count} + 1, %(most)s) ELSE 1 END
            RETURNING started_at, {count}
        """  # noqa: S608 - names of our own tables
        self._look = f"SELECT started_at, {count} FROM {table} AS seen WHERE ({columns}) = ({values}) AND {is_open}"  # noqa: S608

    def count(self, *key: object, at: datetime, most: int) -> tuple[int, datetime]:
        """Count one more, up to ``most``. Return the number, this one included, and when the window ends."""
        values = {**self._named(key), "now": at, "over": at - self.length, "latest": at + OVERTAKEN, "most": most}
        [(started_at, number)] = fetch(self._statement, values)
        return number, min(started_at, at) + self.length

    def look(self, *key: object, at: datetime) -> tuple[int, datetime]:
        """Return the number in the window that is open, and when that ends; 0 where none is, and one would begin."""
        rows = fetch(self._look, {**self._named(key), "over": at - self.length, "latest": at + OVERTAKEN})
        started_at, number = rows[0] if rows else (at, 0)
        return number, min(started_at, at) + self.length

    def _named(self, key: Sequence[object]) -> dict[str, object]:
        return dict(zip(self._key, key, strict=True))
