"""Plans that are made for the values at hand, where one account has far more rows than most."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from sequence.core.database.planning import planned_anew
from tests.factories import IncomeSourceFactory, PodFactory
from tests.platform.conftest import platform  # noqa: F401 - a fixture
from tests.staff import sign_in
from tests.transfers.steps import fund, transfer_between

# Sent by name after the second time.
OFTEN = 4
PREPARED = (
    "SELECT statement FROM pg_prepared_statements WHERE statement LIKE %s AND statement NOT LIKE '%%pg_prepared%%'"
)


def prepared(part: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(PREPARED, [f"%{part}%"])
        return [statement for (statement,) in cursor.fetchall()]


@pytest.fixture(autouse=True)
def _nothing_is_prepared_yet(db):
    connection.connection.execute("DEALLOCATE ALL")
    connection.connection._prepared.clear()


def ask(text: str) -> None:
    with connection.cursor() as cursor:
        for number in range(OFTEN):
            cursor.execute(text, [number])


class TestPlannedAnew:
    def test_prepares_nothing(self):
        with planned_anew():
            ask("SELECT %s::int + 11")

        assert prepared("+ 11") == []

    def test_ends(self):
        with pytest.raises(ZeroDivisionError), planned_anew():
            raise ZeroDivisionError
        ask("SELECT %s::int + 12")

        assert len(prepared("+ 12")) == 1

    def test_opens_no_connection(self):
        def work():
            with planned_anew():
                return connection.connection

        with ThreadPoolExecutor(1) as other:
            assert other.submit(work).result() is None


class TestReads:
    @pytest.fixture
    def income(self, api, acme):
        income, pod = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
        fund(income, 10_00)
        transfer_between(api, income, pod, 1_00)
        return income

    @pytest.mark.parametrize(
        "path", ["/transfers?account_id={}", "/transfers?account_id={}&account_role=source", "/events"]
    )
    def test_of_lists_are_planned_each_time(self, api, income, path):
        for _ in range(OFTEN):
            assert api.get(path.format(income.id)).status_code == 200

        assert prepared("LIMIT") == []
        assert len(prepared("WHERE key.digest")) == 1  # The key is found by a plan that is made once.

    def test_of_the_dialects_lists_too(self, platform, income):  # noqa: F811
        for _ in range(OFTEN):
            assert platform.get("/accounts").status_code == 200

        assert prepared("LIMIT") == []

    def test_of_one_object_are_planned_once(self, api, income):
        for _ in range(OFTEN):
            assert api.get(f"/accounts/{income.id}").status_code == 200

        assert len(prepared('FROM "accounts_account"')) == 1

    def test_of_staff_are_planned_each_time(self, income):
        root = sign_in(name="root", is_superuser=True)
        for _ in range(OFTEN):
            assert root.get("/admin/transfers/transfer/").status_code == 200

        assert prepared("transfers_transfer") == []
