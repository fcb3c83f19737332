"""Rules and their executions in the vendor's dialect."""

from uuid import uuid4

import pytest

from rules.models import Rule
from rules.services import trigger_rule
from sequence.core.api.ids import show_id
from sequence.core.worker import run_once
from tests.platform.client import plain
from tests.platform.steps import action, manual, node, refusal, step
from tests.rules.steps import enable
from tests.transfers.steps import balances


@pytest.fixture
def body(income, rent, savings):
    """A rule that pays the rent and saves half of what came in."""
    percentage = {"percentageValue": 50, "percentageTarget": "SOURCE_ACCOUNT"}
    return {
        "name": "Pay day",
        "trigger": manual(income),
        "steps": [
            step(
                action("FIXED", income, rent, amountInCents=10_00), action("PERCENTAGE", income, savings, **percentage)
            )
        ],
    }


@pytest.fixture
def rule(platform, body) -> Rule:
    return own(platform.post("/rules", body).json()["data"]["id"])


def own(id: str) -> Rule:
    from uuid import UUID

    return Rule.objects.get(id=show_id("rule", UUID(id)))


class TestCreateRule:
    def test_makes_a_disabled_rule_and_says_where_a_person_enables_it(self, platform, body):
        response = platform.post("/rules", {**body, "status": "ENABLED", "unknown": [1]})

        shown = response.json()["data"]
        assert response.status_code == 201
        assert (shown["name"], shown["status"], shown["description"]) == ("Pay day", "DISABLED", None)
        assert shown["activationUrl"].endswith(f"/admin/rules/rule/{own(shown['id']).id}/change/")
        first, second = shown["steps"][0]["actions"]
        assert (first["type"], first["amountInCents"], first["source"]["name"]) == ("FIXED", 10_00, "Payroll")
        assert (second["percentageValue"], second["percentageTarget"], second["limit"]) == (50, "SOURCE_ACCOUNT", None)
        read = platform.data(f"/rules/{shown['id']}")
        assert read == {name: value for name, value in shown.items() if name != "activationUrl"}

    def test_means_the_same_as_the_own_api(self, api, platform, body):
        id = own(platform.post("/rules", body).json()["data"]["id"]).id
        stored = api.get(f"/rules/{id}").json()["data"]

        repeated = {name: stored[name] for name in ("nickname", "trigger", "steps")}
        again = api.post("/rules", repeated).json()["data"]

        assert own_definition(again["id"]) == own_definition(id)

    def test_takes_every_part_that_a_rule_can_have(self, platform, income, rent, acme):
        from tests.factories import ExternalAccountFactory

        card = ExternalAccountFactory(organization=acme, external_account_type="LIABILITY", balance_cents=100_00)
        leaf = {"fact": "BALANCE", "operator": "GREATER_THAN", "value": 100, "valueFact": None}
        conditions = {
            "all": [
                {"condition": {**leaf, "params": {"accountId": plain(rent.id)}}},
                {"any": [{"condition": {**leaf, "params": None}}]},
            ]
        }
        top_up = {
            "amountInCents": None,
            "nextPaymentMinimumAccount": node(card),
            "currentBalanceAccount": None,
            "lastStatementBalanceAccount": None,
        }
        actions = [
            action("TOP_UP", income, rent, **top_up),
            action("ROUND_DOWN", income, rent, amountInCents=1000, limit={"period": "PER_WEEK", "amountInCents": 5}),
            action("NEXT_PAYMENT_MINIMUM", income, card, upToEnabled=True),
            action("TOTAL_AMOUNT_DUE", income, card, achDescription="Card"),
            action("LAST_STATEMENT_BALANCE", income, card, isDirectDeposit=True),
            action("PERCENTAGE_LIABILITY_BALANCE", income, card, percentageValue=12.5),
        ]
        trigger = {"type": "SCHEDULED", "scheduleType": "EVERY_OTHER_WEEK", "accountId": plain(income.id)}

        response = platform.post("/rules", {"trigger": trigger, "steps": [step(*actions, conditions=conditions)]})

        shown = response.json()["data"]
        assert response.status_code == 201, response.content
        assert shown["trigger"]["startDate"].endswith("Z")
        assert shown["steps"][0]["conditions"]["all"][0]["condition"]["params"] == {"accountId": plain(rent.id)}
        assert [each["type"] for each in shown["steps"][0]["actions"]] == [each["type"] for each in actions]

    @pytest.mark.parametrize("kind", ["AVALANCHE", "BUY_GOLD", "fixed_amount"])
    def test_knows_no_other_types(self, platform, body, kind):
        body["steps"][0]["actions"][0]["type"] = kind

        assert refusal(platform.post("/rules", body)) == (422, "INVALID_RULE")
        body["trigger"]["type"] = "FULL_MOON"
        assert refusal(platform.post("/rules", body)) == (422, "INVALID_RULE")

    @pytest.mark.parametrize(
        ("part", "value", "place"),
        [
            ("steps", [], "steps"),
            ("steps", None, "steps"),
            ("steps", "x", "steps"),
            ("steps", [1], "steps[0]"),
            ("steps", [{"actions": []}], "steps[0].actions"),
            ("steps", [{"actions": [{}]}], "steps[0].actions[0].type"),
            ("trigger", {}, "trigger.type"),
            ("trigger", {"type": "MANUAL"}, "trigger.accountId"),
            ("trigger", {"type": "MANUAL", "accountId": "x"}, "trigger.accountId"),
            ("name", "x" * 101, "name"),
        ],
    )
    def test_places_what_is_wrong(self, platform, body, part, value, place):
        response = platform.post("/rules", {**body, part: value})

        assert refusal(response) == (400, "INVALID_PARAMETERS")
        assert response.json()["error"]["message"].startswith(f"{place}: ")

    def test_spells_the_place_of_a_number(self, platform, body):
        body["steps"][0]["actions"][0]["amountInCents"] = 99

        message = platform.post("/rules", body).json()["error"]["message"]

        assert message.startswith("steps[0].actions[0].amountInCents: ")

    def test_says_what_is_wrong_in_its_own_words(self, platform, body):
        first = body["steps"][0]["actions"][0]

        def message(**changed):
            changed_body = {**body, "steps": [step({**first, **changed})]}
            return platform.post("/rules", changed_body).json()["error"]["message"]

        assert "FIXED, PERCENTAGE, TOP_UP, " in message(type=None)
        assert "fixed_amount" not in message(type=None)
        assert message(source={**first["source"], "type": "POD"}).endswith("Payroll is of type INCOME_SOURCE.")
        assert "Give exactly one of amountInCents, nextPayment" in message(type="TOP_UP", amountInCents=None)


