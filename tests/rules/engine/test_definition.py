"""The definition as a value: pure, complete, and the one place that an action type is declared in."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
from django.conf import settings
from hypothesis import given

from accounts.models import ExternalAccountType
from rules.engine import actions
from rules.engine.actions import Action
from rules.engine.definition import Definition
from rules.engine.failures import FailureCode
from rules.engine.parameters import AccountParameter, AccountRef, CentsParameter, Role, parameter
from rules.engine.snapshot import LIABILITY, AchDirection
from rules.sentences import sentences_of
from sequence.core.api.openapi.document import document
from tests.api_docs.conformance import forget_document
from tests.rules.definitions import action, condition, defined, kept, manual, rule, scheduled, step
from tests.rules.engine.test_properties import patient, rules_
from tests.rules.steps import changed, execution, faults, run_now, trigger, write_enabled
from tests.transfers.steps import balances, fund
from transfers.models import Direction, ErrorCode

# Plans a rule where neither Django nor REST framework nor a database driver can be imported.
WITHOUT_DJANGO = """
import json, sys
for name in ("django", "rest_framework", "psycopg"):
    sys.modules[name] = None
from datetime import date
from rules.engine.definition import Definition
from rules.engine.plan import make_plan
from rules.engine.snapshot import AccountState, Snapshot
accounts = {id: AccountState(id, id, balance_cents=1000) for id in ("income", "rent")}
plan = make_plan(
    Definition.read(json.loads(sys.argv[1])), Snapshot(accounts, date(2026, 7, 15), lambda source, destination: None)
)
print([line.amount_cents for line in plan.lines])
"""


class TestEngine:
    def test_plans_where_there_is_no_django(self):
        definition = kept(
            rule(step(action("fixed_amount", amount_in_cents=300), conditions=condition("DATE", "GREATER_THAN", 1)))
        )

        done = subprocess.run(  # noqa: S603 - nothing of it comes from outside
            [sys.executable, "-c", WITHOUT_DJANGO, json.dumps(definition)],
            cwd=settings.BASE_DIR,
            env={},
            capture_output=True,
            text=True,
            check=False,
        )

        assert (done.stdout, done.stderr) == ("[300]\n", "")

    def test_speaks_the_words_of_accounts_and_transfers(self):
        assert set(FailureCode) <= set(ErrorCode.values)
        assert set(AchDirection) <= set(Direction.values)
        assert LIABILITY == ExternalAccountType.LIABILITY


class TestDefinition:
    @patient
    @given(rules_)
    def test_is_stored_as_it_was_read(self, definition):
        assert Definition.read(definition.as_dict()) == definition
        again = json.loads(json.dumps(definition.as_dict()))
        assert json.dumps(Definition.read(again).as_dict()) == json.dumps(again)

    @pytest.mark.parametrize(
        "body",
        [
            rule(step(action("percentage", percentage_value=33.33, percentage_target="INCOMING_AMOUNT"))),
            rule(step(action("percentage", percentage_value=0.000001, percentage_target="SOURCE_ACCOUNT"))),
            rule(step(action("round_down", amount_in_cents=1, ach_description="A 1", is_direct_deposit=True))),
            rule(step(action("fixed_amount", amount_in_cents=100), conditions=condition("BALANCE", "LESS_THAN", 0.5))),
            rule(
                step(action("fixed_amount", amount_in_cents=100)), trigger=scheduled("DAILY", "2026-01-31T09:30:00.25Z")
            ),
            rule(step(action("fixed_amount", amount_in_cents=100)), trigger=scheduled("WEEKLY", "2026-01-31", "rent")),
        ],
    )
    def test_keeps_every_byte_of_what_the_api_took(self, body):
        stored = kept(body)

        assert json.dumps(Definition.read(stored).as_dict()) == json.dumps(stored)

    def test_walks_through_every_part_with_its_path(self):
        tree = {"all": [condition("DATE", "EQUALS", 1), {"any": [condition("BALANCE", "EQUALS", 1, of="card")]}]}
        body = rule(
            step(action("top_up", current_balance_account={"id": "bank"}), conditions=tree), trigger=manual("pay")
        )

        assert [path for path, _ in defined(body).walk()] == [
            "trigger",
            "steps[0].conditions.all[0].condition",
            "steps[0].conditions.all[1].any[0].condition",
            "steps[0].actions[0]",
        ]
        assert [f"{path}.{each.id_place}" for path, each in defined(body).references()] == [
            "trigger.account_id",
            "steps[0].conditions.all[1].any[0].condition.params.account_id",
            "steps[0].actions[0].source.id",
            "steps[0].actions[0].destination.id",
            "steps[0].actions[0].current_balance_account.id",
        ]


@dataclass(frozen=True, kw_only=True)
class EmptyInto(Action):
    """An action type of a test: all that is above a floor, where a debt is the reason."""

    type = "empty_into"
    sentence = "Moves what is above the floor."

    because_of: AccountRef = parameter(
        AccountParameter(help_text="The debt that is the reason.", role=Role.FIGURE, must_owe=True)
    )
    floor_in_cents: int = parameter(CentsParameter(help_text="What stays, in cents.", at_least=5))

    def wanted_cents(self, world, incoming_share_cents):
        available = world.accounts[self.source.id].available_cents
        return available, available - self.floor_in_cents

    def amount_in_words(self, names):
        return f"all but {self.floor_in_cents} because of {names[self.because_of.id]}"


@pytest.mark.django_db
class TestNewActionType:
    @pytest.fixture(autouse=True)
    def table(self, monkeypatch):
        monkeypatch.setitem(actions.ACTIONS, EmptyInto.type, EmptyInto)

    @pytest.fixture
    def described(self, table):
        """Let the document tell of it, which holds answers that have it."""
        forget_document()
        yield
        forget_document()

    @pytest.fixture
    def body(self, income, rent, card):
        spec = action("empty_into", income.id, rent.id, because_of={"id": card.id}, floor_in_cents=100_00)
        return rule(step(spec), trigger=manual(income.id))

    @pytest.mark.usefixtures("described")
    def test_is_written_shown_described_simulated_run_and_put_into_words(self, api, body, income, rent, card):
        fund(income, 250_00)

        made = write_enabled(api, body)

        [shown] = api.get(f"/rules/{made.id}").json()["data"]["steps"][0]["actions"]
        assert shown["because_of"] == {"id": card.id, "type": "external_account", "name": "Card"}
        assert shown["floor_in_cents"] == 100_00
        assert {"EmptyIntoAction", "EmptyIntoActionInput"} <= {*document()["components"]["schemas"]}
        assert set(made.account_ids) == {income.id, rent.id, card.id}
        names = {income.id: "Payroll", rent.id: "Rent", card.id: "Card"}
        assert sentences_of(made.parsed(), names)[1] == "Move all but 10000 because of Card from Payroll to Rent."
        simulated = execution(api, trigger(api, made, simulation=True))
        assert simulated["trace"]["actions"][0]["movements"][0]["amount_cents"] == 150_00
        assert run_now(api, made)["status"] == "executed"
        assert balances(income, rent) == [100_00, 150_00]

    @pytest.mark.parametrize(
        ("path", "value", "fault"),
        [
            ("floor_in_cents", 4, ("steps[0].actions[0].floor_in_cents", "min_value")),
            ("because_of", None, ("steps[0].actions[0].because_of", "null")),
            ("because_of", {"id": "acc_nobody"}, ("steps[0].actions[0].because_of.id", "unknown_account")),
        ],
    )
    def test_is_checked_field_by_field(self, api, body, path, value, fault):
        assert faults(api.post("/rules", changed(body, f"steps[0].actions[0].{path}", value))) == [fault]

    def test_says_what_its_accounts_must_be(self, api, body, rent):
        refused = api.post("/rules", changed(body, "steps[0].actions[0].because_of.id", rent.id))

        assert faults(refused) == [("steps[0].actions[0].because_of", "not_a_liability")]
