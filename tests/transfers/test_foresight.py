"""Foresight of many transfers is that of each alone, in states made by chance, and costs the same for all."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey, SpendCounter
from apikeys.services import rotate_api_key, set_organization_status, set_permissions
from sequence.core.api.fields import show_time
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory, set_balance
from tests.transfers.steps import settle
from transfers.foresight import foresee, foresee_all, shortfalls_together
from transfers.models import AchLimits, ErrorCode, Status, Transfer
from transfers.services import approve_transfer

# A Wednesday.
NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
LIMITS = ("@90000;day=120000;month=300000;approval=0", ";approval=0", ";count_day=4;week=100000;approval=0")


@pytest.fixture
def houses(acme, globex):
    """Each organization's pod, income source and bank."""
    return {
        organization.id: [
            PodFactory(organization=organization, balance_cents=100_000),
            IncomeSourceFactory(organization=organization, balance_cents=70_000),
            ExternalAccountFactory(organization=organization, balance_cents=50_000),
        ]
        for organization in (acme, globex)
    }


@pytest.fixture
def waiting(client_with, acme, globex, houses, set_clock):
    """A dozen transfers of four keys of two organizations, some due on other days."""
    set_clock(NOON)
    for organization, limits in [(acme, LIMITS[0]), (acme, LIMITS[1]), (globex, LIMITS[2]), (globex, LIMITS[0])]:
        api = client_with(f"MANUAL_TRANSFER:*>*{limits}", organization=organization)
        pod, income, bank = houses[organization.id]
        for source, destination, days in [(pod, bank, 0), (income, pod, 3), (bank, pod, 40)]:
            due = {"not_before": show_time(NOON + timedelta(days=days))} if days else {}
            ends = {"source_account_id": source.id, "destination_account_id": destination.id}
            answer = api.post("/transfers", {**ends, "amount_in_cents": 30_000, **due})
            assert answer.json()["data"]["status"] == "pending_approval"
    return Transfer.objects.waiting_for_a_person()


def read(waiting):
    return list(waiting.with_accounts().select_related("api_key"))


def keys():
    return list(ApiKey.objects.order_by("created_at", "id"))


# What happens to the world meanwhile: with whatever number, each picks what it happens to.
def _pause(number):
    ApiKey.objects.filter(id=keys()[number % 4].id).update(paused_at=NOON, paused_by="staff:bob")


def _revoke(number):
    ApiKey.objects.filter(id=keys()[number % 4].id).update(revoked_at=NOON)


def _rotate(number):
    key = keys()[number % 4]
    if key.is_usable(NOON) and not hasattr(key, "successor"):
        rotate_api_key(key_id=key.id, overlap=timedelta(hours=number % 3), rotated_by="staff:bob")


def _permit(number):
    key = keys()[number % 4]
    account = Account.objects.filter(organization=key.organization_id).order_by("id")[number % 3]
    entries = [f"MANUAL_TRANSFER:{account.id}>*;day={number * 5_000 + 1}", "MANUAL_TRANSFER:*>*@40000"][number % 2 :]
    if key.is_usable(NOON):
        set_permissions(key_id=key.id, permissions=parse_permissions(entries), changed_by="staff:bob")


def _suspend(number):
    organization_id = keys()[number % 4].organization_id
    set_organization_status(organization_id=organization_id, status="suspended")


def _delete(number):
    account = Account.objects.order_by("id")[number % 6]
    if not account.held_cents:
        set_balance(account, 0)
        Account.objects.filter(id=account.id).update(deleted_at=NOON)


def _spend(number):
    counter = SpendCounter.objects.order_by("id")[number % SpendCounter.objects.count()]
    SpendCounter.objects.filter(id=counter.id).update(spent_cents=number * 10_000, uses=number)


def _move(number):
    account = Account.objects.order_by("id")[number % 6]
    if account.deleted_at is None:
        set_balance(account, number * 5_000 + account.held_cents)


