"""What a person who opens the demo finds."""

from datetime import datetime, timedelta

import pytest
from django.db.models import Q
from ulid import ULID

from accounts.models import Account
from apikeys.models import ApiKey, Organization
from cards.models import CardDecline, CardTransaction
from rules.models import ExecutionMode, ExecutionStatus, Rule, RuleExecution, RuleVersion
from sequence.core import clock
from sequence.core.worker import run_once
from tests.client import Api
from tests.demo.conftest import make_demo_at
from tests.demo.facts import facts_of
from tests.demo.moments import NOW
from tests.replays.conftest import one_connection
from tests.replays.steps import replayed_here
from transfers.ledger_invariants import find_faults
from transfers.models import APPROVAL_LIFETIME, Status, Transfer
from transfers.services import approve_transfer

pytestmark = [pytest.mark.full, pytest.mark.django_db]

DAY = timedelta(days=1)
# A fixture.
__all__ = ["one_connection"]


@pytest.fixture
def transfers(demo):
    return Transfer.objects.for_organization(demo["organization"])


@pytest.fixture
def rules(demo):
    return Rule.objects.for_organization(demo["organization"])


class TestRules:
    def test_are_of_every_trigger_and_many_actions(self, rules):
        enabled = [rule for rule in rules if rule.status == "enabled"]
        actions = {action["type"] for rule in rules for step in rule.definition["steps"] for action in step["actions"]}

        assert len(enabled) >= 5
        assert {rule.trigger_type for rule in enabled} == {"MANUAL", "ON_FUNDS_TRANSFERRED", "SCHEDULED"}
        assert actions >= {"percentage", "fixed_amount", "top_up", "avalanche", "round_down", "total_amount_due"}

    def test_have_all_run(self, demo, rules):
        ran = set(RuleExecution.objects.filter(organization_id=demo["organization"]).values_list("rule_id", flat=True))

        assert ran == {rule.id for rule in rules}

    def test_one_of_an_agents_waits_for_a_person(self, demo, rules):
        [waiting] = rules.filter(enabled_at=None)
        [version] = RuleVersion.objects.filter(rule=waiting)
        agent = ApiKey.objects.get(organization_id=demo["organization"], name="Budget agent")

        assert (waiting.status, version.created_by) == ("disabled", f"key:{agent.id}")
        assert NOW - waiting.created_at < 3 * DAY
        assert [run.mode for run in waiting.executions.all()] == [ExecutionMode.SIMULATION]

    def test_one_was_replaced_and_stopped(self, rules):
        assert rules.filter(status="disabled", version=2, enabled_version=2).count() == 1

    def test_are_next_due_in_the_future(self, rules):
        slots = [rule.next_slot_at for rule in rules if rule.status == "enabled" and rule.trigger_type == "SCHEDULED"]

        assert len(slots) >= 5
        assert min(slots) > NOW

    def test_a_run_that_a_bank_refused_was_tried_again(self, demo):
        [run] = RuleExecution.objects.filter(organization_id=demo["organization"], attempts__gt=1)

        assert run.status == ExecutionStatus.EXECUTED
        assert sorted(transfer.status for transfer in run.transfers()) == [Status.COMPLETE, Status.ERROR]


class TestTransfers:
    def test_fill_a_year(self, transfers):
        moments = list(transfers.values_list("created_at", flat=True))

        assert len(moments) >= 300
        assert len({(moment.year, moment.month) for moment in moments}) >= 12
        assert max(moments) <= NOW

    def test_end_in_every_way(self, transfers):
        ended = {Status.PENDING_APPROVAL, Status.COMPLETE, Status.INCOMPLETE, Status.ERROR, Status.CANCELLED}

        assert set(transfers.values_list("status", flat=True)) == ended

    def test_one_came_back(self, transfers):
        [returned] = transfers.filter(status=Status.ERROR, completed_at__isnull=False)

        assert set(returned.entry_sets.values_list("kind", flat=True)) == {"settlement", "reversal"}

    def test_one_was_not_decided_in_time_and_one_still_waits(self, transfers):
        assert transfers.filter(decided_by="worker:expire_approvals").count() == 1
        [waiting] = transfers.filter(status=Status.PENDING_APPROVAL)
        assert NOW - waiting.created_at < APPROVAL_LIFETIME - 5 * DAY

    def test_some_failed_within_a_day(self, transfers):
        recent = transfers.filter(created_at__gt=NOW - DAY)

        assert set(recent.exclude(error_code=None).values_list("status", flat=True)) == {
            Status.INCOMPLETE,
            Status.ERROR,
        }

    def test_some_moved_today(self, transfers):
        midnight = NOW.replace(hour=0, minute=0)

        assert transfers.filter(completed_at__gte=midnight).count() >= 2

    def test_were_made_by_an_agent_within_its_caps(self, demo, transfers):
        by_agent = transfers.filter(api_key__name="Budget agent")

        assert by_agent.count() >= 30
        assert by_agent.filter(decided_by="staff:demo-reviewer", status=Status.COMPLETE).count() >= 2
        assert not transfers.exclude(api_key__name="Budget agent").exclude(api_key=None).exists()


class TestCards:
    def test_bought_gave_back_and_declined(self, demo):
        bought = CardTransaction.objects.filter(organization_id=demo["organization"])
        declines = CardDecline.objects.filter(organization_id=demo["organization"])

        assert bought.purchases().count() >= 90
        assert bought.filter(direction="credit").count() == 2
        assert set(declines.values_list("reason", flat=True)) >= {"above_transaction_limit", "merchant_blocked"}
        assert declines.filter(created_at__gt=NOW - DAY).exists()