def own_definition(id: str):
    return Rule.objects.get(id=id).definition


class TestUpdateRule:
    def test_disables_by_what_was_reviewed_and_not_by_the_name(self, platform, rule, body):
        enable(rule)
        path = f"/rules/{plain(rule.id)}"

        renamed = platform.patch(path, {"name": "Other"}).json()["data"]
        cleared = platform.patch(path, {"name": None}).json()["data"]
        unchanged = platform.patch(path).json()["data"]
        changed = platform.patch(path, {"trigger": body["trigger"]}).json()["data"]

        assert [(one["name"], one["status"]) for one in (renamed, cleared, unchanged, changed)] == [
            ("Other", "ENABLED"),
            (None, "ENABLED"),
            (None, "ENABLED"),
            (None, "DISABLED"),
        ]
        assert unchanged["updatedAt"] == cleared["updatedAt"]
        assert changed["steps"] == renamed["steps"]

    def test_finds_no_other_rule(self, platform, platform_with):
        assert refusal(platform.patch(f"/rules/{uuid4()}", {"name": "x"})) == (404, "RULE_NOT_FOUND")
        assert refusal(platform_with("LIST_RULES").patch(f"/rules/{uuid4()}", {})) == (403, "ACCESS_DENIED")


class TestReadRules:
    def test_lists_what_the_key_may_list(self, platform, platform_with, rule, body, income, rent):
        platform.post("/rules", body)

        assert len(platform.data("/rules")["items"]) == 2
        assert len(platform.data(f"/rules?sourceId={plain(income.id)}")["items"]) == 2
        assert platform.data(f"/rules?sourceId={plain(rent.id)}")["items"] == []
        [item] = platform_with(f"READ_RULES:{rule.id}").data("/rules")["items"]
        assert (item["id"], item["isSupported"]) == (plain(rule.id), True)
        assert refusal(platform_with("READ_RULES:*").get("/rules")) == (403, "ACCESS_DENIED")

    def test_has_no_words_for_avalanches(self, api, platform, income, acme):
        from tests.factories import ExternalAccountFactory

        card = ExternalAccountFactory(organization=acme, external_account_type="LIABILITY", balance_cents=100_00)
        spec = {"type": "avalanche", "source": {"id": income.id}, "accounts": [{"id": card.id}], "amount_in_cents": 500}
        body = {"trigger": {"type": "MANUAL", "account_id": income.id}, "steps": [{"actions": [spec]}]}
        id = api.post("/rules", body).json()["data"]["id"]

        assert refusal(platform.get(f"/rules/{plain(id)}")) == (403, "INVALID_RULE")
        assert platform.data("/rules")["items"][0]["isSupported"] is False


