"""The staff's pages about rules."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pghistory.models import Context

from apikeys.models import ApiKey
from apikeys.services import rotate_api_key
from rules.models import ExecutionMode, Rule, RuleExecution, RuleStatus
from sequence.core.admin.display import shorten
from sequence.core.worker import run_once
from tests.factories import IncomeSourceFactory, PodFactory
from tests.staff import Staff
from transfers.models import Origin, Transfer
from transfers.services import deposit

VIEW = ["rules.view_rule", "rules.view_ruleexecution"]


@pytest.fixture
def income(acme):
    return IncomeSourceFactory(organization=acme, name="Main Payroll")


@pytest.fixture
def taxes(acme):
    return PodFactory(organization=acme, name="Taxes")


def written(api, income, taxes, percentage=20) -> Rule:
    """Return a rule that a program wrote."""
    action = {
        "type": "percentage",
        "percentage_value": percentage,
        "percentage_target": "INCOMING_AMOUNT",
        "source": {"id": income.id},
        "destination": {"id": taxes.id},
        "limit": {"period": "PER_MONTH", "amount_in_cents": 100_000},
    }
    condition = {"fact": "BALANCE", "operator": "GREATER_THAN", "value": 50_000}
    body = {
        "nickname": "Set taxes aside",
        "trigger": {"type": "ON_FUNDS_TRANSFERRED", "account_id": income.id},
        "steps": [{"conditions": {"condition": condition}, "actions": [action]}],
    }
    response = api.post("/rules", body)
    assert response.status_code == 201, response.content
    return Rule.objects.get(id=response.json()["data"]["id"])


@pytest.fixture
def rule(api, income, taxes) -> Rule:
    return written(api, income, taxes)


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


class TestRulePages:
    def test_tell_the_rule_as_sentences(self, root, rule):
        text = root.get(f"rules/rule/{rule.id}/change/").content.decode()

        payroll = f"“Main Payroll” (Income source, {shorten(rule.trigger_account_id)})"
        [taxes] = {id for id in rule.account_ids if id != rule.trigger_account_id}
        assert f"When money arrives in {payroll}:" in text
        assert (
            f"if the balance of {payroll} is above $500.00: move 20 % of what arrived from {payroll} to "
            f"“Taxes” (Pod, {shorten(taxes)}), at most $1,000.00 a month."
        ) in text
        assert "It was never enabled." in text

    def test_enable_with_who_and_why(self, rule):
        staff = Staff("ann", *VIEW, "rules.enable_rule")

        staff.post(f"rules/rule/{rule.id}/enable/", reason="Reviewed with Bob")

        rule.refresh_from_db()
        assert (rule.status, rule.enabled_by) == (RuleStatus.ENABLED, "staff:ann")
        assert Context.objects.get(metadata__reason="Reviewed with Bob").metadata["actor"] == "staff:ann"

    def test_tell_a_custodian_of_the_key_that_wrote_it_who_may_enable_it(self, rule):
        staff = Staff("ann", *VIEW, "rules.enable_rule")
        Staff("bob", *VIEW, "rules.enable_rule")
        key = ApiKey.objects.get()
        rotate_api_key(key_id=key.id, overlap=timedelta(hours=1), rotated_by="staff:ann")

        page = staff.get(f"rules/rule/{rule.id}/enable/").content.decode()
        answer = staff.post(f"rules/rule/{rule.id}/enable/", reason="Mine").content.decode()

        assert "ann rotated the key that wrote this, so somebody else must decide." in page
        assert "Who may decide: bob." in page
        assert 'type="submit" class="button' not in page
        assert "somebody else must decide" in answer
        rule.refresh_from_db()
        assert rule.status == RuleStatus.DISABLED

    def test_disable(self, root, rule):
        root.post(f"rules/rule/{rule.id}/enable/")
        root.post(f"rules/rule/{rule.id}/disable/")

        rule.refresh_from_db()
        assert rule.status == RuleStatus.DISABLED

    def test_a_second_rule_for_the_same_money_is_refused_in_words(self, root, api, rule, income, taxes):
        other = written(api, income, taxes)
        root.post(f"rules/rule/{rule.id}/enable/")

        response = root.post(f"rules/rule/{other.id}/enable/")

        other.refresh_from_db()
        assert other.status == RuleStatus.DISABLED
        assert "already has an enabled rule" in response.content.decode()

    @pytest.mark.parametrize("name", ["enable", "simulate"])
    def test_without_the_permission_there_is_no_button_and_no_way(self, rule, name):
        staff = Staff("eve", *VIEW)

        assert f"../{name}/" not in staff.get(f"rules/rule/{rule.id}/change/").content.decode()
        assert staff.post(f"rules/rule/{rule.id}/{name}/", date="2026-05-11").status_code == 403
        rule.refresh_from_db()
        assert rule.status == RuleStatus.DISABLED

    def test_say_what_changed_since_it_was_enabled(self, root, api, rule, income, taxes):
        root.post(f"rules/rule/{rule.id}/enable/")
        body = api.get(f"/rules/{rule.id}").json()["data"]
        steps = body["steps"]
        for account in (steps[0]["actions"][0]["source"], steps[0]["actions"][0]["destination"]):
            del account["name"]
        steps[0]["actions"][0]["percentage_value"] = 30
        replaced = api.put(f"/rules/{rule.id}", {"trigger": body["trigger"], "steps": steps})
        assert replaced.status_code == 200, replaced.content

        text = root.get(f"rules/rule/{rule.id}/change/").content.decode()

        payroll = f"“Main Payroll” (Income source, {shorten(income.id)})"
        assert f"<del>if the balance of {payroll} is above $500.00: move 20 %" in text
        assert f"<ins>if the balance of {payroll} is above $500.00: move 30 %" in text

    def test_simulate_with_an_amount_and_a_date_and_move_nothing(self, root, rule, income):
        deposit(account_id=income.id, amount_cents=60_000, origin=Origin.PAYCHECK, by="test")
        before = Transfer.objects.count()

        text = root.post(f"rules/rule/{rule.id}/simulate/", amount="1,000.00", date="2026-05-11").content.decode()

        assert "balance of Main Payroll $600.00 is above $500.00: yes" in text
        assert "moved $200.00 to Taxes" in text
        assert Transfer.objects.count() == before
        assert RuleExecution.objects.get().mode == ExecutionMode.SIMULATION

    def test_ask_the_same_number_of_queries_for_more_rows(self, root, api, rule, income, taxes):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                root.get("rules/rule/")
            return len(captured)

        few = queries()
        for _ in range(4):
            written(api, income, taxes)

        assert queries() == few


class TestExecutionPages:
    def test_tell_the_trace_line_by_line_and_the_rule_as_it_was(self, root, api, rule, income):
        root.post(f"rules/rule/{rule.id}/enable/")
        deposit(account_id=income.id, amount_cents=100_000, origin=Origin.PAYCHECK, by="test")
        run_once()
        execution = RuleExecution.objects.get()

        text = root.get(f"rules/ruleexecution/{execution.id}/change/").content.decode()

        assert "Step 1: its conditions hold." in text
        assert "computed amount: $200.00" in text
        assert f"moved $200.00 to Taxes, transfer {execution.transfer_ids()[0]}" in text
        assert "move 20 % of what arrived" in text
        assert "default-src 'self'" in root.get("rules/ruleexecution/").headers["Content-Security-Policy"]
