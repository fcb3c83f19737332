"""Several workers, and workers that die: each deposit and each slot sets its rule off exactly once."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import wait
from datetime import timedelta
from itertools import cycle, islice

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.services import delete_account
from rules.models import Rule, RuleExecution, RuleStatus
from rules.services import disable_rule, enable_rule, start_execution
from rules.sweeps import carry_out
from sequence.core.errors import DomainError
from sequence.core.worker import run_once
from tests.rules.definitions import action, limit, manual, on_funds, rule, scheduled, step
from tests.rules.steps import enable, move, runs_of, trigger, write, write_enabled
from tests.threads import Crew, in_open_transaction, wait_until_somebody_waits_for_a_lock
from tests.transfers.steps import balances, fund
from transfers.ledger_invariants import find_faults
from transfers.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 120
KILLS_AT_LENGTH = 50
# A worker that does all that is due and is killed before one of its statements, so that every gap between two of them
# can be hit: within a transaction, and between one transaction and the next.
DOOMED_WORKER = """
import os, signal, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
django.setup()
from django.db import connection
from sequence.core.worker import run_once
left = int(os.environ["KILL_BEFORE_STATEMENT"])

def count_down(execute, sql, params, many, context):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, params, many, context)

with connection.execute_wrapper(count_down):
    run_once()
"""


def start_doomed_worker(before_statement):
    environment = {
        "DJANGO_SETTINGS_MODULE": "sequence.settings",
        "TEST_DATABASE": connection.settings_dict["NAME"],
        "KILL_BEFORE_STATEMENT": str(before_statement),
        "LOG_LEVEL": "ERROR",
    }
    return subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
        [sys.executable, "-c", DOOMED_WORKER],
        cwd=settings.BASE_DIR,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def work_until(is_done):
    """Let a healthy worker work until it is done: rows that a dead one had locked are free a moment later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        assert time.monotonic() < deadline, "The work that the dead worker left was never done."
        run_once()
        time.sleep(0.01)


def count_statements(work):
    """Return how many statements the work takes."""
    statements = []

    def count(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        work()
    return len(statements)


@pytest.mark.full
class TestKilledWorker:
    @pytest.fixture
    def deeds(self, api, income, rent, savings):
        """A deposit that a rule routes on, which sets off another rule, and a slot that is due."""
        half = action("percentage", income.id, rent.id, percentage_value=50, percentage_target="INCOMING_AMOUNT")
        first = write_enabled(api, rule(step(half), trigger=on_funds(income.id)))
        second = write_enabled(api, rule(step(move(rent, savings, 10_00)), trigger=on_funds(rent.id)))
        slot = write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=scheduled("ONE_TIME", "2999-01-01")))
        return [first, second, slot]

    def test_leaves_each_run_done_once_wherever_it_dies(self, deeds, income, rent, savings, dice, by_length):
        Rule.objects.filter(id=deeds[2].id).update(next_slot_at=None)
        fund(income, 100_00)
        run_once()  # With what the scene has left to do, which no later run has.
        fund(income, 100_00)
        statements = range(1, count_statements(run_once) + 1)
        # At the longest: before every statement there is, of every transaction.
        every = list(islice(cycle(statements), max(len(statements), KILLS_AT_LENGTH)))
        some = dice.sample(statements, by_length(1, 2, 2))
        kills = by_length(some, some, every)
        for number, before in enumerate(kills, start=3):
            fund(income, 100_00)
            assert start_doomed_worker(before).wait(PATIENCE_SECONDS) == -signal.SIGKILL

            work_until(lambda number=number: RuleExecution.objects.filter(status="executed").count() == 2 * number)

            assert [len(runs_of(made)) for made in deeds] == [number, number, 0], f"killed before statement {before}"
            assert balances(income, rent, savings) == [50_00 * number, 40_00 * number, 10_00 * number]
        assert Transfer.objects.filter(rule_id__isnull=False).count() == 2 * (len(kills) + 2)
        assert find_faults() == []

    def test_leaves_a_slot_fired_once_wherever_it_dies(self, deeds, rent, savings, dice, by_length):
        fund(rent, 100_00)
        run_once()
        slot = deeds[2]
        statements = range(1, count_statements(lambda: self._be_due(slot) and run_once()) + 1)
        one = dice.sample(statements, 1)
        kills = by_length(one, one, statements)
        for before in kills:
            due = self._be_due(slot)
            start_doomed_worker(before).wait(PATIENCE_SECONDS)

            work_until(lambda due=due: slot.executions.filter(scheduled_at=due, status="executed").exists())
            run_once()

            assert slot.executions.filter(scheduled_at=due).count() == 1, f"killed before statement {before}"
        assert len(runs_of(slot)) == len(kills) + 1
        assert balances(savings) == [10_00 + 1_00 * len(runs_of(slot))]
        assert find_faults() == []

    def _be_due(self, slot):
        """Move the only slot of the rule to this instant, and return it."""
        due = timezone.now()
        slot.refresh_from_db()
        start_date = due.isoformat().replace("+00:00", "Z")
        slot.definition["trigger"]["start_date"] = start_date
        Rule.objects.filter(id=slot.id).update(next_slot_at=due, definition=slot.definition)
        return due


