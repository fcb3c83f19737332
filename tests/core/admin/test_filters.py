"""What lists can be asked for, and what they say when they cannot be asked for it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey, IdempotencyRecord
from apikeys.services import create_api_key
from cards.models import Card, CardDecline, CardTransaction
from rules.models import Rule, RuleExecution
from tests.cards.steps import buy, declined, issue
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS
from tests.database import rolled_back
from tests.factories import IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.past_guards import past_guard
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, run_now, write_enabled
from tests.staff import Staff, list_of
from tests.transfers.steps import fund, post_transfer, settle
from transfers.models import EntrySet, Posting, Transfer

# Each list with the queries that it may need, however many rows it shows. The session and the person are two of them.
LISTS = {
    ApiKey: 5,
    IdempotencyRecord: 4,
    Account: 4,
    Transfer: 5,
    Posting: 4,
    EntrySet: 4,
    Rule: 4,
    RuleExecution: 4,
    Card: 4,
    CardTransaction: 4,
    CardDecline: 4,
}


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


@pytest.fixture(scope="class")
def stage(django_db_setup, django_db_blocker) -> Iterator[dict[str, Any]]:
    """One of everything, and a second of much: made once for a class. What a test changes is undone by its ``db``."""
    with rolled_back(django_db_blocker):
        acme = OrganizationFactory(name="Acme", legal_name="Acme Trading LLC")
        income = IncomeSourceFactory(organization=acme, name="Payroll")
        rent, food = PodFactory(organization=acme, name="Rent"), PodFactory(organization=acme, name="Food")
        fund(income, 1_000_00)
        permissions = parse_permissions(ALL_PERMISSIONS)
        _, token = create_api_key(organization=acme, name="A test's key", permissions=permissions, created_by="test")
        api = Api(token)
        post_transfer(api, income, rent, 30_00, idempotency_key="one", headers={"X-Request-ID": "req_one"})
        post_transfer(api, income, food, 20_00, idempotency_key="two", headers={"X-Request-ID": "req_two"})
        settle()
        run_now(
            api, write_enabled(api, rule(step(move(rent, food, 5_00)), trigger=manual(income.id), nickname="Split"))
        )
        card = issue(food)
        buy(card, 3_00)
        declined(card, 999_00)
        yield {"acme": acme, "income": income, "rent": rent, "food": food}


@pytest.fixture
def world(stage, db):
    """Says that a test looks at what is on the stage."""


@pytest.fixture
def acme(stage, db):
    return stage["acme"]


@pytest.fixture
def income(stage, db):
    return stage["income"]


@pytest.fixture
def rent(stage, db):
    return stage["rent"]


def rows(root, model, **query) -> list:
    """Return the rows of the list that the query leads to."""
    response = root.client.get(list_of(model), query)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def text(root, model, **query) -> str:
    return root.client.get(list_of(model), query).content.decode()


class TestFilters:
    def test_an_account_is_found_at_both_ends_of_transfers_by_id_and_by_name(self, root, world, rent):
        for asked in (rent.id, "Rent", "rENT "):
            ends = [(row.source.name, row.destination.name) for row in rows(root, Transfer, account=asked)]
            assert sorted(ends) == [("Payroll", "Rent"), ("Rent", "Food")]

    def test_combine(self, root, world):
        found = rows(root, Transfer, account="Food", status="complete", request="req_two", direction="internal")

        assert [row.amount_cents for row in found] == [20_00]
        assert not rows(root, Transfer, account="Food", status="error")
        assert not rows(root, Transfer, account="Rent", request="req_two")

    def test_every_row_belongs_to_the_organization_that_was_chosen(self, root, world, acme, globex):
        fund(IncomeSourceFactory(organization=globex, name="Payroll"), 5_00)

        for model in LISTS:
            assert rows(root, model, organization=acme.id)
            assert rows(root, model, organization="Acme") == rows(root, model, organization=acme.id)
            assert all(row.organization_id == acme.id for row in rows(root, model, organization=acme.id))
        assert [row.amount_cents for row in rows(root, Transfer, organization="globex")] == [5_00]

    def test_names_are_looked_for_within_the_organization_that_was_chosen(self, root, income, globex):
        theirs = IncomeSourceFactory(organization=globex, name="Payroll")
        fund(theirs, 5_00)

        assert [row.destination for row in rows(root, Transfer, organization="Globex", account="Payroll")] == [theirs]
        assert not rows(root, Transfer, organization="Globex", account=income.id)

    @pytest.mark.parametrize(
        ("model", "query", "count"),
        [
            (Posting, {"account": "Rent"}, 2),
            (Posting, {"request": "req_one"}, 2),
            (Posting, {"key": "A test's key"}, 4),
            (Posting, {"clearing": "cards"}, 1),
            (Posting, {"kind": "card"}, 2),
            (EntrySet, {"account": "Rent"}, 2),
            (EntrySet, {"request": "req_one"}, 1),
            (Transfer, {"key": "A test's key"}, 2),
            (Transfer, {"waits": "failed"}, 0),
            (IdempotencyRecord, {"request": "req_one", "answer": "done", "life": "live", "method": "POST"}, 1),
            (IdempotencyRecord, {"key": "A test's key"}, 2),
            (IdempotencyRecord, {"q": "two"}, 1),
            (RuleExecution, {"rule": "Split", "status": "executed", "trigger": "MANUAL", "mode": "live"}, 1),
            (RuleExecution, {"account": "Rent"}, 1),
            (Rule, {"account": "Food", "status": "enabled"}, 1),
            (Rule, {"status": "disabled"}, 0),
            (CardTransaction, {"account": "Food", "card": "Ada Lovelace", "direction": "debit"}, 1),
            (CardDecline, {"account": "Food", "reason": "insufficient_funds"}, 1),
            (Card, {"account": "Food", "status": "active"}, 1),
            (Account, {"kind": "pod"}, 2),
            (ApiKey, {"status": "active"}, 1),
            (ApiKey, {"status": "revoked"}, 0),
        ],
    )
    def test_each_list_has_those_that_make_sense_on_it(self, root, world, model, query, count):
        assert len(rows(root, model, **query)) == count

    def test_are_told_in_words_with_a_link_that_takes_each_away(self, root, world, rent):
        page = text(root, Transfer, account="Rent", status="complete")

        assert f"Account: <strong>Rent ({rent.id})</strong>" in page
        assert '<a href="?account=Rent" aria-label="Remove Status: Complete">' in page
        assert '<a href="?status=complete"' in page

    def test_a_name_that_nobody_has_is_told_and_shows_nothing(self, root, world, rent):
        for asked in ("Nobody", rent.id[:-1], "acc_", "'; --", "<script>"):
            page = text(root, Transfer, account=asked)
            assert "There is none of this id or name." in page
            assert "Nothing is shown until the filters make sense." in page
            assert not rows(root, Transfer, account=asked)
        assert "<script>x" not in text(root, Transfer, account="<script>x")

    def test_a_name_that_several_have_offers_them(self, root, world, rent, acme):
        other = PodFactory(organization=acme, name="Rent")

        page = text(root, Transfer, account="Rent", status="complete")

        assert "There are several of this name:" in page
        for account in (rent, other):
            assert f'<a href="?status=complete&amp;account={account.id}">Rent of Acme</a>' in page
        assert not rows(root, Transfer, account="Rent")

    def test_a_part_of_a_name_offers_what_it_could_be(self, root, world, rent):
        assert f"?account={rent.id}" in text(root, Transfer, account="Ren")

    @pytest.mark.parametrize(
        "query",
        [
            {"status": "nonsense"},
            {"waits": "nonsense"},
            {"from": "yesterday"},
            {"from": "2026-02-30"},
            {"from": "2026-01-01 25:00"},
            {"from": "٢٠٢٦-01-01"},
            {"to": "9999-12-31"},
            {"from": "2026-01-02", "to": "2026-01-01"},
            {"account": "\0"},
            {"q": "\0"},
            {"request": "x" * 300},
            {"organization": "org_1"},
            {"no_such_filter": "1"},
            {"status__exact": "complete"},
            {"source__name__startswith": "P"},
        ],
        ids=str,
    )
    def test_what_makes_no_sense_never_shows_everything(self, root, world, query):
        assert rows(root, Transfer, **query) == []

    @pytest.mark.parametrize("query", [{"p": "99999"}, {"p": "x"}, {"o": "x.99"}, {"p": "-1"}])
    def test_a_page_that_is_not_there_is_the_first(self, root, world, query):
        assert len(rows(root, Transfer, **query, account="Rent")) == 2


class TestPeriod:
    @pytest.fixture(autouse=True)
    def _three_days(self, db):
        account = IncomeSourceFactory()
        for day, hour in [(1, 0), (2, 23), (3, 12)]:
            transfer = fund(account, day)
            with past_guard("transfers.Transfer:stays_what_was_asked"):
                Transfer.objects.filter(id=transfer.id).update(created_at=datetime(2026, 1, day, hour, 59, 59, 7, UTC))

    @pytest.mark.parametrize(
        ("query", "days"),
        [
            ({"from": "2026-01-02"}, [2, 3]),
            ({"to": "2026-01-02"}, [1, 2]),
            ({"from": "2026-01-02", "to": "2026-01-02"}, [2]),
            ({"to": "2026-01-02 23:59"}, [1, 2]),
            ({"to": "2026-01-02T23:59:59Z"}, [1, 2]),
            ({"to": "2026-01-02 23:58 UTC"}, [1]),
            ({"from": "2026-01-03 12:59:59"}, [3]),
            ({"from": "2026-01-03 13:00"}, []),
        ],
        ids=str,
    )
    def test_holds_both_its_ends(self, root, query, days):
        assert sorted(row.amount_cents for row in rows(root, Transfer, **query)) == days

    def test_offers_quick_choices_that_keep_the_other_filters(self, db, set_clock):
        set_clock(datetime(2026, 1, 3, 23, 59, tzinfo=UTC))

        page = text(Staff("ann", is_superuser=True), Transfer, status="complete")

        for words, day in [("Today", "03"), ("This month", "01")]:
            assert f'<a href="?status=complete&amp;from=2026-01-{day}">{words}</a>' in page
        assert '<a href="?status=complete&amp;from=2025-12-28">Last 7 days</a>' in page


class TestEveryList:
    @pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
    def test_asks_few_queries_however_many_rows(self, root, world, model, acme):
        with CaptureQueriesContext(connection) as captured:
            shown = rows(root, model)
        with CaptureQueriesContext(connection) as filtered:
            rows(root, model, organization=acme.id)

        assert shown
        assert len(captured) <= LISTS[model], [query["sql"] for query in captured]
        assert len(filtered) == len(captured) + 1  # The organization is looked up.

    @pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
    def test_is_closed_without_its_permission(self, db, model):
        assert Staff("bob").client.get(list_of(model)).status_code == 403

    def test_searches_and_filters_together(self, root, world, rent):
        assert len(rows(root, Transfer, q="req_one", account="Rent")) == 1
        assert not rows(root, Transfer, q="req_one", account="Food")
