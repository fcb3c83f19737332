"""How many statements writing, triggering and running rules takes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from rules.models import RuleMove
from rules.sweeps import carry_out, finish, notice_deposits, notice_slots
from sequence.core.events.models import EventReader
from sequence.core.events.numbering import number_events
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import limit, manual, on_funds, rule, scheduled, step
from tests.rules.steps import move, notice, trigger, write_enabled
from tests.transfers.steps import fund


@pytest.fixture
def made(api, income, rent):
    return write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))


def statements_of(work, *arguments):
    """Return the statements without the savepoints that a test's own transaction turns transactions into."""
    statements = []

    def note(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        work(*arguments)
    return [sql for sql in statements if "SAVEPOINT" not in sql]


class TestStatements:
    @pytest.mark.parametrize(
        ("method", "path", "body_of", "expected"),
        [
            # The key, who did it, the accounts, the rule, its version, the accounts' names, the audit log.
            ("POST", "/rules", lambda body: body, 7),
            # The same, and the rule's lock.
            ("PUT", "/rules/{id}", lambda body: body, 8),
            # The key, who did it, the rule, its change, the audit log.
            ("DELETE", "/rules/{id}", lambda body: None, 5),
            # The key, who did it, the rule, the count of its key's runs, its version, the execution, the audit log.
            ("POST", "/rules/{id}/trigger", lambda body: {}, 7),
            # And the accounts, what is on its way, the network's limits, what was planned, the outcome.
            ("POST", "/rules/{id}/trigger", lambda body: {"simulation": True}, 11),
        ],
    )
    def test_of_a_request_are_few(self, api, made, income, rent, method, path, body_of, expected):
        body = body_of(rule(step(move(income, rent, 2_00)), trigger=manual(income.id)))

        statements = statements_of(lambda: api.request(method, path.format(id=made.id), body))

        assert len(statements) == expected, statements

    def test_of_a_run_do_not_grow_with_its_actions(self, api, income, rent, savings, acme):
        fund(income, 1000_00)
        notice()
        pods = [PodFactory(organization=acme) for _ in range(5)]
        for targets in ([rent], [rent, savings, *pods]):
            made = write_enabled(
                api, rule(step(*(move(income, target, 1_00) for target in targets)), trigger=manual(income.id))
            )
            trigger(api, made)
            # The run, its version, that nobody stops it (a lock), its rule, whether anybody did (two looks), the
            # network's limits, the accounts, what is on its way; the transfers, entry sets, postings, moves, outcome.
            assert len(statements_of(carry_out, timezone.now())) == 14

    def test_of_a_hundred_runs_are_as_few(self, api, acme, income, rent, savings, bank):
        """Those of one run, and what became of the deposits, what the rules have moved, and what rails will carry."""
        sources = [IncomeSourceFactory(organization=acme) for _ in range(10)]
        capped = {"limit": limit("PER_MONTH", 90_00)}
        for source in sources:
            actions = (move(source, rent, 1_00, **capped), move(source, savings, 1_00), move(source, bank, 1_00))
            write_enabled(api, rule(step(*actions), trigger=on_funds(source.id)))
        for number in range(100):
            fund(sources[number % 10], 50_00)
        notice()

        statements = statements_of(carry_out, timezone.now())

        assert RuleMove.objects.count() == 300
        # And a look that finds no more, since there were as many as a batch may have.
        assert len(statements) == 16, statements

    def test_of_noticing_do_not_grow_with_what_is_due(self, api, income, rent, savings):
        write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=on_funds(rent.id)))
        action = step(move(income, rent, 1_00))
        at = timezone.now()
        seen = []
        for count in (1, 6):
            for _ in range(count):
                write_enabled(api, rule(action, trigger=scheduled("DAILY", at.isoformat())))
                fund(rent, 1_00)
            at += timedelta(days=1)
            number_events(at)
            seen.append(tuple(len(statements_of(sweep, at)) for sweep in (notice_deposits, notice_slots)))

        # Deposits: reading and the cursor in one; the deposits, their rules, the rules' versions, the runs.
        # Slots: the rules, what has fired, the versions, the runs, the next slots.
        assert seen == [(5, 5), (5, 5)]

    def test_of_noticing_what_no_rule_waits_for_is_one(self, api, income, rent, savings):
        write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=on_funds(rent.id)))
        for _ in range(5):
            fund(income, 1_00)
        number_events(timezone.now())

        assert len(statements_of(notice_deposits, timezone.now())) == 1
        assert not EventReader.objects.behind("rules").exists()

    def test_of_a_look_that_finds_nothing_are_one_each(self, made):
        for sweep in (notice_deposits, notice_slots, carry_out, finish):
            assert len(statements_of(sweep, timezone.now())) == 1
