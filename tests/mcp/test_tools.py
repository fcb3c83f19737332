"""Tools: what they are, what they do, and that a broken connection pays once."""

from datetime import timedelta

import pytest
from jsonschema import Draft202012Validator

from apikeys import idempotency
from apikeys.errors import RequestInProgress
from apikeys.models import ApiKey, SpendCounter
from apikeys.services import resume_api_key
from sequence.core.clock import now
from sequence.core.events.numbering import number_events
from sequence.core.worker import run_once
from sequence.stops.services import pause_key
from tests.factories import PodFactory
from tests.mcp.conftest import plain
from tests.rules.definitions import manual, on_funds, rule, step
from tests.rules.steps import move, write_enabled
from tests.transfers.steps import fund
from transfers.models import Transfer

pytestmark = pytest.mark.django_db

NAMES = """
    listAccounts getAccount createAccount listBeneficiaries listAccountTransfers listRules getRule createRule
    updateRule triggerRule listRuleExecutions getRuleExecution createTransfer listTransfers getTransfer
    listExternalTransactions getExternalTransaction listTransactions getCardTransaction listAuditLog
    getKey dryRunTransfer whyNotRule replayRule getReplay getIdempotencyKey listEvents pauseMe
""".split()  # noqa: SIM905 - in the order in which people read them


def pay(assistant, income, rent, cents=10_00, **more):
    return assistant.call(
        "createTransfer",
        sourceAccountId=plain(income),
        destinationAccountId=plain(rent),
        amountInCents=cents,
        **more,
    )


class TestTheList:
    def test_has_every_tool_in_the_contracts_order(self, assistant):
        assert list(assistant.tools()) == NAMES

    def test_has_schemas_that_stand_alone(self, assistant):
        for tool in assistant.tools().values():
            for schema in (tool["inputSchema"], tool["outputSchema"]):
                Draft202012Validator.check_schema(schema)
                assert schema["type"] == "object"
                assert "#/components" not in str(schema)
            assert tool["inputSchema"]["additionalProperties"] is False
            assert "uuid" not in str(tool["inputSchema"]).replace("idempotency", "")

    def test_gives_hints(self, assistant):
        hints = {name: tool["annotations"] for name, tool in assistant.tools().items()}
        assert hints["getAccount"]["readOnlyHint"]
        assert hints["dryRunTransfer"]["readOnlyHint"]
        assert (hints["createTransfer"]["readOnlyHint"], hints["createTransfer"]["destructiveHint"]) == (False, True)
        assert all(
            ("idempotencyKey" in tool["inputSchema"]["properties"]) == (not hints[name]["readOnlyHint"])
            for name, tool in assistant.tools().items()
            if name not in ("getIdempotencyKey", "dryRunTransfer")
        )

    def test_shows_what_the_key_may(self, assistant_with):
        assert list(assistant_with("READ_EVENTS").tools()) == [
            *("listBeneficiaries", "getKey", "getIdempotencyKey", "listEvents", "pauseMe")
        ]
        assert "listAccounts" in assistant_with("READ_ACCOUNTS:acc_01ARZ3NDEKTSV4RRFFQ69G5FAV").tools()

    def test_of_a_paused_key_is_what_it_is(self, assistant_with):
        paused = assistant_with("LIST_ACCOUNTS")
        pause_key(key_id=ApiKey.objects.latest("created_at").id, by="staff:bob")

        assert list(paused.tools()) == ["getKey"]
        assert paused.read("getKey")["status"] == "paused"
        assert paused.refusal("listAccounts")["code"] == "KEY_PAUSED"


