"""GET /transfers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from apikeys.entries import parse_permissions
from apikeys.models import Organization
from apikeys.services import create_api_key
from rules.services import create_rule, start_execution
from rules.vocabulary import TriggerType
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS
from tests.database import rolled_back
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.past_guards import past_guard
from tests.rules.definitions import kept, manual, rule, step
from tests.rules.steps import move
from tests.transfers.steps import error_of, fund, post_transfer, settle, transfer_between
from transfers.models import Transfer
from transfers.services import pull_from_outside

START = datetime(2026, 5, 11, 12, tzinfo=UTC)
STATEMENTS = 3


def listed(api, account, **query) -> list[dict]:
    """Return all pages of an account's transfers, checked to be whole pages."""
    items, after = [], None
    while True:
        found = page(api, account, **query, **({"after": after} if after else {}))
        items += found["data"]
        after = found["page_info"]["end_cursor"]
        if not found["page_info"]["has_next_page"]:
            return items
        assert len(found["data"]) == query.get("first", 20)


def page(api, account, **query) -> dict:
    pairs = "".join(f"&{name.rstrip('_')}={quote(str(value))}" for name, value in query.items())
    response = api.get(f"/transfers?account_id={account.id}{pairs}")
    assert response.status_code == 200, response.content
    return response.json()


def ids(items) -> list[str]:
    return [item["id"] for item in items]


@dataclass(frozen=True)
class Cast:
    """Who plays in all tests of a class, and the transfers of ``pod``, in the order that the tests tell."""

    acme: Organization
    token: str
    pod: Account
    income: Account
    bank: Account
    rent: Account
    transfers: list[str]


@pytest.fixture(scope="class")
def cast(request, django_db_setup, django_db_blocker) -> Iterator[Cast]:
    """The cast and what the class's ``story`` lets happen, made once, since it takes a second.

    What a test changes is undone by its ``db``, which is a savepoint here.
    """
    with rolled_back(django_db_blocker), pytest.MonkeyPatch.context() as patch:
        acme = OrganizationFactory(name="Acme")
        permissions = parse_permissions(ALL_PERMISSIONS)
        _, token = create_api_key(organization=acme, name="Reader", permissions=permissions, created_by="test")
        pod, rent = PodFactory(organization=acme, name="Pod"), PodFactory(organization=acme, name="Rent")
        income = IncomeSourceFactory(organization=acme, name="Payroll")
        fund(income, 100_00)
        bank = ExternalAccountFactory(organization=acme, name="Checking", balance_cents=500_00)
        made = Cast(acme, token, pod, income, bank, rent, [])
        made.transfers.extend(request.cls.story(made, lambda now: patch.setattr(timezone, "now", lambda: now)))
        patch.undo()
        yield made


@pytest.fixture
def acme(cast, db):
    return cast.acme


@pytest.fixture
def api(cast, db):
    return Api(cast.token)


@pytest.fixture
def pod(cast, db):
    return Account.objects.get(id=cast.pod.id)


@pytest.fixture
def income(cast, db):
    return Account.objects.get(id=cast.income.id)


@pytest.fixture
def rent(cast, db):
    return Account.objects.get(id=cast.rent.id)


def one_an_hour(cast: Cast, set_clock) -> list[str]:
    """One transfer an hour: a paycheck, in, pulled, out, drawn, failed. The oldest comes first."""
    api, pod, made = Api(cast.token), cast.pod, []

    def at(hour, make):
        set_clock(START + timedelta(hours=hour))
        made.append(make())
        settle()

    at(0, lambda: fund(pod, 50_00))
    at(1, lambda: transfer_between(api, cast.income, pod, 10_00))
    at(2, lambda: transfer_between(api, cast.bank, pod, 20_00))
    at(3, lambda: transfer_between(api, pod, cast.bank, 5_00))
    at(4, lambda: pull_from_outside(account_id=pod.id, amount_cents=1_00, by="test"))
    at(5, lambda: transfer_between(api, pod, PodFactory(organization=pod.organization), 999_00))
    return [transfer.id for transfer in made]


