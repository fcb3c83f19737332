"""Random histories, compared step by step with a model of a few lines that knows no database."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Account, ExternalAccountType
from apikeys.entries import parse_permissions
from apikeys.models import SpendCounter
from apikeys.services import create_api_key
from sequence.core.worker import run_once
from tests.client import Api
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.transfers.steps import fund, post_transfer
from transfers.errors import InsufficientFunds, NotSimulated, TransferNotDecidable
from transfers.ledger_invariants import find_faults
from transfers.models import Posting, Transfer
from transfers.services import approve_transfer, pull_from_outside, reject_transfer
from transfers.simulated_rail_control import fail_payment, return_payment, settle_payment

MAX_CENTS, DAY_CENTS, APPROVAL_CENTS = 40_00, 90_00, 30_00
RAIL_DELAY = timedelta(seconds=2)
APPROVAL_LIFETIME = timedelta(days=7)
LEDGER = ("income", "pod", "other pod")
OUTSIDE = ("bank", "debt")
PAIRS = [
    ("income", "pod"),
    ("pod", "other pod"),
    ("other pod", "pod"),
    ("income", "bank"),
    ("pod", "bank"),
    ("other pod", "debt"),
    ("bank", "pod"),
    ("bank", "other pod"),
]
UNDER_WAY = ("pending_approval", "processing", "pending")
GIVEN_BACK = ("incomplete", "error", "cancelled")
CODE = "payment_failed"

cents = st.integers(1_00, 50_00)
pairs = st.sampled_from(PAIRS)
positions = st.integers(0, 10**6)


@dataclass
class Payment:
    """A transfer as the model knows it."""

    id: str
    source: str
    destination: str
    cents: int
    status: str
    created_at: datetime
    settles_at: datetime | None = None
    fails: bool = False
    returns: bool = False
    returns_at: datetime | None = None

    @property
    def is_outside(self) -> bool:
        return self.source in OUTSIDE or self.destination in OUTSIDE


class Model:
    """What should be, in plain Python."""

    def __init__(self) -> None:
        self.balance = {"income": 0, "pod": 0, "other pod": 0, "bank": 200_00, "debt": 100_00}
        self.held: defaultdict[str, int] = defaultdict(int)
        self.suspense = 0
        self.payments: list[Payment] = []

    def available(self, name: str) -> int:
        return self.balance[name] - self.held[name]

    def spent_on(self, day) -> int:
        counted = (p for p in self.payments if p.status not in GIVEN_BACK and p.created_at.date() == day)
        return sum(payment.cents for payment in counted)

    def work(self, now: datetime) -> None:
        """Do what a worker does, in its order."""
        for payment in self.payments:
            if payment.status == "pending_approval" and payment.created_at <= now - APPROVAL_LIFETIME:
                payment.status = "cancelled"
        for payment in sorted(self.payments, key=lambda payment: (payment.created_at, payment.id)):
            if payment.status == "processing":
                self.accept(payment, now)
        for news in ("settlements", "returns"):
            for payment in sorted(self.payments, key=lambda payment: payment.id):
                self.report(payment, now, news)

    def accept(self, payment: Payment, now: datetime) -> None:
        if self.available(payment.source) < payment.cents:
            payment.status = "incomplete"
        elif payment.is_outside:
            payment.status = "pending"
            payment.settles_at = now + RAIL_DELAY
            self.held[payment.source] += payment.cents
        else:
            self.complete(payment)

    def report(self, payment: Payment, now: datetime, news: str) -> None:
        if payment.status == "pending" and news == "settlements" and payment.settles_at <= now:
            self.end(payment, now)
        elif payment.status == "complete" and news == "returns" and payment.returns_at and payment.returns_at <= now:
            self.reverse(payment)

    def end(self, payment: Payment, now: datetime) -> None:
        if payment.fails:
            self.held[payment.source] -= payment.cents
            payment.status = "error"
            return
        self.held[payment.source] -= payment.cents
        self.complete(payment)
        payment.returns_at = now if payment.returns else None

    def complete(self, payment: Payment) -> None:
        self.balance[payment.source] -= payment.cents
        self.balance[payment.destination] += -payment.cents if payment.destination == "debt" else payment.cents
        payment.status = "complete"

    def reverse(self, payment: Payment) -> None:
        self.balance[payment.source] += payment.cents
        if payment.destination == "debt":
            self.balance["debt"] += payment.cents
        elif payment.destination == "bank":
            self.balance["bank"] -= payment.cents
        else:
            taken = min(payment.cents, self.available(payment.destination))
            self.balance[payment.destination] -= taken
            self.suspense -= payment.cents - taken
        payment.status = "error"


class MoneyMachine(RuleBasedStateMachine):
    """Does the same to the model and to the server."""

    clock: datetime = datetime(2026, 5, 11, 12, tzinfo=UTC)

    @initialize()
    def open_the_accounts(self):
        MoneyMachine.clock = datetime(2026, 5, 11, 12, tzinfo=UTC)
        self.scene = transaction.atomic()
        self.scene.__enter__()
        self.model = Model()
        organization = OrganizationFactory()
        permissions = f"MANUAL_TRANSFER:*>*@{MAX_CENTS};day={DAY_CENTS};approval={APPROVAL_CENTS}"
        _, token = create_api_key(
            organization=organization, name="M", permissions=parse_permissions([permissions]), created_by="test"
        )
        self.api = Api(token)
        debt = ExternalAccountType.LIABILITY
        self.accounts = {
            "income": IncomeSourceFactory(organization=organization),
            "pod": PodFactory(organization=organization),
            "other pod": PodFactory(organization=organization),
            "bank": ExternalAccountFactory(organization=organization, balance_cents=200_00),
            "debt": ExternalAccountFactory(organization=organization, external_account_type=debt, balance_cents=100_00),
        }

    def teardown(self):
        if hasattr(self, "scene"):
            transaction.set_rollback(True)
            self.scene.__exit__(None, None, None)

    def tick(self, **time):
        MoneyMachine.clock += timedelta(microseconds=1, **time)

    def pick(self, position, *statuses) -> Payment:
        found = [payment for payment in self.model.payments if payment.status in statuses or not statuses]
        return found[position % len(found)]

    def has(self, *statuses) -> bool:
        return any(payment.status in statuses for payment in self.model.payments)

    @rule(name=st.sampled_from(LEDGER), amount=st.integers(1, 80_00))
    def deposit(self, name, amount):
        self.tick()
        fund(self.accounts[name], amount)
        self.model.balance[name] += amount

    @rule(name=st.sampled_from(LEDGER), amount=st.integers(1, 50_00))
    def pull_from_outside(self, name, amount):
        self.tick()
        if self.model.available(name) >= amount:
            pull_from_outside(account_id=self.accounts[name].id, amount_cents=amount, by="test")
            self.model.balance[name] -= amount
        else:
            with pytest.raises(InsufficientFunds), transaction.atomic():
                pull_from_outside(account_id=self.accounts[name].id, amount_cents=amount, by="test")

    @rule(pair=pairs, amount=cents)
    def transfer(self, pair, amount):
        self.tick()
        response = post_transfer(self.api, self.accounts[pair[0]], self.accounts[pair[1]], amount)
        is_allowed = amount <= MAX_CENTS and self.model.spent_on(self.clock.date()) + amount <= DAY_CENTS
        assert response.status_code == (201 if is_allowed else 403), response.content
        if is_allowed:
            status = "pending_approval" if amount > APPROVAL_CENTS else "processing"
            id = response.json()["data"]["id"]
            self.model.payments.append(Payment(id, *pair, amount, status, self.clock))

    @precondition(lambda self: self.model.payments)
    @rule(position=positions)
    def cancel(self, position):
        self.tick()
        payment = self.pick(position)
        response = self.api.post(f"/transfers/{payment.id}/cancel")
        if payment.status in ("pending_approval", "processing"):
            assert response.status_code == 200
            payment.status = "cancelled"
        else:
            assert response.status_code == 409

    @precondition(lambda self: self.model.payments)
    @rule(position=positions, is_approved=st.booleans())
    def decide(self, position, is_approved):
        self.tick()
        payment = self.pick(position)
        verb = approve_transfer if is_approved else reject_transfer
        if payment.status == "pending_approval":
            verb(transfer_id=payment.id, by="staff:ann")
            payment.status = "processing" if is_approved else "cancelled"
        else:
            with pytest.raises(TransferNotDecidable), transaction.atomic():
                verb(transfer_id=payment.id, by="staff:ann")

    @precondition(lambda self: self.has("processing", "pending", "complete"))
    @rule(position=positions, what=st.sampled_from(["settle", "fail", "return"]))
    def tell_the_rail(self, position, what):
        self.tick()
        payment = self.pick(position, "processing", "pending", "complete")
        tell = {
            "settle": lambda: settle_payment(payment.id),
            "fail": lambda: fail_payment(payment.id, CODE),
            "return": lambda: return_payment(payment.id, CODE),
        }[what]
        if not payment.is_outside or (payment.status == "complete" and what != "return"):
            with pytest.raises(NotSimulated), transaction.atomic():
                tell()
            return
        tell()
        payment.fails = what == "fail"
        payment.returns = payment.returns or what == "return"
        if payment.status == "complete":
            self.model.reverse(payment)
        elif payment.status == "pending" and what != "return":
            self.model.end(payment, self.clock)

    @rule()
    def work(self):
        self.tick()
        run_once(self.clock)
        self.model.work(self.clock)

    @rule(seconds=st.sampled_from([1, 2, 60, 86_400, 8 * 86_400]))
    def wait(self, seconds):
        self.tick(seconds=seconds)

    @invariant()
    def balances_are_right(self):
        if not hasattr(self, "accounts"):
            return
        found = {account.id: account for account in Account.objects.all()}
        for name, account in self.accounts.items():
            row = found[account.id]
            assert (name, row.balance_cents, row.held_cents) == (
                name,
                self.model.balance[name],
                self.model.held[name],
            )
        suspense = sum(Posting.objects.filter(clearing="suspense").values_list("amount_cents", flat=True))
        assert suspense == self.model.suspense

    @invariant()
    def every_transfer_is_where_it_should_be(self):
        if not hasattr(self, "accounts"):
            return
        found = dict(Transfer.objects.exclude(api_key=None).values_list("id", "status"))
        assert found == {payment.id: payment.status for payment in self.model.payments}

    @invariant()
    def caps_count_right(self):
        if not hasattr(self, "accounts"):
            return
        for day, spent in SpendCounter.objects.filter(period="day").values_list("starts_on", "spent_cents"):
            assert (day, spent) == (day, self.model.spent_on(day))

    @invariant()
    def the_ledger_proves_it(self):
        if hasattr(self, "accounts"):
            assert find_faults() == []


class TestMoneyMachine:
    def test_agrees_with_the_model_at_every_step(self, db, by_length, monkeypatch):
        monkeypatch.setattr("django.utils.timezone.now", lambda: MoneyMachine.clock)

        run_state_machine_as_test(
            MoneyMachine,
            settings=settings(
                max_examples=by_length(2, 5, 100),
                stateful_step_count=by_length(25, 25, 50),
                deadline=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
