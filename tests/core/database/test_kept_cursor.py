"""Cursor that is kept: one for each connection, and none that outlives it."""

import threading

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from sequence.core.database.kept_cursor import fetch, run

pytestmark = pytest.mark.django_db(transaction=True)


def _made(monkeypatch) -> list[object]:
    """Return a list of the cursors that are made from here on."""
    made: list[object] = []
    make = connection.make_cursor
    monkeypatch.setattr(connection, "make_cursor", lambda cursor: made.append(cursor) or make(cursor))
    return made


class TestFetch:
    def test_returns_all_rows(self):
        assert fetch("SELECT * FROM (VALUES (1, 'a'), (2, %s)) AS found", ["b"]) == [(1, "a"), (2, "b")]
        assert fetch("SELECT 1 WHERE false", []) == []
        run("SET application_name = 'kept'", [])
        assert fetch("SHOW application_name", []) == [("kept",)]

    def test_makes_one_cursor_for_many_statements(self, monkeypatch):
        fetch("SELECT 1", [])
        made = _made(monkeypatch)

        for number in range(3):
            assert fetch("SELECT %s::int", [number]) == [(number,)]
        assert made == []

    def test_goes_on_after_a_refusal_as_django_tells_it(self):
        with pytest.raises(DatabaseError):
            fetch("SELECT 1 / %s::int", [0])

        assert fetch("SELECT 1", []) == [(1,)]

    def test_goes_on_with_a_new_connection(self, monkeypatch):
        fetch("SELECT 1", [])
        connection.close()
        made = _made(monkeypatch)

        assert fetch("SELECT 1", []) == [(1,)]
        assert len(made) == 1

    def test_is_seen_by_whoever_counts_statements(self):
        fetch("SELECT 1", [])
        with CaptureQueriesContext(connection) as captured:
            fetch("SELECT 2", [])

        assert [query["sql"] for query in captured] == ["SELECT 2"]

    def test_asks_on_the_connection_of_its_thread(self):
        def ask() -> None:
            backends.extend(fetch("SELECT pg_backend_pid()", []))
            connection.close()

        backends = fetch("SELECT pg_backend_pid()", [])
        other = threading.Thread(target=ask)
        other.start()
        other.join()

        assert len(set(backends)) == 2
