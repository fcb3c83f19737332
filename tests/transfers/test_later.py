"""Transfers for later: asked for and counted now, looked for and moved when they are due."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from apikeys.models import SpendCounter
from rules.snapshots import _add_what_is_under_way, state_of
from sequence.core.admin.console import ConsoleQuery
from sequence.core.api.fields import show_time
from tests.staff import sign_in
from tests.transfers.steps import balances, error_of, fund, settle
from transfers.admin.console import stalled
from transfers.ledger_invariants import find_faults
from transfers.models import Transfer
from transfers.settlement import accept

# A Wednesday.
NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)


@pytest.fixture
def post(income, rent):
    """Return a function that asks for a transfer at a time."""

    def ask(api, at, cents=30_00, **options):
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": cents}
        return api.post("/transfers", {**body, "not_before": at if isinstance(at, str) else show_time(at)}, **options)

    return ask


class TestNotBefore:
    def test_is_told_last_and_waits_until_then(self, api, post, income, rent, set_clock):
        set_clock(NOON)
        due = NOON + timedelta(days=2)

        transfer = post(api, "2026-07-17T14:00:00+02:00").json()["data"]

        assert list(transfer)[-1] == "not_before"
        assert (transfer["status"], transfer["not_before"]) == ("processing", "2026-07-17T12:00:00Z")
        settle(due - timedelta(microseconds=1))
        assert balances(income, rent) == [100_00, 0]
        settle(due)
        assert balances(income, rent) == [70_00, 30_00]
        assert find_faults() == []

    def test_does_not_keep_others_waiting(self, api, post, ask, income, rent, set_clock):
        set_clock(NOON)
        for _ in range(3):
            post(api, NOON + timedelta(hours=1))
        assert ask(api, 10_00) == "processing"

        settle(NOON)

        assert balances(income, rent) == [90_00, 10_00]

    def test_waits_where_transfers_are_taken_one_after_another_too(
        self, api, post, income, rent, set_clock, monkeypatch
    ):
        def break_down(*_, **__):
            raise RuntimeError

        monkeypatch.setattr("transfers.settlement.settle_funded", break_down)
        set_clock(NOON)
        post(api, NOON + timedelta(days=1))

        accept(NOON)
        assert balances(income, rent) == [100_00, 0]
        accept(NOON + timedelta(days=1))
        assert balances(income, rent) == [70_00, 30_00]

    def test_looks_for_money_when_it_is_due(self, api, post, income, rent, set_clock):
        set_clock(NOON)
        post(api, NOON + timedelta(days=1), cents=150_00)
        fund(income, 50_00)

        settle(NOON + timedelta(days=1))

        assert balances(income, rent) == [0, 150_00]

    def test_may_be_cancelled_until_then(self, api, post, set_clock):
        set_clock(NOON)
        transfer = post(api, NOON + timedelta(days=1)).json()["data"]
        set_clock(NOON + timedelta(hours=23))

        answer = api.post(f"/transfers/{transfer['id']}/cancel")

        assert answer.json()["data"]["status"] == "cancelled"
        assert set(SpendCounter.objects.values_list("spent_cents", "uses")) == {(0, 0)}

    @pytest.mark.parametrize(
        "at",
        [
            NOON,
            NOON - timedelta(seconds=1),
            NOON + timedelta(days=90, microseconds=1),
            "2026-07-16T12:00:00",
            "2026-07-16",
            "tomorrow",
        ],
    )
    def test_is_after_now_and_at_most_90_days_ahead(self, api, post, set_clock, at):
        set_clock(NOON)

        response = post(api, at)

        assert error_of(response) == (400, "invalid_request")
        assert response.json()["error"]["details"][0]["field"] == "not_before"

    def test_is_looked_at_with_the_rest_of_the_body(self, api, income, rent, set_clock):
        set_clock(NOON)
        late = show_time(NOON + timedelta(days=91))
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "not_before": late, "amount": 1}

        for path in ("/transfers", "/transfers/dry-run"):
            details = api.post(path, body).json()["error"]["details"]
            assert {detail["field"] for detail in details} == {"amount", "amount_in_cents", "not_before"}

    def test_is_looked_at_before_the_accounts(self, client_with, post, rent, set_clock):
        set_clock(NOON)
        api = client_with(f"MANUAL_TRANSFER:{rent.id}>*")

        assert error_of(post(api, NOON)) == (400, "invalid_request")
        assert error_of(post(api, NOON + timedelta(days=1))) == (403, "forbidden")

    def test_may_be_90_days_ahead(self, api, post, set_clock):
        set_clock(NOON)

        assert post(api, NOON + timedelta(days=90)).status_code == 201

    def test_repeated_after_it_was_due_is_answered_as_before(self, api, post, set_clock):
        set_clock(NOON)
        due = show_time(NOON + timedelta(hours=1))
        first = post(api, due, idempotency_key="once")
        set_clock(NOON + timedelta(hours=2))

        again = post(api, due, idempotency_key="once")

        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.json()["data"] == first.json()["data"]
        assert Transfer.objects.filter(api_key__isnull=False).count() == 1

    def test_never_changes(self, api, post, set_clock):
        set_clock(NOON)
        post(api, NOON + timedelta(days=1))

        with pytest.raises(Exception, match="never changes"), connection.cursor() as cursor:
            cursor.execute("UPDATE transfers_transfer SET not_before = NULL WHERE not_before IS NOT NULL")


class TestCaps:
    def test_count_it_in_the_periods_in_which_it_is_due(self, client_with, post, ask, set_clock):
        set_clock(NOON)
        api = client_with("MANUAL_TRANSFER:*>*;day=3000;count_day=1")

        assert post(api, NOON + timedelta(days=1), cents=30_00).status_code == 201
        assert error_of(post(api, NOON + timedelta(days=1, hours=11), cents=1_00)) == (403, "max_amount_exceeded")
        assert ask(api, 30_00) == "processing"
        set_clock(NOON + timedelta(days=1))
        assert ask(api, 1_00) == "max_amount_exceeded"
        assert find_faults() == []

    def test_get_it_back_in_those_periods(self, client_with, post, ask, set_clock):
        set_clock(NOON)
        api = client_with("MANUAL_TRANSFER:*>*;day=3000")
        transfer = post(api, NOON + timedelta(days=1), cents=30_00).json()["data"]

        api.post(f"/transfers/{transfer['id']}/cancel")

        set_clock(NOON + timedelta(days=1))
        assert ask(api, 30_00) == "processing"
        assert find_faults() == []

    def test_get_back_what_lacks_funds_when_it_is_due(self, client_with, post, set_clock, income, rent):
        set_clock(NOON)
        api = client_with("MANUAL_TRANSFER:*>*;day=30000")
        post(api, NOON + timedelta(days=1), cents=300_00)

        settle(NOON + timedelta(days=1))

        assert balances(income, rent) == [100_00, 0]
        assert set(SpendCounter.objects.values_list("spent_cents", "uses")) == {(0, 0)}
        assert find_faults() == []


class TestWorkersLook:
    def test_stays_within_an_index_however_much_waits(self, acme):
        due = Transfer.objects.accepted().due(NOON).ready(NOON)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        plan = due[:100].explain()

        condition = next(line for line in plan.splitlines() if "Index Cond" in line)
        assert "transfer_due" in plan
        assert "COALESCE(not_before" in condition


class TestWhatIsDueLater:
    def test_does_not_stand_still_in_the_eyes_of_staff(self, api, post, set_clock):
        set_clock(NOON)
        post(api, NOON + timedelta(days=1))
        set_clock(NOON + timedelta(hours=1))
        assert stalled(ConsoleQuery(at=NOON + timedelta(hours=1))).count == 0

        assert stalled(ConsoleQuery(at=NOON + timedelta(days=1, minutes=2))).count == 1

    def test_is_told_on_its_page(self, api, post, set_clock):
        set_clock(NOON)
        transfer = post(api, NOON + timedelta(days=1), headers={"X-Called-Reason": "The rent"}).json()["data"]

        page = sign_in(is_superuser=True).get(f"/admin/transfers/transfer/{transfer['id']}/change/").content.decode()

        assert "The rent" in page
        assert "2026-07-16 12:00" in page or "July 16, 2026" in page

    def test_is_no_matter_to_a_rule_that_runs_now(self, api, post, set_clock, income, rent):
        set_clock(NOON)
        post(api, NOON + timedelta(days=1), cents=60_00)
        states = {account.id: state_of(account) for account in (income, rent)}

        _add_what_is_under_way(states, NOON)
        assert (states[income.id].outgoing_cents, states[rent.id].incoming_cents) == (0, 0)

        _add_what_is_under_way(states, NOON + timedelta(days=1))
        assert (states[income.id].outgoing_cents, states[rent.id].incoming_cents) == (60_00, 60_00)
