"""The full bank number never leaves the server."""

import logging

import pytest
from django.db import connection

from accounts.models import Account


def every_text_of_the_database() -> str:
    """Return all rows of all tables, as PostgreSQL spells them."""
    texts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608 - our own tables
            texts += [text for (text,) in cursor.fetchall()]
    return "\n".join(texts)


class TestBankNumbers:
    @pytest.fixture
    def answers(self, api, caplog):
        """What a program gets to see of an income source, by every endpoint, good and bad."""
        caplog.set_level(logging.DEBUG)
        created = api.post("/accounts/income-sources", {"nickname": "Payroll"}, idempotency_key="k")
        path = f"/accounts/{created.json()['data']['id']}"
        return [
            created,
            api.post("/accounts/income-sources", {"nickname": "Payroll"}, idempotency_key="k"),
            api.post("/accounts/income-sources", {"nickname": "Other"}, idempotency_key="k"),
            api.get(path),
            api.get("/accounts"),
            api.patch(path, {"nickname": "Renamed"}),
            api.patch(path, {"routing_number": "1"}),
            api.delete(path),
            api.get(path),
        ]

    @pytest.fixture
    def numbers(self, answers):
        account = Account.objects.get()
        assert len(account.routing_number) == 9
        assert len(account.bank_account_number) == 12
        return account

    def test_show_four_bullets_and_the_last_four_digits(self, answers, numbers):
        shown = answers[0].json()["data"]

        assert shown["routing_number"] == "••••" + numbers.routing_number[-4:]
        assert shown["bank_account_number"] == "••••" + numbers.bank_account_number[-4:]

    def test_stand_in_no_answer_log_line_or_table(self, answers, numbers, caplog):
        places = [answer.content.decode() for answer in answers]
        lines = [str(record.msg) + str(record.args) for record in caplog.get_records("setup")]
        assert any("/api/v1/accounts/income-sources" in line for line in lines)
        rows = every_text_of_the_database()
        assert "••••" + numbers.routing_number[-4:] in rows

        for place in [*places, *lines, rows]:
            assert numbers.routing_number not in place
            assert numbers.bank_account_number not in place

    def test_stand_in_no_traceback(self, api, caplog, monkeypatch):
        def explode(account):
            self.numbers = (account.routing_number, account.bank_account_number)
            raise RuntimeError("broken")

        monkeypatch.setattr("accounts.views.show_account", explode)

        response = api.post("/accounts/income-sources", {"nickname": "Payroll"})

        assert response.status_code == 500
        for place in [response.content.decode(), *(str(record.msg) for record in caplog.records)]:
            assert not any(number in place for number in self.numbers)