class TestBooks:
    def test_are_right(self, demo):
        assert find_faults() == []

    def test_show_nothing_negative(self, demo):
        accounts = Account.objects.for_organization(demo["organization"])

        assert not accounts.filter(Q(balance_cents__lt=0) | Q(held_cents__lt=0)).exists()

    def test_debts_shrink_and_have_a_statement_each_month(self, demo):
        for name in ("Credit card", "Car loan"):
            debt = Account.objects.for_organization(demo["organization"]).get(name=name)
            told = debt.events.values_list("last_statement_balance_cents", flat=True)

            assert len(set(told)) >= 12
            assert debt.balance_cents < told[0]
            assert debt.next_payment_due_on > NOW.date() - 31 * DAY


class TestTimes:
    def test_ids_say_when_their_rows_were_made(self, transfers):
        for transfer in transfers:
            made_at = ULID.from_str(transfer.id.removeprefix("txr_")).datetime
            assert abs(made_at - transfer.created_at) < timedelta(milliseconds=1)

    def test_are_all_of_the_story(self, demo):
        rows = [row for table in facts_of(demo["organization"]).values() for row in table]
        moments = [value for row in rows for value in row if isinstance(value, datetime)]
        future = [rule.next_slot_at for rule in Rule.objects.for_organization(demo["organization"])]

        assert len(moments) > 1000
        assert [moment for moment in moments if not NOW - 366 * DAY < moment <= NOW and moment not in future] == []

    def test_the_same_instant_makes_the_same_again(self, demo):
        again = make_demo_at(NOW)

        assert again["organization"] != demo["organization"]
        assert facts_of(again["organization"]) == facts_of(demo["organization"])


class TestAfterwards:
    def test_workers_find_nothing_to_do(self, demo):
        assert run_once(NOW + timedelta(seconds=1)) == 0

    def test_life_goes_on(self, demo, transfers):
        before = transfers.count()

        for days in range(1, 9):
            with clock.stopped_at(NOW + days * DAY):
                run_once(NOW + days * DAY)
                run_once(NOW + days * DAY + timedelta(minutes=1))

        assert transfers.count() > before
        assert not transfers.filter(status__in=[Status.PROCESSING, Status.PENDING, Status.PENDING_APPROVAL]).exists()
        assert not RuleExecution.objects.filter(
            organization_id=demo["organization"], status=ExecutionStatus.IN_PROGRESS
        ).exists()
        assert find_faults() == []

    def test_somebody_else_may_approve_what_waits(self, demo, transfers):
        [waiting] = transfers.filter(status=Status.PENDING_APPROVAL)

        with clock.stopped_at(NOW):
            approve_transfer(transfer_id=waiting.id, by=f"staff:{demo['staff_username']}")
            run_once(NOW)

        waiting.refresh_from_db()
        assert waiting.status == Status.PENDING


class TestTrail:
    def test_names_the_command_and_the_month_of_the_story(self, demo):
        organization = Organization.objects.get(id=demo["organization"])
        models = [Account, Rule, ApiKey, Organization]
        events = [
            event
            for model in models
            for event in model.pgh_event_model.objects.select_related("pgh_context")
            if demo["organization"] in (getattr(event, "organization_id", None), event.pgh_obj_id, organization.id)
        ]

        assert len(events) > 50
        assert {event.pgh_context and event.pgh_context.metadata["actor"] for event in events} == {
            "command:seed_demo:tester"
        }
        assert "August 2023 in the demo" in {event.pgh_context.metadata.get("reason") for event in events}


class TestKeys:
    def test_the_full_one_opens_every_door(self, demo):
        with clock.stopped_at(NOW):
            api = Api(demo["api_key"])
            created = api.post("/accounts/income-sources", {"nickname": "Main Payroll", "icon": "briefcase"})
            accounts = api.get("/accounts").json()["data"]

        assert created.status_code == 201
        assert len(accounts) >= 10

    def test_the_agents_is_held_short(self, demo):
        ids = dict(Account.objects.for_organization(demo["organization"]).values_list("name", "id"))

        def ask(source: str, destination: str, cents: int):
            body = {
                "source_account_id": ids[source],
                "destination_account_id": ids[destination],
                "amount_in_cents": cents,
            }
            return Api(demo["agent_api_key"]).post("/transfers", body)

        with clock.stopped_at(NOW + 2 * DAY):
            assert ask("Rainy days", "Everyday checking", 20_000).json()["data"]["status"] == "processing"
            assert ask("Rainy days", "Everyday checking", 40_000).json()["data"]["status"] == "pending_approval"
            assert ask("Rainy days", "Everyday checking", 150_001).json()["error"]["code"] == "max_amount_exceeded"
            assert ask("Rent", "Everyday checking", 100).json()["error"]["code"] == "forbidden"


@pytest.mark.usefixtures("one_connection")
class TestReplays:
    def test_of_its_rules_tell_what_they_did_to_the_cent(self, rules):
        reproduced = 0
        for rule in rules.filter(status="enabled").exclude(enabled_at=None):
            told = replayed_here(rule, since=NOW - 364 * DAY, now=NOW)
            assert told["status"] == "done"
            # What debts demanded then is not kept: see the assumption.
            if "liability_facts_as_of_now" not in told["assumptions"]:
                reproduced += 1
                assert told["differences"] == []
                assert told["runs"]["replay"] == told["runs"]["actual"]
                assert all(way["actual_in_cents"] == way["replay_in_cents"] for way in told["moved"])
                assert all(
                    each["closing_actual_in_cents"] == each["closing_replay_in_cents"] for each in told["accounts"]
                )
        assert reproduced >= 7
