"""SQL by hand does what the plain code does, row for row, on states made by chance.

``--hypothesis-seed=N`` repeats a run; a failure prints how to.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations, product
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ulid import ULID

from accounts.models import Account
from apikeys.limits import SpendPeriod, starts_on
from apikeys.models import ApiKey, Organization, SpendCounter
from sequence.core.events.models import Event
from sequence.core.money import MAX_CENTS
from sequence.core.sweeps import do_batch
from tests.factories import PodFactory, set_balance
from transfers import settlement
from transfers.models import AchLimits, Direction, EntrySet, Origin, Posting, SimulatedPayment, Transfer
from transfers.sql import sweeps as sql_of_sweeps

NOW = timezone.now()
OURS = ("income", "rent", "savings", "spare", "gone")
OUTSIDE = ("bank", "card")
THEIRS = ("theirs", "theirs too")
SPEND_ID = "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a"
STALLED = {
    "never": None,
    "lately": NOW - timedelta(minutes=1),
    "long ago": NOW - timedelta(hours=1),
    "in the future": NOW + timedelta(hours=1),
}

# Mostly plain payments among three accounts, so that they get into each other's way.
PAIRS = [
    *[pair for pair in permutations(OURS[:3], 2) for _ in range(6)],
    *permutations(OURS, 2),
    *permutations(THEIRS, 2),
    *product(OURS, OUTSIDE),
    *product(("bank",), OURS),
]
payments = st.fixed_dictionaries(
    {
        "ends": st.sampled_from(PAIRS),
        "cents": st.sampled_from([*range(1, 121), MAX_CENTS]),
        "second": st.integers(0, 5),
        "key": st.sampled_from([*["none"] * 12, *["fine"] * 4, "paused"]),
        "stalled": st.sampled_from([*["never"] * 16, "lately", "long ago", "in the future"]),
        "rail": st.sampled_from([*[None] * 24, "lost"]),
        "counted": st.booleans(),
    }
)
# Balance, and how much of it is held.
money = st.tuples(st.sampled_from([*range(201), *[MAX_CENTS - 50] * 20]), st.sampled_from([*[0] * 6, 0.5, 1]))
states = st.fixed_dictionaries(
    {
        "money": st.fixed_dictionaries(dict.fromkeys((*OURS[:-1], *THEIRS), money)),
        "payments": st.lists(payments, min_size=2, max_size=14),
        "suspended": st.booleans(),
    }
)


def state_of(balances: dict[str, int], *asked: tuple[str, str, int]) -> dict[str, Any]:
    """Return a state of plain payments, in their order."""
    plain = {"key": "none", "stalled": "never", "rail": None, "counted": True}
    return {
        "money": {name: (balances.get(name, 0), 0) for name in (*OURS[:-1], *THEIRS)},
        "payments": [
            {"ends": (source, destination), "cents": cents, "second": second, **plain}
            for second, (source, destination, cents) in enumerate(asked)
        ],
        "suspended": False,
    }


class Cast:
    """Accounts and keys, and the rows that a state made by chance puts between them."""

    def __init__(self, accounts: dict[str, Account], keys: dict[str, ApiKey]) -> None:
        self.accounts, self.keys = accounts, keys

    def set_scene(self, state: dict[str, Any]) -> None:
        for name, (cents, held) in state["money"].items():
            set_balance(self.accounts[name], cents)
            Account.objects.filter(id=self.accounts[name].id).update(held_cents=int(cents * held))
        for payment in state["payments"]:
            self.ask(payment)
        Account.objects.filter(id=self.accounts["gone"].id).update(deleted_at=NOW)
        ApiKey.objects.filter(id=self.keys["paused"].id).update(paused_at=NOW, paused_by="staff:ann")
        if state["suspended"]:
            theirs = Organization.objects.filter(id=self.accounts["theirs"].organization_id)
            theirs.update(status="suspended", suspended_at=NOW)

    def ask(self, payment: dict[str, Any]) -> None:
        source, destination = (self.accounts[name] for name in payment["ends"])
        direction, origin, rail = Direction.INTERNAL, Origin.USER, "book"
        if source.is_external:
            direction, origin, rail = Direction.MONEY_IN, Origin.USER_PULL, "simulated"
        elif destination.is_external:
            direction, rail = Direction.MONEY_OUT, "simulated"
        is_ours = source.organization_id == self.accounts["rent"].organization_id
        Transfer.objects.create(
            organization_id=source.organization_id,
            amount_cents=payment["cents"],
            direction=direction,
            origin=origin,
            status="processing",
            source=source,
            destination=destination,
            rail=payment["rail"] or rail,
            api_key=self.keys.get(payment["key"]) if is_ours else None,
            spend_id=SPEND_ID if payment["counted"] else None,
            stalled_at=STALLED[payment["stalled"]],
            created_at=NOW - timedelta(seconds=60 - payment["second"]),
        )


@pytest.fixture
def cast(api, client_with, acme, globex, income, rent, savings, bank, card) -> Cast:
    client_with("MANUAL_TRANSFER:*>*")
    fine, paused = ApiKey.objects.filter(organization=acme)
    AchLimits.objects.create(organization=acme, daily_credit_cents=150)
    for period in SpendPeriod:
        SpendCounter.objects.create(
            organization=acme,
            spend_id=SPEND_ID,
            period=period,
            starts_on=starts_on(period, NOW),
            spent_cents=MAX_CENTS * 100,
            uses=100,
        )
    accounts = {
        "income": income,
        "rent": rent,
        "savings": savings,
        "bank": bank,
        "card": card,
        **{name: PodFactory(organization=acme) for name in ("spare", "gone")},
        **{name: PodFactory(organization=globex) for name in THEIRS},
    }
    return Cast(accounts, {"fine": fine, "paused": paused})


def rows() -> dict[str, Any]:
    """Return all that a sweep may change, without the numbers that PostgreSQL gives."""
    return {
        "transfers": list(Transfer.objects.order_by("id").values()),
        "accounts": list(Account.objects.order_by("id").values()),
        "entries": sorted(EntrySet.objects.values_list("transfer_id", "organization_id", "kind", "posted_at")),
        "postings": sorted(
            map(
                repr,
                Posting.objects.values_list(
                    "entry_set__transfer_id", "organization_id", "account_id", "clearing", "amount_cents", "posted_at"
                ),
            )
        ),
        "counters": list(SpendCounter.objects.order_by("id").values()),
        # What rules and others learn of it.
        "news": sorted(map(repr, Event.objects.values_list("organization_id", "event", "data", "created_at"))),
    }


def outcome_of(work: Callable[[], object]) -> dict[str, Any]:
    """Return the rows after ``work``, which is undone."""
    with transaction.atomic():
        work()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        after = rows()
        transaction.set_rollback(True)
    return after


def accept_one_after_another() -> int:
    """Accept a batch as the plain code does it, and nothing else."""
    return do_batch(settlement._accept_batch, NOW, size=settlement.BATCH_SIZE, defer=settlement.defer)


def tell_one_after_another(except_for: list[str]) -> list[tuple]:
    """Tell the news of simulated payments as ``SimulatedPayment`` itself would."""
    due = SimulatedPayment.objects.with_news(NOW).exclude(transfer_id__in=except_for).order_by("transfer_id")
    told = []
    for payment in due[:3]:
        comes_back = payment.settled_at is not None
        if comes_back:
            payment.returned_at = NOW
        else:
            payment.end(NOW)
        payment.save()
        told.append((payment.transfer_id, comes_back, payment.outcome, payment.fail_code, payment.return_code))
    return told


instants = st.sampled_from([None, NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1)])
simulated_payments = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["settle", "settle", "fail"]),
        "return_code": st.sampled_from([None, "payment_failed"]),
        "return_delay_seconds": st.sampled_from([0, 90]),
        "settles_at": instants,
        "settled_at": instants,
        "returns_at": instants,
        "returned_at": instants,
    }
)


class TestTellSimulatedNews:
    def test_and_the_plain_code_leave_the_same_rows(self, acme, by_length):
        @settings(
            max_examples=by_length(20, 50, 50), deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
        )
        @given(payments=st.lists(simulated_payments, min_size=1, max_size=6), resting=st.integers(0, 2))
        def holds(payments, resting):
            with transaction.atomic():
                made = [
                    SimulatedPayment.objects.create(
                        organization=acme, fail_code="name_mismatch", transfer_id=f"txr_{ULID()}", **payment
                    )
                    for payment in payments
                ]
                except_for = [payment.transfer_id for payment in made[:resting]]
                results = []
                for tell in (
                    lambda: sql_of_sweeps.tell_simulated_news(NOW, limit=3, except_for=except_for),
                    lambda: tell_one_after_another(except_for),
                ):
                    with transaction.atomic():
                        told = [tuple(news)[1:] for news in tell()]
                        results.append((told, list(SimulatedPayment.objects.order_by("transfer_id").values())))
                        transaction.set_rollback(True)
                transaction.set_rollback(True)
            assert results[0] == results[1]

        holds()


class TestSettleFunded:
    def test_and_the_plain_code_leave_the_same_rows(self, cast, by_length):
        completed = []

        @settings(
            max_examples=by_length(20, 50, 50), deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
        )
        @given(state=states)
        # Money that comes later does not pay what comes before, and nothing comes where it could not be counted.
        @example(state=state_of({"income": 100, "rent": 30}, ("rent", "savings", 50), ("income", "rent", 60)))
        @example(state=state_of({"income": 100, "rent": MAX_CENTS - 50}, ("income", "rent", 51)))
        @example(state=state_of({"income": 100}, ("income", "rent", 60), ("income", "savings", 60)))
        def holds(state):
            with transaction.atomic():
                cast.set_scene(state)
                with transaction.atomic():
                    completed.append(settlement.settle_funded(NOW, limit=100, rails=["book"]))
                    transaction.set_rollback(True)

                assert outcome_of(lambda: settlement.accept(NOW)) == outcome_of(accept_one_after_another)
                transaction.set_rollback(True)

        holds()
        # Neither path had it all to itself.
        assert any(funded for _, funded in completed)
        assert any(claimed > funded for claimed, funded in completed)
