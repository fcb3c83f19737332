"""A database that was turned over: all that `distribution_sql` prints was run there, but the calls of Citus' functions.

Debian has no Citus, and nothing here installs it: that it takes what is printed was not tried. What is shown is that
the keys are those that it demands, and that the code works with them: each ON CONFLICT, each row that is looked up.
"""

import json
from io import StringIO
from ipaddress import ip_network

import pytest
from django.core.management import call_command
from django.db import connection

from apikeys.entries import parse_permissions
from apikeys.services import create_api_key
from sequence.core.audit_log.models import AuditEntry
from sequence.core.audit_log.reads import reads
from sequence.core.events.models import Event
from sequence.core.worker import run_once
from sequence.distribution import DISTRIBUTED, NOT_DISTRIBUTED, Kind, kind_of, statements
from tests.cards.steps import buy, declined, issue, refund
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS
from tests.database import migrated_database
from tests.factories import OrganizationFactory
from tests.replays.steps import replayed
from tests.roles import APPLICATION, serving
from tests.scaling.houses import House
from tests.test_distribution import KEYS, ask, what_is_lacking
from tests.transfers.steps import balances, fund
from tests.webhooks.conftest import Receiver, receiving
from transfers.ledger_invariants import find_faults
from transfers.models import ErrorCode, SimulatedMark, Status, Transfer

# What a key that moves little may send out in a day.
CAP_CENTS = 50_00


def key_for(organization, *permissions: str) -> Api:
    _, token = create_api_key(
        organization=organization, name="A key", permissions=parse_permissions(permissions), created_by="test"
    )
    return Api(token)


def described() -> tuple[list, set]:
    """Return each key with its table and columns, and each foreign key as table, name and what it points to."""
    keys = [(table, frozenset(columns)) for table, _, columns in ask(KEYS)]
    question = "SELECT conrelid::regclass, conname, confrelid::regclass FROM pg_constraint WHERE contype = 'f'"
    return keys, set(ask(question))


@pytest.fixture(scope="module")
def printed() -> list:
    """The statements, once they have been run."""
    return []


@pytest.fixture(scope="module")
def before() -> list:
    """The keys and the foreign keys, as they were before."""
    return []


@pytest.fixture(scope="module", autouse=True)
def turned_over(django_db_setup, django_db_blocker, printed, before):
    """Work on a database of its own, which was turned over by its owner."""
    with django_db_blocker.unblock(), migrated_database(keep=False, beside="turned"):
        before.extend(described())
        with connection.cursor() as cursor:
            printed.extend(statements(cursor))
            for statement in printed:
                if not statement.is_of_citus:
                    cursor.execute(statement.text)
        if not APPLICATION:
            yield
            return
        with serving():
            yield


@pytest.fixture(scope="module")
def houses(turned_over):
    with pytest.MonkeyPatch.context() as patch, receiving(Receiver()) as receiver:
        patch.setattr("django.conf.settings.RATE_LIMIT_ENABLED", True)
        patch.setattr("django.conf.settings.WEBHOOK_ALLOWED_NETWORKS", [ip_network("127.0.0.0/8")])
        organizations = [OrganizationFactory(name=name) for name in ("Acme", "Globex")]
        made = [House(key_for(own, *ALL_PERMISSIONS), own, receiver.url) for own in organizations]
        run_once()
        for house in made:
            house.receiver = receiver
        yield made


@pytest.mark.full
class TestTheSql:
    def test_leaves_nothing_that_a_table_lacks(self):
        assert {table: words for table, words in what_is_lacking(DISTRIBUTED).items() if words} == {}

    def test_has_no_key_more_to_change_then(self):
        with connection.cursor() as cursor:
            made = [one.text for one in statements(cursor) if " ADD " in one.text or "CREATE" in one.text]

        assert [text for text in made if "FOREIGN KEY" not in text] == []

    def test_keeps_every_foreign_key_and_no_key_twice(self, before):
        keys, foreign_keys = before
        after, foreign_keys_after = described()

        assert foreign_keys_after == foreign_keys
        assert len(foreign_keys) > 60
        assert {(table, columns | {"organization_id"}) for table, columns in keys if table in DISTRIBUTED} == {
            (table, columns) for table, columns in after if table in DISTRIBUTED
        }
        assert len(after) == len(set(after))

    def test_lets_numbers_that_are_counted_up_be_bigints(self):
        question = """
            SELECT attrelid::regclass::text, format_type(atttypid, NULL) FROM pg_attribute WHERE attidentity <> ''
        """
        types = {type for table, type in ask(question) if kind_of(table) is not Kind.LOCAL}

        assert types == {"bigint"}

    def test_makes_each_table_what_it_is_to_be(self, printed):
        calls = [one.text for one in printed if "create_" in one.text]

        references = {table for table, (kind, _) in NOT_DISTRIBUTED.items() if kind is Kind.REFERENCE}
        told = [text.split("'")[1] for text in calls]
        assert set(told[: len(references)]) == references
        assert set(told[len(references) :]) == DISTRIBUTED
        assert len(told) == len(set(told))