class TestCalls:
    """Each answers what its schema says."""

    def test_of_every_tool_answer_what_their_schemas_say(self, assistant, api, income, rent):
        made = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        told = assistant.tools()
        deposit = fund(income, 5_00)
        ids = {"sourceAccountId": plain(income), "destinationAccountId": plain(rent)}
        number_events(now())
        calls = {
            "listAccounts": {},
            "getAccount": {"id": plain(income)},
            "createAccount": {"name": "Food", "type": "POD"},
            "listBeneficiaries": {},
            "listAccountTransfers": {"accountId": plain(income)},
            "listRules": {},
            "getRule": {"id": plain(made)},
            "triggerRule": {"id": plain(made)},
            "listRuleExecutions": {"ruleId": plain(made)},
            "createTransfer": {**ids, "amountInCents": 1_00},
            "listTransfers": {"accountIds": [plain(income), plain(rent)]},
            "getTransfer": {"id": plain(deposit)},
            "listExternalTransactions": {"accountIds": [plain(income)]},
            "getKey": {},
            "dryRunTransfer": {**ids, "amountInCents": 1_00},
            "whyNotRule": {"ruleId": plain(made), "transferId": plain(deposit)},
            "listEvents": {"first": 5},
            "getIdempotencyKey": {"idempotencyKey": "k-1"},
            "listAuditLog": {},
            "replayRule": {"ruleId": plain(made), "from": (now() - timedelta(days=3)).isoformat()},
        }
        pay(assistant, income, rent, 2_00, idempotencyKey="k-1")
        for name, arguments in calls.items():
            known = told[name]["inputSchema"]["properties"]
            found = assistant.call(name, **{key: value for key, value in arguments.items() if key in known})
            assert not found["isError"], (name, found)
            Draft202012Validator(told[name]["outputSchema"]).validate(found["structuredContent"])

    def test_do_not_need_the_dialects_addresses(self, assistant, settings, income):
        settings.PLATFORM_API = False
        assert assistant.read("getAccount", id=plain(income))["name"] == "Payroll"
        assert assistant.client.get("/platform/v1/accounts", headers=assistant.authorization).status_code == 404

    def test_are_of_the_same_things_as_the_dialects(self, assistant, income):
        account = assistant.read("getAccount", id=plain(income))
        assert (account["id"], account["name"]) == (plain(income), "Payroll")

    def test_pay_and_tell_the_reason(self, assistant, income, rent):
        made = pay(assistant, income, rent, reason="Rent for Mäy\nis due")["structuredContent"]
        run_once()

        transfer = Transfer.objects.latest("created_at")
        assert (plain(transfer), transfer.called_reason) == (made["id"], "Rent for Mäy is due")
        assert assistant.read("getTransfer", id=made["id"])["status"] == "COMPLETE"

    def test_replay_a_draft_in_the_words_of_rules(self, assistant, api, income, rent):
        made = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        ends = {
            "source": {"id": plain(income), "type": "INCOME_SOURCE"},
            "destination": {"id": plain(rent), "type": "POD"},
        }
        draft = {
            "trigger": {"type": "ON_FUNDS_TRANSFERRED", "accountId": plain(income)},
            "steps": [{"actions": [{"type": "FIXED", **ends, "amountInCents": 5_00}]}],
        }
        begin = (now() - timedelta(days=3)).isoformat()
        asked = assistant.read("replayRule", **{"ruleId": plain(made), "from": begin, "definition": draft})
        run_once()
        found = assistant.read("getReplay", replayId=asked["replayId"])
        assert (found["status"], found["ruleId"]) == ("done", plain(made))
        unknown = {**draft, "steps": [{"actions": [{"type": "MAGIC"}]}]}
        refused = assistant.refusal("replayRule", **{"ruleId": plain(made), "from": begin, "definition": unknown})
        assert refused["code"] == "INVALID_RULE"

    def test_pretend_money_in_simulations_alone(self, assistant, api, income, rent):
        made = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id)))
        refused = assistant.refusal("triggerRule", id=plain(made), simulatedIncomingFunds=5_00)
        assert (refused["code"], refused["details"][0]["field"]) == ("INVALID_PARAMETERS", "simulatedIncomingFunds")
        told = assistant.read("triggerRule", id=plain(made), simulatedIncomingFunds=5_00, simulation=True)
        run = assistant.read("getRuleExecution", ruleId=plain(made), id=told["executionId"])
        assert run["executionMode"] == "SIMULATION"

    def test_dry_run_whatever_a_transfer_takes(self, assistant, income, rent):
        told = assistant.tools()
        taken = set(told["createTransfer"]["inputSchema"]["properties"])
        assert taken <= set(told["dryRunTransfer"]["inputSchema"]["properties"])
        ids = {"sourceAccountId": plain(income), "destinationAccountId": plain(rent)}
        more = {"description": "Rent", "simulation": True, "idempotencyKey": "a b", "reason": "Rent is due"}
        assert assistant.read("dryRunTransfer", **ids, amountInCents=1_00, **more)["verdict"] == "allowed"

    def test_clear_the_name_of_a_rule(self, assistant, api, income, rent):
        made = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id), nickname="Rent"))
        assert assistant.read("updateRule", id=plain(made), trigger=None)["name"] == "Rent"
        assert assistant.read("updateRule", id=plain(made), name=None)["name"] is None

    def test_pause_the_key(self, assistant_with):
        told = assistant_with("LIST_RULES").read("pauseMe", reason="Something is wrong.")
        key = ApiKey.objects.latest("created_at")
        assert told["stopped"][0]["id"] == plain(key)
        assert key.pause_note == "Something is wrong."