class TestTriggerRule:
    def test_runs_it_and_can_be_polled(self, platform, rule, income, rent, savings):
        enable(rule)

        response = platform.post(f"/rules/{plain(rule.id)}/trigger")
        id = response.json()["data"]["executionId"]

        assert response.status_code == 202
        path = f"/rules/{plain(rule.id)}/executions/{id}"
        assert platform.data(path)["status"] == "IN_PROGRESS"
        run_once()
        told = platform.data(path)
        assert (told["status"], told["transfersCompleted"], told["executionMode"]) == ("EXECUTED", 2, "LIVE")
        assert told["triggerDetails"] == {"type": "SEQUENCE_API", "amountInCents": None}
        assert balances(income, rent, savings) == [45_00, 10_00, 45_00]

    def test_follows_the_playbook_of_a_dry_run(self, platform, rule, income, rent, savings):
        key = f"dry-{uuid4()}-{uuid4()}"
        path = f"/rules/{plain(rule.id)}/trigger"
        first, again = (platform.post(path, {"simulation": True}, idempotency_key=key) for _ in range(2))
        assert first.content == again.content
        id = first.json()["data"]["executionId"]

        told = platform.data(f"/rules/{plain(rule.id)}/executions/{id}")
        found = platform.data(
            f"/transfers?accountIds={plain(income.id)}&ruleExecutionId={id}&executionMode=SIMULATION"
        )["items"]
        old = platform.data(f"/accounts/{plain(income.id)}/transfers?rule_execution_id={id}&executionMode=ALL")["items"]

        assert (told["status"], told["executionMode"]) == ("EXECUTED", "SIMULATION")
        assert [told[f"transfers{name}"] for name in ("Attempted", "Completed", "Failed", "Pending")] == [2, 2, 0, 0]
        assert found == old
        assert sorted(item["id"] for item in found) == sorted(told["transferIds"])
        assert sorted(item["amountInCents"] for item in found) == [10_00, 45_00]
        assert {(item["executionMode"], item["status"], item["origin"]) for item in found} == {
            ("SIMULATION", "COMPLETE", "RULE")
        }
        assert balances(income, rent, savings) == [100_00, 0, 0]
        assert platform.data(f"/transfers?accountIds={plain(income.id)}&ruleExecutionId={id}")["items"] == []

    def test_pretends_a_balance_in_a_simulation(self, platform, rule, income):
        def planned(body):
            id = platform.post(f"/rules/{plain(rule.id)}/trigger", body).json()["data"]["executionId"]
            query = f"executionMode=SIMULATION&ruleExecutionId={id}"
            items = platform.data(f"/accounts/{plain(income.id)}/transfers?{query}")["items"]
            return [(item["amountInCents"], item["status"]) for item in reversed(items)]

        assert planned({"simulation": True, "executeAmount": 1000_00}) == [(10_00, "COMPLETE"), (495_00, "COMPLETE")]
        # A fixed amount stays what it is, and what is not there fails.
        assert planned({"simulation": True, "executeAmount": 5_00}) == [(10_00, "INCOMPLETE")]

    @pytest.mark.parametrize(("pretended", "moved"), [(50_00, 20_00), (1000_00, 0)])
    def test_pretends_the_base_of_percentages_alone_when_it_is_live(self, platform, rule, savings, pretended, moved):
        enable(rule)

        platform.post(f"/rules/{plain(rule.id)}/trigger", {"executeAmount": pretended})
        run_once()

        # Half of what is left of 50.00 after the rent; half of 990.00 is more than there is.
        assert balances(savings) == [moved]

    def test_pretends_nothing_under_the_own_api(self, api, rule, income):
        body = {"simulation": True, "manual_execute_amount": 1000_00}
        id = api.post(f"/rules/{rule.id}/trigger", body).json()["data"]["execution_id"]

        query = f"account_id={income.id}&rule_execution_id={id}&mode=simulation"
        assert [item["amount_in_cents"] for item in api.get(f"/transfers?{query}").json()["data"]] == [45_00, 10_00]
        told = api.get(f"/rule-executions/{id}").json()["data"]
        assert (told["transfers_completed"], len(told["transfer_ids"])) == (2, 2)

    def test_refuses_what_it_does_not_know(self, platform, rule):
        path = f"/rules/{plain(rule.id)}/trigger"

        assert refusal(platform.post(path, {"simulate": True})) == (400, "INVALID_PARAMETERS")
        assert refusal(platform.post(path, {"executeAmount": -1})) == (400, "INVALID_PARAMETERS")
        assert refusal(platform.post(path)) == (403, "RULE_DEACTIVATED")
        assert refusal(platform.post(f"/rules/{uuid4()}/trigger")) == (404, "RULE_NOT_FOUND")