def _limit(number):
    organization_id = keys()[number % 4].organization_id
    limits = {"daily_credit_cents": number * 5_000, "monthly_debit_cents": 20_000 + number * 2_000}
    AchLimits.objects.update_or_create(organization_id=organization_id, defaults=limits)


def _decide(number):
    transfer = Transfer.objects.order_by("id")[number % 12]
    if transfer.status == Status.PENDING_APPROVAL and foresee(transfer).refusal is None:
        approve_transfer(transfer_id=transfer.id, by="staff:zoe")
        settle(NOON)


HAPPENINGS = [_pause, _revoke, _rotate, _permit, _suspend, _delete, _spend, _move, _limit, _decide]
happenings = st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 20)), max_size=6)


class TestForeseeAll:
    def test_tells_of_each_what_is_told_of_it_alone(self, waiting, by_length):
        seen = set()

        @settings(
            max_examples=by_length(5, 100, 3_000),
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        )
        @given(happenings)
        @example([(_move, 0), (_limit, 3), (_rotate, 3)])
        @example([(_pause, 0), (_revoke, 1), (_permit, 2), (_suspend, 3)])
        @example([(_delete, 2), (_spend, 20), (_rotate, 0), (_decide, 4)])
        def check(happened):
            with transaction.atomic():
                for happening, number in happened:
                    happening(number)
                listed = read(waiting)
                together = foresee_all(listed)
                assert together == [foresee(transfer) for transfer in listed]
                seen.update(_kind_of(foresight) for foresight in together)
                transaction.set_rollback(True)

        check()
        check_that_chance_met_them(seen)

    def test_costs_the_same_for_three_and_for_a_dozen(self, waiting, acme, globex):
        AchLimits.objects.create(organization=acme, daily_credit_cents=50_000)
        AchLimits.objects.create(organization=globex, monthly_debit_cents=50_000)
        listed = read(waiting)

        def cost(transfers):
            with CaptureQueriesContext(connection) as captured:
                foresee_all(transfers)
            return len(captured)

        # Keys with their entries; usage; accounts; limits, and what is used of them.
        assert cost(listed[:3]) == cost(listed) == 6

    def test_of_none_is_none(self, db):
        assert foresee_all([]) == []


def _kind_of(foresight):
    if foresight.refusal:
        return foresight.refusal
    return "short" if foresight.shortfall_cents else foresight.rail_limit or "payable"


def check_that_chance_met_them(seen):
    assert {"payable", "short", ErrorCode.DAILY_ACH_CREDIT_LIMIT_REACHED} <= seen
    told = " ".join(seen)
    assert all(words in told for words in ("revoked or expired", "paused", "suspended", "not found", "no longer allow"))


class TestShortfallsTogether:
    def test_are_what_each_meets_once_those_before_it_are_paid(self, waiting, acme, houses):
        """As told alone, after the service has approved the earlier ones and a worker has paid them."""
        pod = houses[acme.id][0]
        set_balance(pod, 50_000)  # For one of the two that draw on it.
        now = Transfer.objects.waiting_for_a_person().filter(organization=acme, not_before=None)
        listed = read(now)
        assert [transfer.source_id for transfer in listed] == [pod.id, pod.id]

        foresights = foresee_all(listed)
        told = list(shortfalls_together(listed, foresights))

        assert [foresight.shortfall_cents for foresight in foresights] == [0, 0]
        assert told == [0, 10_000]
        approve_transfer(transfer_id=listed[0].id, by="staff:zoe")
        settle(NOON)
        [second] = read(now)
        assert foresee(second).shortfall_cents == told[1]

    def test_leave_out_what_cannot_be_paid_anyway(self, waiting, acme, houses):
        pod = houses[acme.id][0]
        set_balance(pod, 50_000)
        first, second = read(Transfer.objects.waiting_for_a_person().filter(organization=acme, not_before=None))
        ApiKey.objects.filter(id=first.api_key_id).update(paused_at=NOON, paused_by="staff:bob")
        foresights = foresee_all([first, second])

        assert [foresight.can_be_paid for foresight in foresights] == [False, True]
        assert list(shortfalls_together([first, second], foresights)) == [0, 0]
