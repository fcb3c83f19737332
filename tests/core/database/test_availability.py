"""The database goes, and comes back: what callers, staff and monitors meet meanwhile, and right after."""

import logging

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection
from django.test import Client

from sequence.core.database.availability import is_away
from sequence.core.worker import Worker, run_once
from tests.factories import IncomeSourceFactory, PodFactory
from tests.transfers.steps import fund, transfer_between


def _refuse(*_, **__):
    raise OperationalError("connection to server at 10.0.0.7 failed") from psycopg.OperationalError("failed")


def lose_database(monkeypatch):
    """Let nothing reach the database any more."""
    connection.close()
    monkeypatch.setattr(connection, "get_new_connection", _refuse)


@pytest.mark.django_db(transaction=True)
class TestAConnectionThatTheServerHasClosed:
    def kill_own_connection(self):
        pid = connection.connection.info.backend_pid
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    def test_is_replaced_before_it_is_used(self, api):
        assert api.get("/accounts").status_code == 200
        self.kill_own_connection()

        assert api.get("/accounts").status_code == 200

    def test_serves_writes_too(self, api):
        assert api.get("/accounts").status_code == 200
        self.kill_own_connection()

        assert api.post("/accounts/pods", {"nickname": "Rent"}, idempotency_key="a").status_code == 201

    def test_does_not_make_the_health_check_fail(self, api):
        assert Client().get("/healthz").status_code == 200
        self.kill_own_connection()

        assert Client().get("/healthz").status_code == 200


@pytest.mark.django_db(transaction=True)
class TestADatabaseThatIsAway:
    def test_is_told_to_callers_with_when_to_try_again(self, api, monkeypatch, caplog):
        lose_database(monkeypatch)

        response = api.post("/accounts/pods", {"nickname": "Rent"}, idempotency_key="a")

        assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
        assert response.json()["error"]["code"] == "temporarily_unavailable"
        assert "10.0.0.7" not in response.content.decode()
        assert [record.levelno for record in caplog.records if record.exc_info or record.exc_text] == []
        assert "database_unreachable" in caplog.text
        assert "server at 10.0.0.7 failed" in caplog.text

    def test_is_told_to_staff_on_a_page(self, transactional_db, monkeypatch, caplog):
        user = User.objects.create_superuser("somebody")
        client = Client(raise_request_exception=False)
        client.force_login(user)
        lose_database(monkeypatch)

        response = client.get("/admin/")

        assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
        assert "The database is away" in response.content.decode()
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []

    def test_is_no_defect_that_a_caller_is_to_report(self, api, monkeypatch):
        lose_database(monkeypatch)

        assert "request id" not in api.get("/accounts").json()["error"]["message"]

    def test_is_over_as_soon_as_it_answers(self, api, monkeypatch):
        with monkeypatch.context() as away:
            lose_database(away)
            assert api.get("/accounts").status_code == 503

        assert api.get("/accounts").status_code == 200


@pytest.mark.django_db(transaction=True)
class TestAServerThatOnlyReads:
    """A primary that was demoted, with its connections kept: another server writes now."""

    @pytest.fixture(autouse=True)
    def _left_in_the_end(self, transactional_db):
        yield
        connection.close()

    def demote(self, *, read_only: bool) -> int:
        """Let this thread's server only read, and return which connection it was."""
        with connection.cursor() as cursor:
            cursor.execute(f"SET default_transaction_read_only = {read_only}")
        return connection.connection.info.backend_pid

    def test_is_away(self, api, caplog):
        self.demote(read_only=True)

        response = api.post("/accounts/pods", {"nickname": "Rent"}, idempotency_key="a")

        assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
        assert "database_unreachable" in caplog.text
        assert [record.levelno for record in caplog.records if record.exc_info or record.exc_text] == []

    def test_is_left_for_the_next_request(self, api):
        before = self.demote(read_only=True)
        api.post("/accounts/pods", {"nickname": "Rent"}, idempotency_key="a")
        close_old_connections()  # Of the request's end, from which Django's client of tests keeps it.

        assert api.post("/accounts/pods", {"nickname": "Rent"}, idempotency_key="a").status_code == 201
        assert connection.connection.info.backend_pid != before

    def test_is_left_by_a_worker_at_once(self, income_in_transit, monkeypatch):
        before = self.demote(read_only=True)
        worker = Worker()
        monkeypatch.setattr("sequence.core.worker.time.sleep", lambda _: None)
        worker._survive(worker._work)

        assert connection.connection is None
        assert run_once() > 0
        assert connection.connection.info.backend_pid != before

    @pytest.fixture
    def income_in_transit(self, api, acme):
        income = IncomeSourceFactory(organization=acme)
        fund(income, 10_00)
        return transfer_between(api, income, PodFactory(organization=acme), 5_00)


class TestIsAway:
    @pytest.mark.parametrize("sqlstate", [None, "08006", "57P01", "57P03", "53100", "53300", "25P03", "25006"])
    def test_holds_for_what_a_lost_server_says(self, sqlstate):
        assert is_away(self.error(sqlstate))

    @pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "57014", "53200"])
    def test_does_not_hold_for_what_a_server_refuses(self, sqlstate):
        assert not is_away(self.error(sqlstate))

    def test_holds_for_a_connection_that_is_closed_already(self):
        assert is_away(InterfaceError("connection already closed"))

    @pytest.mark.parametrize("error", [None, ValueError("connection"), DatabaseError("connection")])
    def test_does_not_hold_for_anything_else(self, error):
        assert not is_away(error)

    def error(self, sqlstate):
        cause = psycopg.OperationalError("gone")
        cause.sqlstate = sqlstate
        error = OperationalError("gone")
        error.__cause__ = cause
        return error
