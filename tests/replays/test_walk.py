"""The walk, pure: what it must keep whatever the history is."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rules.engine.snapshot import AccountState
from rules.engine.vocabulary import TriggerType
from sequence.replays.events import LAST, LAST_TURN, Departure, Movement, MovementKind, Payment, RealRun, Slot
from sequence.replays.findings import Assumption, Cause
from sequence.replays.question import Opening, Question
from sequence.replays.walk import Walk
from tests.rules.definitions import action, defined, limit, on_funds, rule, scheduled, step

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 3, 1, tzinfo=UTC)


class Book:
    settles_at_once, has_ach_limits = True, False


class Ach:
    settles_at_once, has_ach_limits = False, True


def carrier_between(source, destination):
    return Ach if source.is_external or destination.is_external else Book


def accounts(**cents):
    states = {id: AccountState(id=id, name=id, balance_cents=balance) for id, balance in cents.items()}
    for id in ("bank", "card"):
        if id in states:
            kind = "LIABILITY" if id == "card" else "DEPOSITORY"
            states[id] = replace(states[id], is_external=True, external_account_type=kind)
    return states


def walk_of(body, states, *events, used=()):
    question = Question("rule", 1, defined(body), BEGIN, END, timedelta(days=2))
    walk = Walk(question, Opening(states, carrier_between, {}, lambda windows: list(used)))
    for event in events:
        walk.see(event)
    walk.finish()
    return walk


def at(**span):
    return BEGIN + timedelta(**span)


def arrival(number, cents, *, to="income", **own):
    return Movement(
        **{
            "at": at(hours=number),
            "number": number,
            "kind": MovementKind.SETTLEMENT,
            "gained_cents": {to: cents},
            "amount_cents": cents,
            "destination_id": to,
            "transfer_id": f"t{number}",
            **own,
        }
    )


def transfer(number, source, destination, cents, **own):
    return arrival(
        number, cents, to=destination, source_id=source, gained_cents={source: -cents, destination: cents}, **own
    )


def purchase(number, account, cents):
    return Movement(
        at=at(hours=number),
        number=number,
        kind=MovementKind.CARD,
        gained_cents={account: -cents},
        amount_cents=cents,
        card_transaction_id=f"c{number}",
    )


def refund(number, account, cents, of):
    return replace(purchase(number, account, -cents), gained_cents={account: cents}, amount_cents=cents, purchase_id=of)


def fixed(cents, source="income", destination="rent", **own):
    return action("fixed_amount", source, destination, amount_in_cents=cents, **own)


def closing(walk):
    return {id: account.balance_cents for id, account in walk.replay.accounts.items()}


PAYING = rule(step(fixed(60_00)), trigger=on_funds("income"))


class TestWalk:
    def test_asks_the_engine_right_after_each_arrival(self):
        walk = walk_of(PAYING, accounts(income=0, rent=0), arrival(1, 100_00), arrival(2, 100_00))

        assert closing(walk) == {"income": 80_00, "rent": 120_00}
        assert [difference.cause for difference in walk.findings.differences] == [
            Cause(transfer_id="t1"),
            Cause(transfer_id="t2"),
        ]

    def test_lists_the_first_hundred_differences(self):
        walk = walk_of(PAYING, accounts(income=0, rent=0), *(arrival(number, 100_00) for number in range(1, 103)))

        causes = [difference.cause for difference in walk.findings.differences]
        assert causes == [Cause(transfer_id=f"t{number}") for number in range(1, 101)]

    def test_waits_for_the_real_run_where_there_was_one(self):
        run = RealRun(
            at=at(hours=3),
            number=9,
            execution_id="rex",
            trigger_type=TriggerType.ON_FUNDS_TRANSFERRED,
            status="executed",
            has_no_match=False,
            incoming_cents=100_00,
            transfer_id="t1",
            transfer_destination_id="income",
            transfer_completed_at=at(hours=1),
            payments=[Payment("income", "rent", 60_00, True, (at(hours=3), 9, LAST_TURN))],
        )
        draining = transfer(2, "income", "savings", 70_00)
        paid = transfer(9, "income", "rent", 60_00, is_own=True, at=at(hours=3))

        walk = walk_of(
            PAYING, accounts(income=0, rent=0, savings=0), arrival(1, 100_00, has_run=True), draining, run, paid
        )

        # At the deposit there was enough; where it decided there was not, and the draining transfer had gone through.
        assert closing(walk) == {"income": 30_00, "rent": 0, "savings": 70_00}
        assert walk.findings.missed == []

    def test_lists_what_cannot_be_funded_and_its_refund_and_goes_on(self):
        states = accounts(income=0, rent=0)
        events = [arrival(1, 100_00), purchase(2, "income", 50_00), refund(3, "income", 50_00, "c2"), arrival(4, 1_00)]

        walk = walk_of(PAYING, states, *events)

        assert [(missed.card_transaction_id, missed.short_by_cents) for missed in walk.findings.missed] == [
            ("c2", 10_00),
            ("c3", 0),
        ]
        assert closing(walk)["income"] == 41_00

    def test_keeps_a_payment_set_aside_until_its_rail_brings_it(self):
        body = rule(step(fixed(60_00, destination="bank")), trigger=on_funds("income"))
        states = accounts(income=0, bank=0)

        sent = walk_of(body, states, arrival(1, 100_00), purchase(2, "income", 50_00))

        assert closing(sent) == {"income": 40_00, "bank": 60_00}
        assert [missed.short_by_cents for missed in sent.findings.missed] == [10_00]
        assert sent.findings.assumptions == {Assumption.ACH_LIMITS_IGNORED}

    def test_sets_nothing_aside_any_more_once_the_rail_has_brought_it(self):
        body = rule(step(fixed(60_00, destination="bank")), trigger=on_funds("income"))

        walk = walk_of(body, accounts(income=0, bank=0), arrival(1, 100_00), arrival(100, 50_00))

        assert closing(walk) == {"income": 30_00, "bank": 120_00}

    def test_lets_what_was_with_a_rail_be_missed_when_it_leaves(self):
        departure = Departure(
            at=at(hours=2), number=0, transfer_id="out", source_id="income", destination_id=None, amount_cents=50_00
        )
        settled = arrival(
            9, 50_00, gained_cents={"income": -50_00}, transfer_id="out", was_held=True, source_id="income"
        )
        settled = replace(settled, destination_id=None)

        walk = walk_of(PAYING, accounts(income=0, rent=0), arrival(1, 100_00), departure, settled)

        assert [(missed.transfer_id, missed.at) for missed in walk.findings.missed] == [("out", at(hours=2))]
        assert closing(walk)["income"] == 40_00

    def test_does_not_call_short_what_the_order_of_instants_alone_overdraws(self):
        # Both columns pay before the money is there; the accounts were locked the other way round.
        walk = walk_of(PAYING, accounts(income=0, rent=0), purchase(1, "income", 10_00), arrival(2, 70_00))

        assert walk.findings.missed == []
        assert closing(walk) == {"income": 0, "rent": 60_00}

    def test_fires_slots_and_judges_them_by_their_day(self):
        daily = rule(step(fixed(60_00)), trigger=scheduled("DAILY", "2026-01-01T00:00:00Z", "income"))
        slots = [Slot(at=at(days=number), number=LAST) for number in (1, 2)]

        walk = walk_of(daily, accounts(income=100_00, rent=0), *slots)

        assert closing(walk) == {"income": 40_00, "rent": 60_00}
        assert walk.findings.ended_replay == {"executed": 1, "failed": 1}

    def test_counts_its_own_payments_in_its_limits(self):
        body = rule(step(fixed(60_00, limit=limit("PER_MONTH", 100_00))), trigger=on_funds("income"))

        walk = walk_of(body, accounts(income=500_00, rent=0), arrival(1, 1_00), arrival(2, 1_00), arrival(800, 1_00))

        # 60 and 40 in January, 60 in February.
        assert closing(walk)["rent"] == 160_00

    def test_ends_a_rule_that_sets_itself_off(self):
        body = rule(step(fixed(1_00, source="rent", destination="income")), trigger=on_funds("income"))

        walk = walk_of(body, accounts(income=0, rent=500_00), arrival(1, 1_00))

        assert walk.findings.ended_replay == {"executed": 10, "failed": 1}
        assert closing(walk) == {"income": 11_00, "rent": 490_00}

    def test_does_not_run_for_a_deposit_that_went_back_before(self):
        run = RealRun(
            at=at(hours=3),
            number=9,
            execution_id="rex",
            trigger_type=TriggerType.ON_FUNDS_TRANSFERRED,
            status="failed",
            has_no_match=False,
            incoming_cents=100_00,
            transfer_id="t1",
            transfer_destination_id="income",
            transfer_completed_at=at(hours=1),
        )
        back = arrival(2, 100_00, transfer_id="t1", kind=MovementKind.REVERSAL, gained_cents={"income": -100_00})

        walk = walk_of(PAYING, accounts(income=0, rent=0), arrival(1, 100_00, has_run=True), back, run)

        assert closing(walk) == {"income": 0, "rent": 0}
        assert walk.findings.ended_replay == {"failed": 1}

    def test_takes_for_a_balance_what_the_real_run_took_for_one(self):
        half = action("percentage", "income", "rent", percentage_value=50, percentage_target="SOURCE_ACCOUNT")
        run = RealRun(
            at=at(hours=1),
            number=LAST,
            execution_id="rex",
            trigger_type=TriggerType.MANUAL,
            status="executed",
            has_no_match=False,
            incoming_cents=40_00,
            pretends_balance=True,
        )

        walk = walk_of(rule(step(half)), accounts(income=100_00, rent=0), run)

        assert closing(walk) == {"income": 80_00, "rent": 20_00}


@pytest.fixture
def seed():
    number = random.randrange(10**9)  # noqa: S311 - chance of the run
    print(f"seed {number}")  # noqa: T201 - pytest shows it where the test fails
    return number


def random_history(dice):
    """Return a rule, accounts and events in their order, with payments of the rule's own among them."""
    ledger = ["income", "rent", "savings"]
    states = accounts(**{id: dice.randrange(0, 200_00) for id in ledger}, bank=500_00, card=300_00)
    ends = [(a, b) for a in ledger for b in (*ledger[1:], "bank", "card") if a != b]
    steps = []
    for _ in range(dice.randint(1, 3)):
        source, destination = dice.choice(ends)
        own = {"up_to": dice.random() < 0.5}
        if dice.random() < 0.3:
            own["limit"] = limit(dice.choice(["PER_WEEK", "PER_MONTH"]), dice.randrange(100, 200_00))
        steps.append(fixed(dice.randrange(100, 90_00), source, destination, **own))
    body = rule(step(*steps), trigger=on_funds(dice.choice(ledger)))
    events = []
    for number in range(1, dice.randint(5, 60)):
        cents = dice.randrange(1, 150_00)
        kind = dice.random()
        if kind < 0.4:
            events.append(arrival(number, cents, to=dice.choice(ledger)))
        elif kind < 0.6:
            events.append(purchase(number, dice.choice(ledger), cents))
        elif kind < 0.7 and (bought := [each for each in events if each.card_transaction_id and not each.purchase_id]):
            first = dice.choice(bought)
            [account] = first.gained_cents
            events.append(refund(number, account, dice.randint(1, first.amount_cents), first.card_transaction_id))
        else:
            source, destination = dice.choice(ends)
            events.append(transfer(number, source, destination, cents, is_own=dice.random() < 0.2))
    return body, states, events


class TestConservation:
    def test_holds_to_the_cent_in_both_columns(self, seed, by_length):
        dice = random.Random(seed)  # noqa: S311 - chance that can be repeated is the point
        for _ in range(by_length(25, 100, 500)):
            body, states, events = random_history(dice)
            walk = walk_of(body, states, *events)
            missed = {each.transfer_id or each.card_transaction_id for each in walk.findings.missed}
            happened = [
                each
                for each in events
                if not each.is_own and (each.transfer_id or each.card_transaction_id) not in missed
            ]
            for id, opening in states.items():
                sign = -1 if opening.is_liability else 1
                actual = sum(each.gained_cents.get(id, 0) for each in events)
                assert walk.actual.accounts[id].balance_cents == opening.balance_cents + sign * actual
                moved = walk.findings.moved_replay.items()
                own = sum(cents for (_, to), cents in moved if to == id)
                own -= sum(cents for (source, _), cents in moved if source == id)
                replayed = own + sum(each.gained_cents.get(id, 0) for each in happened)
                assert walk.replay.accounts[id].balance_cents == opening.balance_cents + sign * replayed
                assert opening.is_external or walk.replay.lowest[id].cents >= min(0, walk.actual.lowest[id].cents)