class TestExecutions:
    def test_tell_who_asked(self, platform, rule, acme):
        enable(rule)
        platform.post(f"/rules/{plain(rule.id)}/trigger")
        trigger_rule(organization_id=acme.id, rule_id=rule.id, by="staff:ada")
        path = f"/rules/{plain(rule.id)}/executions"

        def kinds(query=""):
            items = platform.data(f"{path}{query}")["items"]
            return [platform.data(f"{path}/{item['id']}")["triggerDetails"]["type"] for item in items]

        assert kinds() == ["MANUAL", "SEQUENCE_API"]
        assert kinds("?triggerType=SEQUENCE_API") == ["SEQUENCE_API"]
        assert kinds("?triggerType=MANUAL") == ["MANUAL"]
        assert kinds("?triggerType=SCHEDULED") == kinds("?triggerType=REMOTE_API") == []
        assert kinds("?status=FAILED") == []

    def test_are_of_the_rule_in_the_address(self, platform, rule, body):
        other = platform.post("/rules", body).json()["data"]["id"]
        id = platform.post(f"/rules/{plain(rule.id)}/trigger", {"simulation": True}).json()["data"]["executionId"]

        assert refusal(platform.get(f"/rules/{other}/executions/{id}")) == (404, "RULE_EXECUTION_NOT_FOUND")
        assert refusal(platform.get(f"/rules/{uuid4()}/executions")) == (404, "RULE_NOT_FOUND")
        assert refusal(platform.get(f"/rules/{other}/executions/x")) == (404, "RULE_EXECUTION_NOT_FOUND")
