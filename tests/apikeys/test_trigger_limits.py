"""TRIGGER_RULES entries with limits: how often a key sets rules off, and what it may say has arrived."""

from datetime import UTC, datetime, timedelta

import pytest

from apikeys.entries import parse_permissions
from apikeys.services import rotate_api_key, set_permissions
from rules.models import RuleExecution
from rules.services import trigger_rule
from tests.apikeys.test_idempotency import key_of
from tests.client import Api
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import disable, move, write, write_enabled
from tests.threads import Crew
from tests.transfers.steps import error_of

EXCEEDED = (403, "max_amount_exceeded")
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)  # A Wednesday.


@pytest.fixture
def made(api, acme):
    income, pod = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
    return write_enabled(api, rule(step(move(income, pod, 1_00)), trigger=manual(income.id)))


@pytest.fixture
def other(api, acme):
    income, pod = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
    return write_enabled(api, rule(step(move(income, pod, 1_00)), trigger=manual(income.id)))


def run(api, made, **body):
    return api.post(f"/rules/{made.id}/trigger", body)


class TestExecuteAmount:
    def test_may_be_as_large_as_the_entry_says_and_no_larger(self, client_with, made):
        api = client_with(f"TRIGGER_RULES:{made.id};execute=5000")

        assert run(api, made, manual_execute_amount=5000).status_code == 202
        assert run(api, made).status_code == 202
        refused = run(api, made, manual_execute_amount=5001)
        assert error_of(refused) == EXCEEDED
        assert "at most 5000 cents" in refused.json()["error"]["message"]
        [detail] = refused.json()["error"]["details"]
        assert (detail["field"], detail["code"]) == ("manual_execute_amount", "max_execute_amount")
        assert RuleExecution.objects.count() == 2

    def test_may_not_be_given_where_the_entry_says_0(self, client_with, made):
        api = client_with(f"TRIGGER_RULES:{made.id};execute=0")

        assert error_of(run(api, made, manual_execute_amount=1)) == EXCEEDED
        assert run(api, made).status_code == 202

    def test_holds_for_simulations_too(self, client_with, made):
        api = client_with("TRIGGER_RULES:*;execute=5000")

        assert error_of(run(api, made, manual_execute_amount=5001, simulation=True)) == EXCEEDED

    def test_is_let_through_by_any_entry_that_matches(self, client_with, made):
        api = client_with(f"TRIGGER_RULES:{made.id};execute=10", "TRIGGER_RULES:*;execute=5000")

        assert run(api, made, manual_execute_amount=5000).status_code == 202


class TestCount:
    def test_lets_through_so_many_runs_a_period_and_no_more(self, client_with, made, set_clock):
        api = client_with(f"TRIGGER_RULES:{made.id};count_day=2;count_week=3;count_month=4")
        set_clock(NOON)
        assert [run(api, made).status_code for _ in range(3)] == [202, 202, 403]
        set_clock(NOON + timedelta(days=1))
        assert [run(api, made).status_code for _ in range(2)] == [202, 403]
        set_clock(NOON + timedelta(days=5))  # Monday the 30th
        assert [run(api, made).status_code for _ in range(2)] == [202, 403]
        set_clock(NOON + timedelta(days=6))  # the first of the month
        assert run(api, made).status_code == 202
        assert RuleExecution.objects.count() == 5

    def test_tells_when_the_next_run_is_possible(self, client_with, made, set_clock):
        api = client_with(f"TRIGGER_RULES:{made.id};count_month=1")
        set_clock(NOON)
        run(api, made)

        message = run(api, made).json()["error"]["message"]
        assert "1 of 1 runs a month are used; the next one is possible from 2026-12-01T00:00:00Z" in message

    def test_is_that_of_all_rules_of_the_entry_together(self, client_with, made, other):
        api = client_with(f"TRIGGER_RULES:{made.id},{other.id};count_day=2")

        assert [run(api, each).status_code for each in (made, other, made)] == [202, 202, 403]

    def test_counts_neither_simulations_nor_refusals_nor_replays(self, client_with, api, made):
        capped = client_with(f"TRIGGER_RULES:{made.id};count_day=2")
        run(capped, made, simulation=True)
        first = capped.post(f"/rules/{made.id}/trigger", {}, idempotency_key="k")
        assert capped.post(f"/rules/{made.id}/trigger", {}, idempotency_key="k").content == first.content
        disable(made)
        assert error_of(run(capped, made)) == (403, "rule_disabled")
        made.status = "enabled"
        made.save()

        assert [run(capped, made).status_code for _ in range(2)] == [202, 403]

    @pytest.mark.parametrize(
        "rewritten",
        ["TRIGGER_RULES:{made};count_day=1", "TRIGGER_RULES:{made},{other};count_day=1", "TRIGGER_RULES:*;count_day=1"],
    )
    def test_is_not_refilled_by_rewriting_the_entry(self, client_with, made, other, rewritten):
        api = client_with(f"TRIGGER_RULES:{made.id};count_day=1")
        run(api, made)
        for text in ("LIST_RULES", rewritten.format(made=made.id, other=other.id)):
            set_permissions(key_id=key_of(api).id, permissions=parse_permissions([text]), changed_by="test")

        assert error_of(run(api, made)) == EXCEEDED

    def test_goes_on_after_a_rotation(self, client_with, made):
        api = client_with(f"TRIGGER_RULES:{made.id};count_day=1")
        run(api, made)
        _, token = rotate_api_key(key_id=key_of(api).id, overlap=timedelta(hours=1), rotated_by="test")

        assert error_of(run(Api(token), made)) == EXCEEDED

    def test_is_looked_at_after_the_rule_is_found_and_before_its_state(self, client_with, api, acme):
        income, pod = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
        disabled = write(api, rule(step(move(income, pod, 1_00)), trigger=manual(income.id)))
        capped = client_with("TRIGGER_RULES:*;execute=0")

        assert capped.post("/rules/rule_01K0000000000000000000000A/trigger", {}).status_code == 404
        assert error_of(run(capped, disabled, manual_execute_amount=5)) == EXCEEDED

    @pytest.mark.django_db(transaction=True)
    def test_is_exact_under_many_at_once(self, client_with, made):
        api = client_with(f"TRIGGER_RULES:{made.id};count_day=7")
        with Crew(10) as crew:
            outcomes = [run.status_code for _ in range(2) for run in crew.all_at_once(lambda: run_of(api, made))]

        assert sorted(outcomes) == [202] * 7 + [403] * 13
        assert RuleExecution.objects.count() == 7


def run_of(api, made):
    return Api(None, **api.headers).post(f"/rules/{made.id}/trigger", {})


class TestPeople:
    def test_are_not_bound_by_a_keys_limits(self, made):
        for _ in range(3):
            trigger_rule(organization_id=made.organization_id, rule_id=made.id, by="staff:ann")

        assert RuleExecution.objects.filter(started_by="staff:ann").count() == 3
