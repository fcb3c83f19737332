"""Dry run: it says what ``POST /transfers`` then does, and each smallest change is enough alone and the smallest."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apikeys.authentication import find_key
from apikeys.entries import parse_permissions
from apikeys.models import SpendCounter
from sequence.core import clock
from sequence.core.api.ids import new_id
from sequence.core.money import MAX_CENTS
from tests.factories import set_balance
from tests.transfers.steps import error_of, post_transfer
from transfers.models import Transfer

# A Wednesday.
NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)


@pytest.fixture
def run(income, rent):
    """Return a function that asks for a dry run and returns its data."""

    def post(api, cents, source=income, destination=rent, headers=None, **more):
        body = {
            "source_account_id": source.id,
            "destination_account_id": destination.id,
            "amount_in_cents": cents,
            **more,
        }
        response = api.post("/transfers/dry-run", body, headers=headers)
        assert response.status_code == 200, response.content
        return response.json()["data"]

    return post


class TestAnswer:
    def test_of_what_goes(self, client_with, run, income, rent):
        data = run(client_with("MANUAL_TRANSFER:*>*@5000", f"READ_ACCOUNTS:{income.id}"), 50_00)

        assert data == {
            "verdict": "allowed",
            "code": None,
            "sentence": "Allowed: a worker would take it at once.",
            "would_complete": True,
            "transfer": {
                "amount_in_cents": 50_00,
                "direction": "internal",
                "origin": "user",
                "source": {"id": income.id, "name": income.name, "type": "income_source"},
                "destination": {"id": rent.id, "name": rent.name, "type": "pod"},
                "expected_status": "processing",
            },
            "checks": [
                _check("route", "pass"),
                _check("max_amount", "pass", entry=0, limit=50_00),
                _check("balance", "pass"),
            ],
            "smallest_changes": [],
        }

    def test_of_what_a_person_approves(self, client_with, run):
        data = run(client_with("LIST_RULES", "MANUAL_TRANSFER:*>*;approval=3000"), 50_00)

        assert (data["verdict"], data["code"], data["would_complete"]) == ("needs_approval", None, None)
        assert data["sentence"] == "Needs approval: above 3,000 cents a person decides."
        assert data["transfer"]["expected_status"] == "pending_approval"
        assert data["checks"][1] == _check("approval", "approval", entry=1, limit=30_00)
        assert data["smallest_changes"] == [
            {"change": "amount_in_cents", "to": 30_00, "verdict": "allowed"},
            {"change": "approval", "to": None, "verdict": "allowed"},
            {"change": "permission", "to": {"approval_above": 50_00}, "verdict": "allowed"},
        ]

    def test_of_what_a_person_approves_tells_the_entry_that_lets_it_through(self, client_with, run):
        data = run(client_with("MANUAL_TRANSFER:*>*;day=1000;approval=500", "MANUAL_TRANSFER:*>*;approval=3000"), 50_00)

        assert data["sentence"] == "Needs approval: above 3,000 cents a person decides."

    def test_of_what_a_cap_refuses(self, client_with, run, ask, set_clock):
        set_clock(NOON)
        api = client_with("MANUAL_TRANSFER:*>*;day=6000")
        assert ask(api, 45_00) == "processing"

        data = run(api, 20_00)

        assert (data["verdict"], data["code"]) == ("refused", "max_amount_exceeded")
        assert data["sentence"] == (
            "Refused: 4,500 of 6,000 cents a day are used, so at most 1,500 more until 2026-07-16T00:00:00Z."
        )
        assert data["transfer"]["expected_status"] is None
        day = _check("day", "fail", entry=0, limit=60_00, used=45_00, resets_at="2026-07-16T00:00:00Z")
        assert data["checks"] == [_check("route", "pass"), day, _check("balance", "unknown")]
        assert data["smallest_changes"] == [
            {"change": "amount_in_cents", "to": 15_00, "verdict": "allowed"},
            {"change": "not_before", "to": "2026-07-16T00:00:00Z", "verdict": "allowed"},
            {"change": "permission", "to": {"max_amount_per_day": 65_00}, "verdict": "allowed"},
        ]

    def test_of_more_than_any_limit_can_be_tells_no_permission_that_would_do(self, client_with, run, ask):
        api = client_with("MANUAL_TRANSFER:*>*;day=6000")
        assert ask(api, 45_00) == "processing"

        data = run(api, MAX_CENTS - 45_00 + 1)
        assert [change["change"] for change in data["smallest_changes"]] == ["amount_in_cents"]

        data = run(api, MAX_CENTS - 45_00)
        assert data["smallest_changes"][-1]["to"] == {"max_amount_per_day": MAX_CENTS}

    def test_of_what_lacks_a_reason(self, client_with, run):
        api = client_with("MANUAL_TRANSFER:*>*;reason=required")

        data = run(api, 20_00)

        assert (data["verdict"], data["code"]) == ("refused", "invalid_request")
        assert data["checks"][1] == _check("reason", "fail", entry=0)
        assert data["smallest_changes"] == [
            {"change": "permission", "to": {"requires_reason": False}, "verdict": "allowed"}
        ]
        assert run(api, 20_00, headers={"X-Called-Reason": "Rent"})["verdict"] == "allowed"

    def test_of_a_way_that_there_is_not(self, client_with, run, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*")

        data = run(api, 20_00, source=rent, destination=income)

        assert (data["verdict"], data["code"]) == ("refused", "invalid_request")
        assert data["checks"][0] == _check("route", "fail")
        assert (data["transfer"]["direction"], data["smallest_changes"]) == (None, [])
        assert error_of(post_transfer(api, rent, income, 20_00)) == (400, "invalid_request")

    def test_names_an_account_as_it_is_called(self, client_with, run, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*", "READ_ACCOUNTS:*")

        data = run(api, 20_00, source=rent, destination=income)

        assert data["sentence"] == "Refused: Payroll cannot be a destination."

    def test_of_too_little_money_is_no_refusal(self, client_with, run, income):
        data = run(client_with("MANUAL_TRANSFER:*>*", "READ_ACCOUNTS:*"), 100_01)

        assert (data["verdict"], data["would_complete"]) == ("allowed", False)
        assert data["checks"][-1] == _check("balance", "fail")
        assert "incomplete" in data["sentence"]

    def test_tells_the_checks_of_every_matching_entry(self, client_with, run, income, rent, savings):
        api = client_with(
            f"MANUAL_TRANSFER:*>{savings.id};day=6000",
            "MANUAL_TRANSFER:*>*@3000;day=4000;week=5000;month=6000;count_day=7;count_week=8;count_month=9;approval=1000",
            f"MANUAL_TRANSFER:{income.id}>{rent.id};reason=required",
        )

        names = [(check["check"], check["entry"]) for check in run(api, 20_00)["checks"]]

        limits = ["max_amount", "day", "week", "month", "count_day", "count_week", "count_month", "approval"]
        assert names == [("route", None), *((name, 1) for name in limits), ("reason", 2), ("balance", None)]


def _check(name, verdict, **facts):
    return {"check": name, "entry": None, "verdict": verdict, "limit": None, "used": None, "resets_at": None, **facts}


class TestDoor:
    """What ``POST /transfers`` refuses at the door is refused in the same way."""

    @pytest.mark.parametrize(
        ("body", "outcome"),
        [
            ({"amount_in_cents": 99}, (400, "invalid_request")),
            ({"colour": "red"}, (400, "invalid_request")),
            ({"description": "x" * 11}, (400, "invalid_request")),
            ({"not_before": "2026-07-15T12:00:00Z"}, (400, "invalid_request")),
            ({"not_before": "2026-07-16T12:00:00"}, (400, "invalid_request")),
            ({"destination_account_id": new_id("acc")}, (404, "not_found")),
        ],
    )
    def test_refuses_alike(self, client_with, income, rent, set_clock, body, outcome):
        set_clock(NOON)
        api = client_with("MANUAL_TRANSFER:*>*")
        whole = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 500, **body}

        answers = [api.post(path, whole) for path in ("/transfers/dry-run", "/transfers")]

        assert [error_of(answer) for answer in answers] == [outcome] * 2
        refusals = [answer.json()["error"] for answer in answers]
        assert refusals[0] == refusals[1]

    def test_refuses_a_pair_that_no_entry_reaches(self, client_with, income, rent, savings):
        api = client_with(f"MANUAL_TRANSFER:*>{savings.id}")
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 500}

        assert error_of(api.post("/transfers/dry-run", body)) == (403, "forbidden")

    def test_takes_no_idempotency_key_into_account(self, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*")
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 500}

        first = api.post("/transfers/dry-run", body, idempotency_key="once")
        second = api.post("/transfers/dry-run", {**body, "amount_in_cents": 600}, idempotency_key="once")
        real = api.post("/transfers", body, idempotency_key="once")

        assert [answer.status_code for answer in (first, second, real)] == [200, 200, 201]
        assert "Idempotent-Replayed" not in real.headers


class TestEffects:
    def test_are_none(self, client_with, run):
        api = client_with("MANUAL_TRANSFER:*>*;day=6000")
        run(api, 20_00)  # The use of the key is noted once a minute.

        with CaptureQueriesContext(
            connection,
        ) as queries:
            run(api, 70_00)

        statements = [query["sql"] for query in queries]
        assert not any(word in text for text in statements for word in ("INSERT", "UPDATE", "FOR KEY SHARE", "LOCK"))
        assert not Transfer.objects.exclude(api_key=None).exists()
        assert not SpendCounter.objects.exists()

    @pytest.mark.parametrize("cents", [70_00, 200_00])
    def test_of_a_refusal_tell_nothing_of_such_a_balance_either(self, client_with, income, rent, cents):
        api = client_with("MANUAL_TRANSFER:*>*@15000;day=6000;approval=3000")
        told = []
        for balance in (100_00, 1_00):
            set_balance(income, balance)
            told.append(post_transfer(api, income, rent, cents).json()["error"])

        assert told[0] == told[1]

    @pytest.mark.parametrize("cents", [20_00, 70_00, 200_00])
    def test_tell_nothing_of_a_balance_that_the_key_may_not_read(self, client_with, run, income, cents):
        api = client_with("MANUAL_TRANSFER:*>*@15000;day=6000;approval=3000")
        told = []
        for balance in (100_00, 1_00):
            set_balance(income, balance)
            told.append((run(api, cents), api.get("/key").json()["data"]["permissions"]))

        assert told[0] == told[1]


class TestWhoPays:
    def test_is_the_entry_that_the_dry_run_has_found(self, client_with, run, income, rent, ask):
        api = client_with("MANUAL_TRANSFER:*>*;day=1000", f"MANUAL_TRANSFER:{income.id}>*;day=5000")
        caller = find_key(api.headers["Authorization"].split()[1], at=clock.now())

        assert run(api, 20_00)["verdict"] == "allowed"
        assert ask(api, 20_00) == "processing"

        [spent] = SpendCounter.objects.filter(period="day")
        assert spent.spend_id == caller.permissions[1].spend_id


def test_permissions_of_the_tests_are_what_they_say():
    [permission] = parse_permissions(["MANUAL_TRANSFER:*>*;count_day=3;reason=required"])

    assert (permission.max_count_per_day, permission.requires_reason) == (3, True)
    assert permission.as_text() == "MANUAL_TRANSFER:*>*;count_day=3;reason=required"