def three_a_minute(cast: Cast, set_clock) -> list[str]:
    """Transfers in and out, three at each instant, so that the id alone orders them. The newest comes first."""
    api, made = Api(cast.token), []
    for minute in range(5):
        set_clock(START + timedelta(minutes=minute))
        for source, destination in ((cast.income, cast.pod), (cast.pod, cast.rent), (cast.income, cast.pod)):
            made.append(post_transfer(api, source, destination, 1_00).json()["data"])
    return ids(sorted(made, key=lambda item: (item["created_at"], item["id"]), reverse=True))


class TestListTransfers:
    story = staticmethod(one_an_hour)

    @pytest.fixture
    def history(self, cast):
        return cast.transfers

    def test_answers_with_pages_newest_first(self, api, pod, history):
        body = page(api, pod)

        assert list(body) == ["request_id", "data", "page_info"]
        assert list(body["page_info"]) == ["end_cursor", "has_next_page"]
        assert ids(body["data"]) == history[::-1]
        assert body["data"][0] == api.get(f"/transfers/{history[-1]}").json()["data"]

    def test_of_an_account_without_transfers_is_an_empty_page(self, api, rent):
        body = page(api, rent)

        assert (body["data"], body["page_info"]) == ([], {"end_cursor": None, "has_next_page": False})

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"account_role": "either"}, [5, 4, 3, 2, 1, 0]),
            ({"account_role": "source"}, [5, 4, 3]),
            ({"account_role": "destination"}, [2, 1, 0]),
            ({"direction": "money_in"}, [2, 0]),
            ({"direction": "money_out"}, [4, 3]),
            ({"direction": "internal"}, [5, 1]),
            ({"origin": "paycheck"}, [0]),
            ({"origin": "user"}, [5, 3, 1]),
            ({"origin": "user_pull"}, [2]),
            ({"origin": "external_pull"}, [4]),
            ({"origin": "rule"}, []),
            ({"status": "complete"}, [4, 3, 2, 1, 0]),
            ({"status": "incomplete"}, [5]),
            ({"status": "pending"}, []),
            ({"from_": START + timedelta(hours=2)}, [5, 4, 3, 2]),
            ({"from_": START + timedelta(hours=2, microseconds=1)}, [5, 4, 3]),
            ({"to": START + timedelta(hours=2)}, [2, 1, 0]),
            ({"to": START + timedelta(hours=2) - timedelta(microseconds=1)}, [1, 0]),
            ({"from_": START, "to": START}, [0]),
            ({"from_": START + timedelta(hours=3), "to": START + timedelta(hours=1)}, []),
            ({"direction": "money_out", "status": "complete", "account_role": "source", "origin": "user"}, [3]),
            ({"rule_execution_id": "rex_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, []),
            ({"rule_execution_id": "no such thing"}, []),
        ],
    )
    @pytest.mark.parametrize("size", [2, 20])
    def test_filters(self, api, pod, history, query, expected, size):
        shown = {name: at.isoformat() if isinstance(at, datetime) else at for name, at in query.items()}

        # Still pending at their own instant; the next hour's worker settled them.
        assert ids(listed(api, pod, first=size, **shown)) == [history[index] for index in expected]

    def test_shows_what_reading_each_transfer_gives(self, api, pod, history):
        for item in listed(api, pod, account_role="either"):
            assert api.get(f"/transfers/{item['id']}").json()["data"] == item

    def test_reads_the_same_instant_in_any_zone(self, api, pod, history):
        there = (START + timedelta(hours=2)).astimezone(tz=None).isoformat()

        assert ids(page(api, pod, from_=there)["data"]) == history[:1:-1]
        assert ids(page(api, pod, from_="2026-05-11T16:00:00+02:00")["data"]) == history[:1:-1]

    def test_finds_the_transfers_of_a_rule_execution(self, api, acme, pod, history):
        bank = ExternalAccountFactory(organization=acme)
        written = kept(rule(step(move(pod, bank, 100)), trigger=manual(pod.id)))
        made = create_rule(organization_id=acme.id, **written, by="test")
        execution = start_execution(made, trigger_type=TriggerType.MANUAL)
        with past_guard("transfers.Transfer:stays_what_was_asked"):
            Transfer.objects.filter(id=history[1]).update(rule_execution_id=execution.id)

        assert ids(page(api, pod, rule_execution_id=execution.id)["data"]) == [history[1]]

    @pytest.mark.parametrize(
        "query",
        [
            "account_role=both",
            "account_role=",
            "direction=sideways",
            "direction=MONEY_IN",
            "origin=heaven",
            "status=done",
            "status=complete&status=error",
            "from=yesterday",
            "from=2026-05-11",
            "from=2026-05-11T12:00:00",
            "to=2026-02-30T00:00:00Z",
            "to=",
            "first=0",
            "first=101",
            "first=-1",
            "first=ten",
            "first=1.0",
            "after=",
            "after=abc",
            "limit=5",
            "rule_id=x",
        ],
    )
    def test_refuses_bad_values(self, api, pod, query):
        response = api.get(f"/transfers?account_id={pod.id}&{query}")

        assert error_of(response) == (400, "invalid_request")
        assert response.json()["error"]["details"][0]["field"] == query.partition("=")[0]

    @pytest.mark.parametrize("query", ["", "?account_id=", "?status=complete"])
    def test_needs_an_account(self, api, query):
        assert error_of(api.get(f"/transfers{query}")) == (400, "invalid_request")

    def test_does_not_find_an_account_that_is_none_of_ours(self, api, acme, globex):
        pod = PodFactory(organization=acme)
        assert api.delete(f"/accounts/{pod.id}").status_code < 300

        for id in ("acc_01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", PodFactory(organization=globex).id, pod.id):
            response = api.get(f"/transfers?account_id={id}")
            assert error_of(response) == (404, "not_found")
            assert response.json()["error"]["message"] == "Account not found."

    def test_is_closed_to_a_key_for_another_account_which_learns_nothing(self, client_with, pod, rent):
        api = client_with(f"READ_TRANSFERS:{rent.id}")

        assert api.get(f"/transfers?account_id={rent.id}").status_code == 200
        for id in (pod.id, "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV", "x"):
            assert error_of(api.get(f"/transfers?account_id={id}")) == (403, "forbidden")
        assert error_of(client_with("LIST_ACCOUNTS").get(f"/transfers?account_id={rent.id}")) == (403, "forbidden")

    def test_shows_nothing_of_another_organization(self, api, other_api, globex, pod, history):
        theirs = PodFactory(organization=globex)
        fund(theirs, 10_00)

        assert len(page(other_api, theirs)["data"]) == 1
        assert error_of(other_api.get(f"/transfers?account_id={pod.id}")) == (404, "not_found")
        assert set(ids(page(api, pod)["data"])) == set(history)


