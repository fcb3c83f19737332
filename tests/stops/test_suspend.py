"""A suspended organization: its keys are closed and its rules rest, while money goes on arriving."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.models import Organization, OrganizationStatus
from apikeys.services import set_organization_status
from rules.errors import RuleNotEnablable
from rules.models import Rule, RuleExecution
from rules.sweeps import carry_out, notice_slots
from sequence.core import clock
from sequence.stops.services import suspend_organization
from tests.rules.definitions import manual, on_funds, rule, scheduled, step
from tests.rules.steps import enable, move, notice, trigger, write, write_enabled
from tests.transfers.steps import balances, fund, settle, transfer_between
from transfers.ledger_invariants import find_faults
from transfers.models import CancelReason, Status, Transfer
from transfers.settlement import accept


def suspend(organization):
    return suspend_organization(organization_id=organization.id, by="staff:bob", note="Looks odd").as_json()


def activate(organization):
    set_organization_status(organization_id=organization.id, status=OrganizationStatus.ACTIVE)


class TestSuspendOrganization:
    def test_cancels_what_all_its_keys_have_under_way(self, acme, agent, other, income, rent, accepted, waiting):
        theirs = transfer_between(other.api, income, rent, 10_00)
        told = suspend(acme)

        assert told["stopped"] == [{"type": "organization", "id": acme.id, "name": "Acme"}]
        assert (told["cancelled"]["count"], told["cancelled"]["amount_in_cents"]) == (3, 50_00)
        found = Transfer.objects.filter(id__in=[accepted.id, waiting.id, theirs.id])
        assert set(found.values_list("status", "cancel_reason", "decided_by", "decision_note")) == {
            (Status.CANCELLED, CancelReason.ORGANIZATION_STOPPED, "staff:bob", "Looks odd")
        }
        assert agent.api.get("/accounts").status_code == 401
        assert find_faults() == []

    def test_tells_of_no_money_that_arrived_by_itself(self, acme, income):
        assert suspend(acme)["not_stopped"]["count"] == 0

    def test_tells_what_completed_within_a_day(self, acme, accepted):
        settle()

        told = suspend(acme)["not_stopped"]
        assert [(one["id"], one["status"]) for one in told["transfers"]] == [(accepted.id, "complete")]

    def test_answers_zeros_the_second_time(self, acme, accepted):
        first, second = suspend(acme), suspend(acme)

        assert second["at"] == first["at"]
        assert (second["cancelled"]["count"], second["not_stopped"]["count"], second["rules"]) == (0, 0, [])

    def test_leaves_other_organizations_alone(self, acme, globex, other_api, accepted):
        suspend(globex)

        assert Transfer.objects.get(id=accepted.id).status == Status.PROCESSING

    def test_lets_what_is_with_a_rail_settle(self, acme, agent, income, bank):
        sent = transfer_between(agent.api, income, bank, 5_00)
        accept(timezone.now())
        suspend(acme)
        for minutes in (1, 2):
            settle(timezone.now() + timedelta(minutes=minutes))

        assert Transfer.objects.get(id=sent.id).status == Status.COMPLETE
        assert find_faults() == []


class TestItsRules:
    @pytest.fixture
    def routes_pay(self, agent, income, rent):
        return write_enabled(agent.api, rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id)))

    @pytest.fixture
    def pays_daily(self, agent, income, rent):
        start = clock.now().isoformat()
        return write_enabled(agent.api, rule(step(move(income, rent, 1_00)), trigger=scheduled("DAILY", start)))

    def runs(self):
        return RuleExecution.objects.count()

    def test_start_nothing_by_a_deposit_which_is_booked(self, acme, routes_pay, income):
        settle()
        suspend(acme)
        [before] = balances(income)
        fund(income, 10_00)
        settle()

        assert self.runs() == 0
        assert balances(income) == [before + 10_00]

    def test_start_nothing_by_a_deposit_that_nobody_had_noticed(self, acme, routes_pay, income):
        fund(income, 10_00)
        suspend(acme)
        activate(acme)
        settle()

        assert self.runs() == 0

    def test_start_nothing_by_what_arrived_meanwhile_when_it_is_active_again(self, acme, routes_pay, income):
        suspend(acme)
        fund(income, 10_00)
        activate(acme)
        settle()
        assert self.runs() == 0

        fund(income, 10_00)
        settle()
        assert self.runs() == 1

    def test_miss_their_slots_for_good(self, acme, pays_daily):
        suspend(acme)
        later = timezone.now() + timedelta(days=3)
        assert notice_slots(later) == 1
        activate(acme)
        notice_slots(later + timedelta(seconds=1))
        assert self.runs() == 0

        notice_slots(later + timedelta(days=1))
        assert self.runs() == 1

    def test_miss_the_slots_that_no_worker_saw(self, acme, pays_daily, set_clock):
        start = timezone.now()
        suspend(acme)
        set_clock(start + timedelta(days=3))
        activate(acme)
        notice_slots(start + timedelta(days=3))

        assert self.runs() == 0
        assert Rule.objects.get(id=pays_daily.id).next_slot_at > start + timedelta(days=3)

    def test_end_their_runs_that_have_yet_to_decide(self, acme, agent, routes_pay, income):
        fund(income, 10_00)
        notice()
        told = suspend(acme)
        carry_out(timezone.now())

        assert told["executions_ended"]["count"] == 1
        assert RuleExecution.objects.get().error_message.startswith("organization_stopped")

    def test_carry_out_no_run_that_slipped_in(self, acme, agent, income, rent):
        made = write_enabled(agent.api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        trigger(agent.api, made)
        Organization.objects.filter(id=acme.id).update(status=OrganizationStatus.SUSPENDED)
        carry_out(timezone.now())

        assert RuleExecution.objects.get().error_message.startswith("organization_stopped")
        assert not Transfer.objects.filter(rule_id=made.id).exists()

    def test_are_enabled_by_nobody(self, acme, agent, income, rent):
        made = write(agent.api, rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id)))
        suspend(acme)

        with pytest.raises(RuleNotEnablable, match="suspended"):
            enable(made)