@pytest.mark.full
class TestTheCode:
    """All that moves money, and what tells and checks it, on those keys."""

    def test_answers_what_programs_ask(self, houses):
        for house in houses:
            for method, path, body, key in house.requests():
                answer = house.api.request(method, path, body, idempotency_key=key)
                assert answer.status_code in (200, 201, 202), answer.content
        reads.flush()

    def test_answers_a_request_once(self, houses):
        house = houses[0]
        first, again = (house.api.post("/transfers", house.body(house.pod), idempotency_key="once") for _ in range(2))

        assert first.status_code == 201
        assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")

    def test_refuses_what_is_beyond_a_cap(self, houses):
        house = houses[0]
        api = key_for(house.organization, f"MANUAL_TRANSFER:*>*;day={CAP_CENTS}")
        ask = {**house.body(house.pod), "amount_in_cents": CAP_CENTS - 1}

        assert api.post("/transfers", ask).status_code == 201
        refused = api.post("/transfers", ask)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "max_amount_exceeded")

    def test_settles(self, houses):
        house = houses[0]
        before = balances(house.pod)[0]
        ids = [house.ask(house.pod, 1_00) for _ in range(3)]
        run_once()

        assert set(Transfer.objects.filter(id__in=ids).values_list("status", flat=True)) == {Status.COMPLETE}
        assert balances(house.pod)[0] >= before + 3_00

    def test_moves_money_over_a_rail_and_lets_it_fail(self, houses, settings):
        settings.SIMULATED_RAIL_DELAY_SECONDS = 0
        house = houses[0]
        sent = house.ask(house.bank, 1_00)
        run_once()
        SimulatedMark.objects.create(account=house.bank, fail_code=ErrorCode.PAYMENT_FAILED)
        failed = house.ask(house.bank, 1_00)
        run_once()

        rows = dict(Transfer.objects.filter(id__in=[sent, failed]).values_list("id", "status"))
        assert rows == {sent: Status.COMPLETE, failed: Status.ERROR}

    def test_lets_cards_pay_and_be_refunded(self, houses):
        fund(houses[0].pod, 100_00)
        card = issue(houses[0].pod)
        purchase = buy(card, 5_00)
        refund(purchase, 2_00)

        assert declined(card, 1_000_000_00) == "insufficient_funds"

    def test_looks_back(self, houses):
        assert replayed(houses[0].api, houses[0].by_hand)["status"] == "done"

    def test_numbers_and_tells_events(self, houses):
        told = len(houses[0].receiver.requests)
        houses[0].make_work()
        run_once()

        assert not Event.objects.unnumbered().exists()
        assert len(houses[0].receiver.requests) > told

    def test_does_its_chores_and_forgets(self, houses):
        made = houses[0].api.post("/accounts/pods", {"nickname": "Soon forgotten"}, idempotency_key="soon-forgotten")
        assert made.status_code == 201, made.content
        call_command("run_chores", stdout=StringIO())
        out = StringIO()
        call_command("purge_idempotency_records", "--all", stdout=out, stderr=StringIO())

        assert "removed: 0" not in out.getvalue()

    def test_ends_with_right_books_and_an_audit_log_as_it_was_written(self, houses):
        for house in houses:
            house.make_work()
        run_once()

        assert not AuditEntry.objects.filter(sequence=None).exists()
        assert find_faults() == []
        call_command("check_ledger", stdout=StringIO())
        call_command("verify_audit_log", stdout=StringIO())


def test_the_command_prints_what_psql_takes():
    out, told = StringIO(), StringIO()
    call_command("distribution_sql", stdout=out)
    call_command("distribution_sql", "--json", stdout=told)
    begin, *lines, end = out.getvalue().splitlines()

    assert (begin, end) == ("BEGIN;", "COMMIT;")
    assert lines == json.loads(told.getvalue())
    with connection.cursor() as cursor:
        assert lines == [f"{one.text};" for one in statements(cursor)]
