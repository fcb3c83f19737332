"""Runs that are carried out together leave what they leave one after the other."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Account
from rules import runs as engine_runs
from rules.engine.usage import Window
from rules.execution_rows import sum_moved, write_outcomes
from rules.models import MOVED, Rule, RuleExecution, RuleMove
from rules.runs import run_together
from rules.services import create_rule, disable_rule, enable_rule, start_execution
from rules.sweeps import carry_out
from sequence.core.money import MAX_CENTS
from tests.factories import OrganizationFactory, PodFactory
from tests.past_guards import unguarded
from tests.rules.definitions import condition, kept, limit, manual, rule, step
from tests.rules.steps import move, write_enabled
from tests.rules.test_simulation_tells_the_truth import random_action  # noqa: F401 - a fixture
from tests.transfers.steps import fund
from transfers.ledger_invariants import find_faults
from transfers.models import AchLimits, Posting, Transfer

pytestmark = pytest.mark.django_db
NOW = timezone.now


def rows_left(started):
    """Return all that the runs have left, with every id told by the place that it stands in."""
    places = {execution.id: f"run {number}" for number, execution in enumerate(started)}
    # In the order in which they were made, which ids of one millisecond do not tell.
    transfers = [move.transfer for move in RuleMove.objects.select_related("transfer").order_by("id")]
    places |= {transfer.id: f"transfer {number}" for number, transfer in enumerate(transfers)}

    def told(value):
        if isinstance(value, dict):
            return {name: told(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [told(inner) for inner in value]
        return places.get(value, value) if isinstance(value, str) else value

    def rows(found, *without):
        return [{name: told(value) for name, value in row.items() if name not in without} for row in found]

    postings = Posting.objects.filter(entry_set__transfer__in=transfers).order_by("id")
    by_move = {move.transfer_id: number for number, move in enumerate(RuleMove.objects.order_by("id"))}
    made = sorted(Transfer.objects.filter(id__in=by_move).values(), key=lambda row: by_move[row["id"]])
    return {
        "runs": rows(
            RuleExecution.objects.filter(id__in=[row.id for row in started]).order_by("created_at", "id").values()
        ),
        "transfers": rows(made),
        "moves": rows(RuleMove.objects.order_by("id").values(), "id"),
        "accounts": rows(Account.objects.order_by("id").values()),
        "postings": rows(postings.values(), "id", "entry_set_id"),
    }


def left_by(way, started, now):
    """Return the rows that this way of carrying the runs out leaves, and undo them."""
    point = transaction.savepoint()
    way(started, now)
    left = rows_left(started)
    transaction.savepoint_rollback(point)
    return left


def together(started, now):
    assert carry_out(now) == len(started)


def one_by_one(started, now):
    for _ in started:
        [execution] = RuleExecution.objects.waiting(now).select_related("version").select_for_update(of=("self",))[:1]
        run_together([execution], now=now)


class TestRunsTogether:
    def test_leave_the_same_rows_as_one_by_one(self, api, acme, income, rent, savings, random_action, dice, request):  # noqa: F811
        AchLimits.objects.create(organization=acme, daily_credit_cents=900_00, monthly_debit_cents=700_00)
        for account in (income, rent, savings):
            fund(account, dice.randrange(100, 1200_00))
        carry_out(NOW())
        for _ in range(20 if request.config.getoption("--full") else 3):
            point = transaction.savepoint()
            made = [self._any_rule(api, income, random_action, dice) for _ in range(5)]
            for _ in range(dice.randrange(3)):  # Something that limits remember.
                start_execution(dice.choice(made), trigger_type="MANUAL", incoming_cents=dice.randrange(300_00))
            carry_out(NOW())
            started = [
                start_execution(dice.choice(made), trigger_type="MANUAL", incoming_cents=dice.randrange(300_00))
                for _ in range(dice.randrange(2, 25))
            ]
            if dice.random() < 0.5:
                disable_rule(rule_id=dice.choice(made).id)
            now = NOW() + timedelta(seconds=1)

            assert left_by(together, started, now) == left_by(one_by_one, started, now)
            transaction.savepoint_rollback(point)

    def _any_rule(self, api, income, random_action, dice) -> Rule:  # noqa: F811
        above = condition("BALANCE", "GREATER_THAN", dice.randrange(400_00))
        steps = [step(*(random_action() for _ in range(dice.randrange(1, 4))), conditions=above), step(random_action())]
        return write_enabled(api, rule(*steps, trigger=manual(income.id)))

    def test_go_on_without_the_one_that_breaks(self, api, income, rent, savings, monkeypatch):
        fund(income, 100_00)
        made = [
            write_enabled(api, rule(step(move(income, to, 10_00)), trigger=manual(income.id)))
            for to in (rent, savings, rent)
        ]
        started = [start_execution(each, trigger_type="MANUAL") for each in made]
        plan = engine_runs.make_plan
        broken = made[1].parsed()
        monkeypatch.setattr(
            engine_runs, "make_plan", lambda what, world: 1 // 0 if what == broken else plan(what, world)
        )

        assert carry_out(NOW()) == 3

        ends = dict(RuleExecution.objects.values_list("id", "status"))
        assert [ends[each.id] for each in started] == ["executed", "failed", "executed"]
        assert RuleExecution.objects.get(id=started[1].id).error_message.startswith("unexpected_error")
        assert find_faults() == []

    def test_of_several_organizations_share_nothing(self, api, acme, income, rent):
        fund(income, 100_00)
        mine = write_enabled(api, rule(step(move(income, rent, 10_00)), trigger=manual(income.id)))
        other = OrganizationFactory()
        pods = [PodFactory(organization=other) for _ in range(2)]
        fund(pods[0], 100_00)
        theirs = start_execution(_rule_of(other, *pods), trigger_type="MANUAL")
        ours = start_execution(mine, trigger_type="MANUAL")

        assert carry_out(NOW()) == 2

        for execution in (theirs, ours):
            [moved] = Transfer.objects.filter(rule_execution_id=execution.id)
            assert (moved.organization_id, moved.status) == (execution.organization_id, "complete")


def _rule_of(organization, source, destination) -> Rule:
    body = kept(rule(step(move(source, destination, 5_00)), trigger=manual(source.id)))
    made = create_rule(organization_id=organization.id, by="test", **body)
    return enable_rule(rule_id=made.id, version=made.version, by="staff:ada")


# Of the one move there is, as often as you like, each with a transfer of so many cents.
COPY_MOVE = """
WITH copied AS (
    INSERT INTO transfers_transfer SELECT (jsonb_populate_record(
        transfer, jsonb_build_object('id', gen_random_uuid(), 'amount_cents', %(cents)s::bigint)
    )).* FROM transfers_transfer AS transfer JOIN rules_rulemove AS move ON move.transfer_id = transfer.id,
        generate_series(1, %(count)s)
    RETURNING id
)
INSERT INTO rules_rulemove SELECT (jsonb_populate_record(
    move, jsonb_build_object('id', move.id + row_number() OVER (), 'transfer_id', copied.id)
)).* FROM rules_rulemove AS move, copied
"""


class TestSqlByHand:
    def test_writes_outcomes_as_saving_each_row_does(self, api, income, rent):
        made = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        started = [start_execution(made, trigger_type="MANUAL", incoming_cents=5) for _ in range(4)]
        started[0].fail("Grüße: “no” — it’s over", at=NOW())
        started[1].decide(
            trace={"b": [1, None], "a": "é"}, step_index=2, attempted=3, failed_without_transfer=1, at=NOW()
        )
        started[2].try_again(NOW())
        started[3].attempts = 7
        point = transaction.savepoint()
        for execution in started:
            execution.save()
        saved = list(RuleExecution.objects.order_by("id").values())
        transaction.savepoint_rollback(point)

        write_outcomes(started)

        assert list(RuleExecution.objects.order_by("id").values()) == saved

    def test_sums_up_what_moved_as_adding_does(self, api, income, rent, bank):
        fund(income, 100_00)
        capped = [move(income, to, 1_00, limit=limit("PER_WEEK", 50_00), group_index=1) for to in (rent, bank)]
        made = write_enabled(api, rule(step(*capped), trigger=manual(income.id)))
        for _ in range(3):
            start_execution(made, trigger_type="MANUAL")
        carry_out(NOW())
        Transfer.objects.filter(id=RuleMove.objects.latest("id").transfer_id).update(
            status="error", error_code="payment_failed"
        )
        day = timedelta(days=1)
        version = made.versions.get().pk
        windows = [
            Window(made.id, version, NOW() - day, NOW() + day),
            Window(made.id, version + 1, NOW() - day, NOW() + day),
            Window(made.id, version, NOW() + day, NOW() + 2 * day),
        ]

        summed = {(windows.index(window), key, group): cents for window, key, group, cents in sum_moved(windows)}

        added = {}
        for move_ in RuleMove.objects.select_related("transfer", "execution"):
            for number, window in enumerate(windows):
                is_in = window.begins_at <= move_.counted_at < window.ends_at and move_.rule_id == window.rule_id
                if is_in and move_.transfer.status in MOVED:
                    group = move_.group_index if move_.execution.version_id == window.version_id else None
                    place = (number, move_.action_key, group)
                    added[place] = added.get(place, 0) + move_.transfer.amount_cents
        assert summed == added
        assert sorted(summed.values()) == [2_00, 2_00, 3_00, 3_00]

    def test_sums_up_more_than_a_bigint(self, api, income, rent):
        fund(income, 10_00)
        made = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        start_execution(made, trigger_type="MANUAL")
        carry_out(NOW())
        count = 2**63 // MAX_CENTS + 1
        with unguarded("transfers_transfer", "rules_rulemove"), connection.cursor() as cursor:
            cursor.execute(COPY_MOVE, {"count": count, "cents": MAX_CENTS})
        window = Window(made.id, made.versions.get().pk, NOW() - timedelta(days=1), NOW() + timedelta(days=1))

        [(_, _, _, cents)] = sum_moved([window])

        assert cents == 1_00 + count * MAX_CENTS > 2**63
        assert type(cents) is int