class TestWorkersAtOnce:
    def test_set_each_deposit_and_slot_off_once(self, api, income, rent, savings):
        routing = write_enabled(api, rule(step(move(income, rent, 10_00)), trigger=on_funds(income.id)))
        action = step(move(savings, rent, 1_00))
        daily = [write_enabled(api, rule(action, trigger=scheduled("DAILY", "2026-01-01"))) for _ in range(3)]
        fund(savings, 100_00)
        for _ in range(15):
            fund(income, 10_00)
        tomorrow = timezone.now() + timedelta(days=1)

        with Crew(3) as crew:
            results = [result for _ in range(2) for result in crew.all_at_once(lambda: run_once(tomorrow))]
        assert all(isinstance(result, int) for result in results), results
        run_once(tomorrow)

        assert [len(runs_of(made)) for made in (routing, *daily)] == [15, 1, 1, 1]
        assert {run.status for run in RuleExecution.objects.all()} == {"executed"}
        assert balances(income, rent, savings) == [0, 153_00, 97_00]
        assert find_faults() == []

    def test_carry_a_triggered_run_out_once(self, api, income, rent):
        fund(income, 100_00)
        run_once()
        made = write_enabled(api, rule(step(move(income, rent, 10_00)), trigger=manual(income.id)))
        ids = [trigger(api, made) for _ in range(6)]

        with Crew(3) as crew:
            assert sum(crew.all_at_once(lambda: carry_out(timezone.now()))) == 6

        assert balances(income, rent) == [40_00, 60_00]
        assert RuleExecution.objects.filter(id__in=ids, attempts=1, status="executed").count() == 6

    def test_never_go_above_a_limit_together(self, api, income, rent):
        fund(income, 1000_00)
        run_once()
        capped = move(income, rent, 60_00, limit=limit("PER_MONTH", 150_00))
        made = write_enabled(api, rule(step(capped), trigger=manual(income.id)))
        for _ in range(6):
            trigger(api, made)

        with Crew(3) as crew:
            crew.all_at_once(lambda: carry_out(timezone.now()))

        assert balances(income, rent) == [850_00, 150_00]

    def test_never_spend_money_twice_through_two_rules(self, api, income, rent, savings):
        fund(income, 100_00)
        run_once()
        for destination in (rent, savings, rent):
            made = write_enabled(
                api, rule(step(move(income, destination, 70_00, up_to=True)), trigger=manual(income.id))
            )
            trigger(api, made)

        with Crew(3) as crew:
            crew.all_at_once(lambda: carry_out(timezone.now()))

        assert sum(balances(rent, savings)) == 100_00
        assert {run.status for run in RuleExecution.objects.filter(trigger_type="MANUAL")} == {"executed"}
        assert find_faults() == []

    def test_never_pay_a_debt_twice_through_two_rules(self, api, income, rent, savings, card):
        """Each from a source of its own, so that nothing but the debt makes them wait for each other."""
        for source in (income, rent, savings):
            fund(source, 400_00)
        run_once()
        for source in (income, rent, savings):
            spec = action("total_amount_due", source.id, card.id)
            trigger(api, write_enabled(api, rule(step(spec), trigger=manual(source.id))))

        with Crew(3) as crew:
            crew.all_at_once(lambda: carry_out(timezone.now()))
        run_once()
        run_once(timezone.now() + timedelta(minutes=1))

        assert (sum(balances(income, rent, savings)), balances(card)) == (900_00, [0])
        assert find_faults() == []


class TestAtTheSameTime:
    @pytest.fixture
    def made(self, api, income, rent):
        return write(api, rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id)))

    def test_only_one_of_two_rules_for_the_same_funds_gets_enabled(self, api, made, income, rent):
        second = write(api, rule(step(move(income, rent, 2_00)), trigger=on_funds(income.id)))

        with Crew(2) as crew:
            results = crew.at_once(
                *(
                    lambda each=each: enable_rule(rule_id=each.id, version=each.version, by="x")
                    for each in (made, second)
                )
            )

        [refusal] = [result for result in results if isinstance(result, Exception)]
        assert isinstance(refusal, DomainError)
        assert refusal.code == "rule_conflict"
        assert Rule.objects.enabled().count() == 1

    def test_a_rule_that_is_being_enabled_keeps_its_accounts(self, made, rent):
        refusal = meanwhile(
            lambda: enable_rule(rule_id=made.id, version=made.version, by="x"),
            lambda: delete_account(organization_id=rent.organization_id, account_id=rent.id),
        ).exception()

        assert refusal.code == "account_in_use"
        rent.refresh_from_db()
        assert rent.deleted_at is None

    def test_an_account_that_is_being_deleted_keeps_its_rule_from_being_enabled(self, made, rent):
        refusal = meanwhile(
            lambda: delete_account(organization_id=rent.organization_id, account_id=rent.id),
            lambda: enable_rule(rule_id=made.id, version=made.version, by="x"),
        ).exception()

        assert refusal.code == "rule_not_enablable"
        made.refresh_from_db()
        assert made.status == RuleStatus.DISABLED

    def test_a_rule_that_is_being_disabled_runs_no_more(self, made):
        enable(made)
        execution = start_execution(made, trigger_type="MANUAL")

        assert meanwhile(lambda: disable_rule(rule_id=made.id), lambda: carry_out(timezone.now())).result() == 1

        execution.refresh_from_db()
        assert execution.status == "failed"
        assert execution.error_message.startswith("rule_disabled")


def meanwhile(first, second):
    """Begin ``second`` while ``first`` is done and not committed, see that it waits, and return its ended future."""
    with Crew(1) as crew:
        with in_open_transaction(first):
            future = crew.pool.submit(second)
            wait_until_somebody_waits_for_a_lock()
            assert not future.done()
        wait([future], PATIENCE_SECONDS)
        return future