class TestRefusals:
    def test_say_what_can_be_mended(self, assistant_with, income, rent):
        capped = assistant_with(f"MANUAL_TRANSFER:*>{rent.id};day=500")
        refused = pay(capped, income, rent)["structuredContent"]

        assert refused["code"] == "MAXIMUM_AMOUNT_EXCEEDED"
        assert refused["details"][0]["code"] == "day"
        assert {"change": "amount_in_cents", "to": 5_00} in [
            {"change": one["change"], "to": one["to"]} for one in refused["smallestChanges"]
        ]
        assert refused["requestId"].startswith("req_")

    @pytest.mark.parametrize(
        ("arguments", "field"),
        [
            ({"sourceAccount": "x"}, "sourceAccount"),
            ({"idempotencyKey": 5}, "idempotencyKey"),
            ({"reason": ["why"]}, "reason"),
            ({"amountInCents": "10"}, "amountInCents"),
            ({"amountInCents": 10.5}, "amountInCents"),
        ],
    )
    def test_of_arguments_name_the_field(self, assistant, income, rent, arguments, field):
        ids = {"sourceAccountId": plain(income), "destinationAccountId": plain(rent), "amountInCents": 1_00}
        refused = assistant.refusal("createTransfer", **{**ids, **arguments})
        assert refused["code"] == "INVALID_PARAMETERS"
        assert field in [detail["field"] for detail in refused["details"]]
        assert not Transfer.objects.filter(api_key__isnull=False).exists()

    @pytest.mark.parametrize("value", [[], [1], [[]], {}, {"a": 1}])
    @pytest.mark.parametrize(
        ("tool", "argument"), [("listTransfers", "page"), ("listTransfers", "from"), ("listEvents", "first")]
    )
    def test_of_lists_for_one_value_name_the_field(self, assistant, tool, argument, value):
        refused = assistant.refusal(tool, **{argument: value})
        assert refused["code"] == "INVALID_PARAMETERS"
        fields = [detail["field"] for detail in refused["details"]]
        assert fields == [argument, *(["accountIds"] if tool == "listTransfers" else [])]

    def test_of_headers_name_the_argument(self, assistant_with, income, rent):
        assistant = assistant_with(f"MANUAL_TRANSFER:*>{rent.id};reason=required")
        for more, field in (({}, "reason"), ({"reason": "Rent", "idempotencyKey": "a b"}, "idempotencyKey")):
            refused = pay(assistant, income, rent, **more)["structuredContent"]
            assert [detail["field"] for detail in refused["details"]] == [field]
            assert refused["message"].startswith(f"{field}: ")
            assert "X-Called-Reason" not in str(refused)
        ids = {"sourceAccountId": plain(income), "destinationAccountId": plain(rent), "amountInCents": 1_00}
        assert "Say in reason why" in assistant.read("dryRunTransfer", **ids)["sentence"]

    def test_of_what_stands_in_an_address(self, assistant):
        assert assistant.refusal("getAccount")["details"][0]["field"] == "id"
        assert assistant.refusal("getAccount", id=5)["details"][0]["code"] == "invalid"
        assert assistant.refusal("getAccount", id="nothing")["code"] == "ACCOUNT_NOT_FOUND"
        assert assistant.refusal("getAccount", id="../key/pause")["code"] == "ACCOUNT_NOT_FOUND"

    def test_of_a_key_that_was_never_used(self, assistant):
        assert assistant.refusal("getIdempotencyKey", idempotencyKey="never")["code"] == "IDEMPOTENCY_KEY_NOT_FOUND"

    def test_have_the_codes_of_the_dialect(self, assistant, income, rent):
        ids = {"sourceAccountId": plain(income), "destinationAccountId": plain(rent), "amountInCents": 1_00}
        for field, code in (
            ("sourceAccountId", "TRANSFER_SOURCE_NOT_FOUND"),
            ("destinationAccountId", "TRANSFER_DESTINATION_NOT_FOUND"),
        ):
            refused = assistant.refusal("createTransfer", **{**ids, field: "nothing"})
            assert (refused["code"], [detail["field"] for detail in refused["details"]]) == (code, [field])

    def test_name_what_is_in_progress(self, assistant, income, rent, monkeypatch):
        def busy(*_, **__):
            raise RequestInProgress(retry_after=1)

        monkeypatch.setattr(idempotency, "_insert", busy)
        assert pay(assistant, income, rent)["structuredContent"]["code"] == "TRANSFER_IN_PROGRESS"

    def test_spell_ids_plainly(self, assistant_with, income, rent):
        capped = assistant_with(f"MANUAL_TRANSFER:{income.id}>{rent.id}@500")
        refused = pay(capped, income, rent)["structuredContent"]
        assert income.id not in str(refused)
        assert plain(income) in refused["message"]

    @pytest.mark.parametrize(
        ("tool", "arguments"),
        [
            ("getKey", {"\ud800": 1}),
            ("getAccount", {"id": "\ud800"}),
            ("getIdempotencyKey", {"idempotencyKey": "\ud800"}),
            ("createAccount", {"type": "POD", "name": "\ud800"}),
            ("createRule", {"trigger": {}, "steps": [{"conditions": {"all": [[]] * 3}}]}),
        ],
    )
    def test_of_texts_that_are_none_can_be_mended(self, assistant, tool, arguments):
        assert assistant.refusal(tool, **arguments)["code"] == "INVALID_PARAMETERS"

    def test_of_conditions_without_end_can_be_mended(self, assistant):
        nested: object = None
        for _ in range(300):
            nested = {"all": [nested]}
        refused = assistant.refusal("createRule", trigger={}, steps=[{"conditions": nested}])
        assert refused["code"] == "INVALID_PARAMETERS"

    def test_of_others_things_tell_nothing(self, assistant, other_api, globex, income):
        theirs = PodFactory(organization=globex)
        assert assistant.refusal("getAccount", id=plain(theirs))["code"] == "ACCOUNT_NOT_FOUND"


