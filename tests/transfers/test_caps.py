"""What a key may move at most: caps of one transfer, of a day, a week, a month."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apikeys.caps import read_usage
from apikeys.entries import parse_permissions
from apikeys.limits import SpendPeriod, starts_on
from apikeys.models import SpendCounter
from apikeys.services import create_api_key, rotate_api_key, set_permissions
from sequence.core.money import MAX_CENTS
from tests.apikeys.test_idempotency import key_of
from tests.client import Api
from tests.transfers.steps import (
    assert_nothing_moved,
    error_of,
    fund,
    post_transfer,
    settle,
    status_of,
    transfer_between,
)
from transfers.ledger_invariants import find_faults
from transfers.models import Transfer
from transfers.services import reject_transfer
from transfers.settlement import accept, submit
from transfers.simulated_rail_control import fail_payment, return_payment, settle_payment

# A Wednesday.
NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)


PERIODS = ["day", "week", "month"]


class TestStartsOn:
    @pytest.mark.parametrize(
        ("at", "day", "week", "month"),
        [
            ("2026-07-13T00:00:00+00:00", "2026-07-13", "2026-07-13", "2026-07-01"),
            ("2026-07-12T23:59:59.999999+00:00", "2026-07-12", "2026-07-06", "2026-07-01"),
            ("2026-07-31T23:59:59+00:00", "2026-07-31", "2026-07-27", "2026-07-01"),
            ("2026-08-01T00:00:00+00:00", "2026-08-01", "2026-07-27", "2026-08-01"),
            ("2027-01-01T00:00:00+00:00", "2027-01-01", "2026-12-28", "2027-01-01"),
            ("2028-02-29T12:00:00+00:00", "2028-02-29", "2028-02-28", "2028-02-01"),
            ("2026-07-13T01:30:00+02:00", "2026-07-12", "2026-07-06", "2026-07-01"),
        ],
    )
    def test_is_the_first_day_of_the_period_in_utc(self, at, day, week, month):
        instant = datetime.fromisoformat(at)

        assert [starts_on(period, instant).isoformat() for period in SpendPeriod] == [day, week, month]


class TestMaxAmount:
    def test_is_of_one_transfer_and_may_be_reached(self, client_with, ask):
        api = client_with("MANUAL_TRANSFER:*>*@3000")

        assert [ask(api, cents) for cents in (30_00, 30_00, 30_01)] == [
            "processing",
            "processing",
            "max_amount_exceeded",
        ]

    def test_is_told_with_the_pair_that_it_guards(self, client_with, income, rent):
        response = post_transfer(client_with("MANUAL_TRANSFER:*>*@3000"), income, rent, 30_01)

        assert error_of(response) == (403, "max_amount_exceeded")
        assert "3000 cents a transfer" in response.json()["error"]["message"]
        assert_nothing_moved()
        assert not Transfer.objects.exclude(api_key=None).exists()


class TestPeriodCaps:
    @pytest.mark.parametrize("period", PERIODS)
    def test_hold_to_the_cent(self, client_with, ask, period):
        api = client_with(f"MANUAL_TRANSFER:*>*;{period}=3000")

        assert [ask(api, cents) for cents in (20_00, 10_01, 10_00, 1_00)] == [
            "processing",
            "max_amount_exceeded",
            "processing",
            "max_amount_exceeded",
        ]
        assert find_faults() == []

    @pytest.mark.parametrize(
        ("period", "last", "first"),
        [
            ("day", "2026-07-15T23:59:59.999999", "2026-07-16T00:00:00"),
            ("week", "2026-07-19T23:59:59.999999", "2026-07-20T00:00:00"),
            ("month", "2026-07-31T23:59:59.999999", "2026-08-01T00:00:00"),
            ("month", "2028-02-29T23:59:59.999999", "2028-03-01T00:00:00"),
            ("week", "2026-12-27T23:59:59.999999", "2026-12-28T00:00:00"),
        ],
    )
    def test_begin_anew_with_the_period(self, client_with, ask, set_clock, period, last, first):
        api = client_with(f"MANUAL_TRANSFER:*>*;{period}=3000")
        last, first = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (last, first))

        set_clock(last - timedelta(hours=23))
        assert ask(api, 30_00) == "processing"
        set_clock(last)
        assert ask(api, 1_00) == "max_amount_exceeded"
        set_clock(first)
        assert ask(api, 30_00) == "processing"
        assert ask(api, 1_00) == "max_amount_exceeded"
        assert find_faults() == []

    def test_all_hold_at_once(self, client_with, ask, set_clock):
        api = client_with("MANUAL_TRANSFER:*>*@2000;day=3000;week=5000;month=6000")
        outcomes = []
        for day, cents in ((13, 20_01), (13, 20_00), (13, 10_01), (13, 10_00), (14, 20_01), (14, 20_00), (15, 1_00)):
            set_clock(NOON.replace(day=day))
            outcomes.append(ask(api, cents))
        set_clock(NOON.replace(day=20))
        outcomes += [ask(api, 10_01), ask(api, 10_00)]

        refused, accepted = "max_amount_exceeded", "processing"
        assert outcomes == [refused, accepted, refused, accepted, refused, accepted, refused, refused, accepted]

    def test_of_an_entry_count_what_went_through_that_entry_only(self, client_with, ask, rent, savings):
        api = client_with(f"MANUAL_TRANSFER:*>{rent.id};day=3000,*>{savings.id};day=2000")

        assert ask(api, 30_00) == "processing"
        assert ask(api, 1_00) == "max_amount_exceeded"
        assert ask(api, 20_00, destination=savings) == "processing"
        assert ask(api, 1_00, destination=savings) == "max_amount_exceeded"

    def test_of_one_key_are_none_of_another(self, client_with, ask):
        one, other = client_with("MANUAL_TRANSFER:*>*;day=3000"), client_with("MANUAL_TRANSFER:*>*;day=3000")

        assert ask(one, 30_00) == ask(other, 30_00) == "processing"

    def test_of_several_entries_add_up(self, client_with, ask, rent):
        api = client_with(f"MANUAL_TRANSFER:*>*;day=3000,*>{rent.id};day=2000")

        assert [ask(api, cents) for cents in (30_00, 20_00, 1_00)] == [
            "processing",
            "processing",
            "max_amount_exceeded",
        ]
        assert find_faults() == []


class TestWhoWasFaster:
    """An entry is chosen without a lock; what counts is what stands in its counters when it is counted."""

    @pytest.fixture
    def once_stale(self, monkeypatch):
        """Let the first look see counters in which nothing stands yet."""
        looks = []

        def read(organization_id, ids, at):
            looks.append(at)
            return {} if len(looks) == 1 else read_usage(organization_id, ids, at)

        monkeypatch.setattr("transfers.asking.read_usage", read)
        return looks

    @pytest.mark.parametrize("period", PERIODS)
    def test_leaves_no_transfer_beyond_the_count(self, client_with, ask, once_stale, period):
        api = client_with(f"MANUAL_TRANSFER:*>*;count_{period}=1")
        assert ask(api, 1_00) == "processing"
        once_stale.clear()

        assert ask(api, 1_00) == "max_amount_exceeded"

        assert len(once_stale) == 2
        assert set(SpendCounter.objects.values_list("spent_cents", "uses")) == {(1_00, 1)}

    @pytest.mark.parametrize("period", PERIODS)
    def test_leaves_nothing_beyond_the_cap(self, client_with, ask, once_stale, period):
        api = client_with(f"MANUAL_TRANSFER:*>*;{period}=10000")
        assert ask(api, 9_000) == "processing"
        once_stale.clear()

        assert ask(api, 1_001) == "max_amount_exceeded"

        assert len(once_stale) == 2
        assert Transfer.objects.filter(api_key__isnull=False).count() == 1
        assert set(SpendCounter.objects.values_list("spent_cents", "uses")) == {(9_000, 1)}

    def test_leaves_it_to_another_entry(self, client_with, ask, once_stale, rent, income):
        api = client_with("MANUAL_TRANSFER:*>*;day=10000", f"MANUAL_TRANSFER:{income.id}>*;day=10000")
        assert ask(api, 9_000) == "processing"
        once_stale.clear()

        assert ask(api, 9_000) == "processing"

        assert len(once_stale) == 2
        assert sorted(SpendCounter.objects.filter(period="day").values_list("spent_cents", flat=True)) == [9_000, 9_000]


class TestWhatCounts:
    """Pending included, failed and cancelled given back."""

    @pytest.fixture
    def api(self, client_with):
        return client_with("MANUAL_TRANSFER:*>*;day=3000;week=3000;month=3000")

    @pytest.fixture
    def spent(self):
        def look():
            return sorted(SpendCounter.objects.values_list("spent_cents", flat=True))

        return look

    def test_counts_what_waits_for_approval(self, client_with, ask):
        api = client_with("MANUAL_TRANSFER:*>*;day=3000;approval=0")

        assert [ask(api, 30_00), ask(api, 1_00)] == ["pending_approval", "max_amount_exceeded"]

    def test_counts_what_is_pending_and_what_is_complete(self, api, ask, income, bank, later, spent):
        transfer_between(api, income, bank, 30_00)
        for step in (accept, submit):
            step(timezone.now())
            assert ask(api, 1_00) == "max_amount_exceeded"
        settle(later())

        assert ask(api, 1_00) == "max_amount_exceeded"
        assert spent() == [30_00] * 3

    def end(self, how, api, transfer, later):
        accept(later(0))
        if how == "failed":
            fail_payment(transfer.id, "payment_failed")
        if how == "returned":
            settle_payment(transfer.id)
            return_payment(transfer.id, "payment_failed")

    @pytest.mark.parametrize("how", ["failed", "returned"])
    def test_gives_back_what_failed_or_came_back(self, api, ask, income, bank, later, spent, how):
        transfer = transfer_between(api, income, bank, 30_00)

        self.end(how, api, transfer, later)

        assert status_of(transfer)[0] == "error"
        assert spent() == [0] * 3
        assert ask(api, 30_00) == "processing"
        assert find_faults() == []

    def test_gives_back_what_was_cancelled(self, api, ask, income, rent, spent):
        transfer = transfer_between(api, income, rent, 30_00)
        for _ in range(2):
            api.post(f"/transfers/{transfer.id}/cancel")

        assert spent() == [0] * 3
        assert ask(api, 30_00) == "processing"

    def test_gives_back_what_lacked_funds(self, api, client_with, ask, income, rent, spent):
        assert ask(client_with("MANUAL_TRANSFER:*>*"), 100_00) == "processing"
        assert ask(api, 30_00) == "processing"
        settle()

        assert ask(api, 30_00) == "processing"
        assert find_faults() == []

    def test_gives_back_what_was_rejected(self, client_with, ask, income, rent, spent):
        api = client_with("MANUAL_TRANSFER:*>*;day=3000;approval=0")
        transfer = transfer_between(api, income, rent, 30_00)
        reject_transfer(transfer_id=transfer.id, by="staff:ann")

        assert spent() == [0] * 3
        assert ask(api, 30_00) == "pending_approval"

    def test_gives_back_to_the_day_that_it_was_taken_from(self, api, ask, income, rent, set_clock):
        set_clock(NOON)
        transfer = transfer_between(api, income, rent, 30_00)
        set_clock(NOON + timedelta(days=30))
        assert ask(api, 30_00) == "processing"
        api.post(f"/transfers/{transfer.id}/cancel")

        assert ask(api, 1_00) == "max_amount_exceeded"
        assert find_faults() == []

    def test_counts_beyond_what_a_bigint_holds(self, client_with, income, rent):
        """Nothing caps this entry, so nothing may refuse its 1,025th transfer of the largest amount."""
        free = client_with("MANUAL_TRANSFER:*>*")
        transfer_between(free, income, rent, 1_00)
        SpendCounter.objects.update(spent_cents=2**63 - 1)

        transfer = transfer_between(free, income, rent, MAX_CENTS)

        def told() -> set[int]:
            [entry] = free.get("/key").json()["data"]["permissions"]
            return {entry["usage"][period]["spent_in_cents"] for period in PERIODS}

        assert told() == {2**63 - 1 + MAX_CENTS}
        free.post(f"/transfers/{transfer.id}/cancel")
        assert told() == {2**63 - 1}

    def test_counts_nothing_of_a_refusal(self, api, ask, spent):
        assert ask(api, 30_01) == "max_amount_exceeded"

        assert set(spent()) <= {0}
        assert find_faults() == []


class TestAnotherKey:
    @pytest.fixture
    def key_and_api(self, acme):
        key, token = create_api_key(
            organization=acme,
            name="Payments",
            permissions=parse_permissions(["MANUAL_TRANSFER:*>*;day=3000;approval=2000"]),
            created_by="staff:ann",
        )
        return key, Api(token)

    def test_that_replaces_one_goes_on_with_what_that_has_spent(self, key_and_api, ask):
        key, old = key_and_api
        assert ask(old, 20_00) == "processing"
        _, token = rotate_api_key(key_id=key.id, overlap=timedelta(hours=24), rotated_by="test")
        new = Api(token)

        assert ask(new, 10_01) == "max_amount_exceeded"
        assert ask(new, 5_00) == "processing"
        assert ask(old, 5_01) == "max_amount_exceeded"
        assert ask(old, 5_00) == "processing"
        assert find_faults() == []

    def test_that_replaces_one_pays_a_repeated_request_once(self, key_and_api, income, rent):
        key, old = key_and_api
        first = post_transfer(old, income, rent, 20_00, idempotency_key="same")
        _, token = rotate_api_key(key_id=key.id, overlap=timedelta(hours=24), rotated_by="test")

        again = post_transfer(Api(token), income, rent, 20_00, idempotency_key="same")

        assert again.content == first.content
        assert Transfer.objects.exclude(api_key=None).count() == 1

    def test_with_its_permissions_written_anew_goes_on_for_the_same_pair(self, key_and_api, ask):
        key, api = key_and_api
        assert ask(api, 20_00) == "processing"
        set_permissions(
            key_id=key.id, permissions=parse_permissions(["MANUAL_TRANSFER:*>*;day=2500"]), changed_by="staff:bob"
        )

        assert [ask(api, 5_01), ask(api, 5_00)] == ["max_amount_exceeded", "processing"]

    def test_with_another_pair_begins_anew(self, key_and_api, ask, income):
        key, api = key_and_api
        assert ask(api, 20_00) == "processing"
        set_permissions(
            key_id=key.id,
            permissions=parse_permissions([f"MANUAL_TRANSFER:{income.id}>*;day=2500"]),
            changed_by="staff:bob",
        )

        assert ask(api, 25_00) == "processing"


class TestUseOfAnEntry:
    """What went through an entry is kept when it is removed and written anew for the same pair."""

    @pytest.fixture
    def spent(self, client_with, income, rent):
        fund(income, 1000_00)
        api = client_with(f"MANUAL_TRANSFER:{income.id}>{rent.id};day=10000")
        assert post_transfer(api, income, rent, 60_00).status_code == 201
        return api

    def rewrite(self, api, *texts):
        for text in ("LIST_RULES", *texts):
            set_permissions(key_id=key_of(api).id, permissions=parse_permissions([text]), changed_by="test")

    def test_outlives_it(self, spent, income, rent):
        self.rewrite(spent, f"MANUAL_TRANSFER:{income.id}>{rent.id};day=10000")

        assert error_of(post_transfer(spent, income, rent, 40_01)) == (403, "max_amount_exceeded")
        assert post_transfer(spent, income, rent, 40_00).status_code == 201

    def test_outlives_another_that_came_between(self, spent, income, rent):
        self.rewrite(spent, "MANUAL_TRANSFER:*>*", f"MANUAL_TRANSFER:{income.id}>{rent.id};day=10000")

        assert error_of(post_transfer(spent, income, rent, 40_01)) == (403, "max_amount_exceeded")

    def test_of_two_entries_for_one_pair_stays_apart(self, spent, income, rent):
        pair = f"MANUAL_TRANSFER:{income.id}>{rent.id}"
        for texts in (["LIST_RULES"], [f"{pair};day=10000", f"{pair};day=5000"]):
            set_permissions(key_id=key_of(spent).id, permissions=parse_permissions(texts), changed_by="test")

        assert post_transfer(spent, income, rent, 50_00).status_code == 201
        assert error_of(post_transfer(spent, income, rent, 40_01)) == (403, "max_amount_exceeded")

    def test_is_counted_in_transfers_too(self, spent):
        assert set(SpendCounter.objects.values_list("spent_cents", "uses")) == {(60_00, 1)}
