"""Plans for the values at hand: what is read by more than a key is planned each time anew.

A statement that comes again is sent by its name, and PostgreSQL soon plans it once for all values: for an account and
an organization of average size. Of a key's row it cannot be wrong. Of a list it is, where one account has a million
transfers and most have ten: all of them would be read and sorted for each page.
https://www.postgresql.org/docs/current/sql-prepare.html
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def planned_anew() -> Iterator[None]:
    """Let each statement of this thread's connection be planned for its own values meanwhile.

    Planning costs some tenths of a millisecond each time. Parameters go apart from the text as before.
    """
    raw = connection.connection
    if raw is None:  # Nothing is prepared on a connection that is not there yet.
        yield
        return
    threshold, raw.prepare_threshold = raw.prepare_threshold, None
    try:
        yield
    finally:
        raw.prepare_threshold = threshold