class TestRepeats:
    def count(self):
        return Transfer.objects.filter(api_key__isnull=False).count()

    def test_without_a_key_pay_once(self, assistant, income, rent):
        first, again = (pay(assistant, income, rent, reason=why) for why in ("one", "other"))
        assert first["structuredContent"] == again["structuredContent"]
        assert (first.get("_meta", {}).get("replayed"), again["_meta"]["replayed"]) == (None, True)
        assert self.count() == 1

    def test_that_add_nothing_pay_once(self, assistant, income, rent):
        pay(assistant, income, rent)
        assert pay(assistant, income, rent, description=None, idempotencyKey=None)["_meta"]["replayed"]
        assert self.count() == 1

    def test_with_two_keys_pay_twice(self, assistant, income, rent):
        for key in ("a", "b"):
            pay(assistant, income, rent, idempotencyKey=key)
        assert self.count() == 2

    def test_are_forgotten_after_ten_minutes(self, assistant, income, rent, set_clock):
        pay(assistant, income, rent, 1_00)
        begun = now()
        set_clock(begun + timedelta(minutes=9, seconds=50))
        pay(assistant, income, rent, 1_00)
        assert self.count() == 1
        set_clock(begun + timedelta(minutes=10, seconds=1))
        pay(assistant, income, rent, 1_00)
        assert self.count() == 2

    def test_of_a_refusal_are_asked_anew(self, assistant_with, income, rent):
        capped = assistant_with("MANUAL_TRANSFER:*>*;day=1500")
        pay(capped, income, rent, 10_00)
        assert pay(capped, income, rent, 6_00)["isError"]
        # Somebody makes room for it.
        SpendCounter.objects.update(spent_cents=0)
        assert not pay(capped, income, rent, 6_00)["isError"]

    def test_of_a_kept_refusal_have_its_words(self, assistant, api, income, rent):
        made = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        asked = {"ruleId": plain(made), "from": (now() - timedelta(days=3)).isoformat()}
        assistant.read("replayRule", **asked)
        for tool, arguments, code in (
            ("replayRule", asked, "REPLAY_RUNNING"),
            ("triggerRule", {"id": "nothing"}, "RULE_NOT_FOUND"),
        ):
            first, again = (assistant.call(tool, **arguments, idempotencyKey=tool) for _ in range(2))
            assert again["_meta"]["replayed"]
            assert first["structuredContent"]["code"] == code
            assert again["structuredContent"] == first["structuredContent"]

    def test_of_a_kept_refusal_have_its_details(self, assistant_with, income, rent):
        capped = assistant_with(f"MANUAL_TRANSFER:*>{rent.id};day=500")
        first, again = (pay(capped, income, rent, idempotencyKey="k-1") for _ in range(2))

        assert first["structuredContent"]["details"]
        assert again["_meta"]["replayed"]
        assert again["structuredContent"] == first["structuredContent"]

        # By the dialect's own door it has the dialect's shape.
        response = capped.client.post(
            "/platform/v1/transfers",
            {"sourceAccountId": plain(income), "destinationAccountId": plain(rent), "amountInCents": 10_00},
            content_type="application/json",
            headers={**capped.authorization, "Idempotency-Key": "k-1"},
        )
        told = {name: first["structuredContent"][name] for name in ("code", "message")}
        assert response.json() == {"requestId": first["structuredContent"]["requestId"], "error": told}
        assert response.headers["Idempotent-Replayed"] == "true"

    def test_with_a_key_share_the_dialects_namespace(self, assistant, income, rent, api):
        told = pay(assistant, income, rent, idempotencyKey="k-1")["structuredContent"]
        body = {"sourceAccountId": plain(income), "destinationAccountId": plain(rent), "amountInCents": 10_00}
        response = assistant.client.post(
            "/platform/v1/transfers",
            body,
            content_type="application/json",
            headers={**assistant.authorization, "Idempotency-Key": "k-1"},
        )
        assert response.json()["data"] == told
        assert self.count() == 1

    @pytest.mark.parametrize("tool", ["createAccount", "pauseMe"])
    def test_of_each_tool_that_writes_are_told(self, assistant_with, tool):
        assistant = assistant_with("CREATE_ACCOUNTS")
        arguments = {"name": "Food", "type": "POD"} if tool == "createAccount" else {}
        assistant.call(tool, **arguments)
        assert assistant.call(tool, **arguments)["_meta"]["replayed"]

    def test_pause_again_a_key_that_a_person_has_resumed(self, assistant_with):
        assistant = assistant_with("LIST_RULES")
        key = ApiKey.objects.latest("created_at")
        assistant.call("pauseMe")
        resume_api_key(key_id=key.id)

        assert "replayed" not in assistant.call("pauseMe").get("_meta", {})
        key.refresh_from_db()
        assert key.paused_at is not None
        assert assistant.call("pauseMe")["_meta"]["replayed"]