class TestPages:
    story = staticmethod(three_a_minute)

    @pytest.fixture
    def both_ways(self, cast):
        return cast.transfers

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 14, 15, 16, 100])
    @pytest.mark.parametrize("role", ["source", "destination", "either"])
    def test_merge_both_sides_without_a_gap_or_a_repetition(self, api, pod, both_ways, size, role):
        everything = ids(listed(api, pod, account_role=role, first=100))
        assert len(everything) == {"source": 5, "destination": 10, "either": 15}[role]
        if role == "either":
            assert everything == both_ways

        assert ids(listed(api, pod, account_role=role, first=size)) == everything

    def test_stay_as_they_were_when_newer_transfers_arrive(self, api, pod, both_ways, income, set_clock):
        first = page(api, pod, first=5)
        set_clock(START + timedelta(days=1))
        for _ in range(3):
            post_transfer(api, income, pod, 1_00)

        rest = listed(api, pod, first=100, after=first["page_info"]["end_cursor"])

        assert ids(first["data"]) + ids(rest) == both_ways

    def test_refuse_the_cursor_of_another_list_and_a_forged_one(self, api, pod, both_ways):
        other = api.get("/accounts?first=1").json()["page_info"]["end_cursor"]
        own = page(api, pod, first=1)["page_info"]["end_cursor"]

        for cursor in (other, own[:-1], own[1:], own + "x", "MTIz"):
            response = api.get(f"/transfers?account_id={pod.id}&after={quote(cursor)}")
            assert error_of(response) == (400, "invalid_request")

    def test_of_a_hundred_cost_three_statements(self, client_with, pod, acme, income, rent, api):
        for number in range(101):
            post_transfer(api, *[(income, pod), (pod, rent)][number % 2], 1_00)
        reader = client_with("READ_TRANSFERS:*")
        page(reader, pod)

        with CaptureQueriesContext(connection) as statements:
            assert len(page(reader, pod, first=100)["data"]) == 100

        assert len(statements) <= STATEMENTS, [query["sql"][:80] for query in statements]
