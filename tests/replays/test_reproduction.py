"""The active version of a rule, replayed over a month that it lived through, does what it did: to the cent."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from cards.models import CardType
from cards.services import charge_card, issue_card
from rules.services import trigger_rule
from sequence.core import clock
from sequence.core.worker import run_once
from tests.replays.steps import replayed_here
from tests.rules.definitions import action, condition, limit, manual, on_funds, rule, scheduled, step
from tests.rules.steps import move, write_enabled
from tests.transfers.steps import fund, transfer_between

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_connection")]

BEGIN = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _it_is_september():
    """Whatever is made has been there since the month began."""
    with clock.stopped_at(BEGIN - timedelta(hours=1)):
        yield


@pytest.fixture
def rules(api, income, rent, savings, bank, card):
    """One of each trigger; together they use limits, conditions, shares, debts, and rails that take their time."""
    share = {"percentage_value": 33.33, "percentage_target": "INCOMING_AMOUNT"}
    return [
        write_enabled(
            api,
            rule(
                step(
                    action("percentage", income.id, rent.id, **share),
                    action("percentage", income.id, savings.id, **share, limit=limit("PER_WEEK", 150_00)),
                    conditions=condition("TRANSFER_AMOUNT", "GREATER_THAN", 50_00),
                ),
                step(move(income, rent, 5_00, up_to_enabled=True)),
                trigger=on_funds(income.id),
            ),
        ),
        write_enabled(
            api,
            rule(
                step(
                    move(rent, bank, 20_00, up_to_enabled=True, limit=limit("PER_MONTH", 400_00)),
                    action("next_payment_minimum", rent.id, card.id, up_to_enabled=True),
                ),
                trigger=scheduled("DAILY", "2026-08-01T09:30:00Z", rent.id),
            ),
        ),
        write_enabled(
            api,
            rule(
                step(action("round_down", savings.id, rent.id, amount_in_cents=10_00)),
                step(action("top_up", savings.id, rent.id, amount_in_cents=50_00, up_to_enabled=True)),
                trigger=manual(savings.id),
            ),
        ),
    ]


def live(dice, end, rules, income, rent, savings, bank, api):
    """Let the time pass, with workers that come by now and then: so rules run late, and together."""
    spending = issue_card(account_id=rent.id, type=CardType.VIRTUAL, holder_name="Ada")
    moment = worked = BEGIN
    while moment < end - timedelta(days=1):
        moment += timedelta(minutes=dice.choice([1, 7, 200, 700]), microseconds=dice.randrange(10**6))
        with clock.stopped_at(moment):
            kind = dice.random()
            if kind < 0.3:
                fund(income, dice.randrange(10_00, 300_00))
            elif kind < 0.45:
                charge_card(card_id=spending.id, amount_cents=dice.randrange(1_00, 20_00), merchant_name="Shop")
            elif kind < 0.55:
                transfer_between(api, savings, bank, dice.randrange(1_00, 10_00))
            elif kind < 0.65:
                trigger_rule(organization_id=rules[2].organization_id, rule_id=rules[2].id)
        # No day passes without a worker: of the slots that were missed only the last would fire.
        if dice.random() < 0.7 or moment - worked > timedelta(hours=12):
            worked = moment + timedelta(seconds=dice.randrange(1, 59))
            run_once(worked)
    run_once(end - timedelta(minutes=1))


class TestReproduction:
    def test_is_exact_for_every_kind_of_trigger(self, api, rules, income, rent, savings, bank, settings, by_length):
        seed = random.randrange(10**9)  # noqa: S311 - chance of the run
        print(f"seed {seed}")  # noqa: T201 - pytest shows it where the test fails
        dice = random.Random(seed)  # noqa: S311 - chance that can be repeated is the point
        end = BEGIN + timedelta(days=by_length(8, 31, 31))
        settings.SIMULATED_RAIL_DELAY_SECONDS = 40_000
        live(dice, end, rules, income, rent, savings, bank, api)

        runs = 0
        for each in rules:
            told = replayed_here(each, since=BEGIN, now=end)
            assert told["differences"] == []
            assert told["would_have_failed"] == []
            assert told["runs"]["replay"] == told["runs"]["actual"]
            runs += sum(told["runs"]["actual"].values())
            assert [way["actual_in_cents"] for way in told["moved"]] == [
                way["replay_in_cents"] for way in told["moved"]
            ]
            assert all(
                account["closing_actual_in_cents"] == account["closing_replay_in_cents"] for account in told["accounts"]
            )
            assert told["digest"] == replayed_here(each, since=BEGIN, now=end)["digest"]
        assert runs > 5
