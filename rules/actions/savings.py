"""Actions that set money aside."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from rules.actions.base import Action, dollars, known
from rules.engine.shares import percent_of
from rules.engine.snapshot import Snapshot
from rules.fields import AccountReferenceField, ActionParameters, Percent, PercentageTarget, one_of
from sequence.core.api.fields import Cents
from transfers.models import ErrorCode


class FixedAmount(Action):
    type = "fixed_amount"
    sentence = "Moves that amount."

    class Parameters(ActionParameters):
        amount_in_cents = Cents(min_value=100, help_text="How much, in cents; 100 or more.")

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        return self.spec["amount_in_cents"], self.spec["amount_in_cents"]

    def amount_in_words(self, names: dict[str, str]) -> str:
        return dollars(self.spec["amount_in_cents"])


class Percentage(Action):
    type = "percentage"
    sentence = (
        "Moves that share of the incoming amount, or of the source's available balance when the action starts. The "
        "percentages of one step on the incoming amount share it by largest remainder."
    )

    class Parameters(ActionParameters):
        percentage_value = Percent(help_text="0 to 100.")
        percentage_target = serializers.ChoiceField(choices=PercentageTarget.choices)

    @property
    def percentage(self) -> Decimal:
        return Decimal(self.spec["percentage_value"])

    @property
    def incoming_percentage(self) -> Decimal | None:
        return self.percentage if self.spec["percentage_target"] == PercentageTarget.INCOMING_AMOUNT else None

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        if self.incoming_percentage is not None:
            return world.incoming_cents or 0, incoming_share_cents
        source = world.accounts[self.source_id]
        available = known(source.available_cents, ErrorCode.NULL_BALANCE, source.name)
        return available, percent_of(max(0, available), self.percentage)

    def amount_in_words(self, names: dict[str, str]) -> str:
        return percentage_in_words(self.spec, names)


class TopUp(Action):
    type = "top_up"
    sentence = (
        "Moves what the destination lacks to a target, counting what is already on its way; nothing when it has enough."
        " A target that is a liability's figure is what is left of it."
    )
    destination_is_liability = False

    class Parameters(ActionParameters):
        amount_in_cents = Cents(required=False, help_text="The target, in cents.")
        next_payment_minimum_account = AccountReferenceField(
            required=False, help_text="The target is what is left of this liability's minimum payment."
        )
        current_balance_account = AccountReferenceField(
            required=False, help_text="The target is this account's balance."
        )
        last_statement_balance_account = AccountReferenceField(
            required=False, help_text="The target is what is left of this liability's last statement."
        )

        TARGETS = (
            "amount_in_cents",
            "next_payment_minimum_account",
            "current_balance_account",
            "last_statement_balance_account",
        )

        def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
            one_of(attrs, self.TARGETS)
            return attrs

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        target = self._target_cents(world)
        destination = world.accounts[self.destination_id or ""]
        has = known(destination.expected_cents, ErrorCode.NULL_BALANCE, destination.name)
        return target, max(0, target - has)

    def _target_cents(self, world: Snapshot) -> int:
        if self.spec["amount_in_cents"] is not None:
            return self.spec["amount_in_cents"]
        field, account_id = self._target_account()
        account = world.accounts[account_id]
        if field == "next_payment_minimum_account":
            minimum = account.minimum_left_cents
            return known(minimum, ErrorCode.ACCOUNT_NO_MINIMUM_PAYMENT_AMOUNT, account.name)
        if field == "last_statement_balance_account":
            statement = account.statement_left_cents
            return known(statement, ErrorCode.ACCOUNT_NO_LAST_STATEMENT_BALANCE, account.name)
        return known(account.expected_cents, ErrorCode.NULL_BALANCE, account.name)

    def _target_account(self) -> tuple[str, str]:
        return next((name, self.spec[name]["id"]) for name in self.Parameters.TARGETS[1:] if self.spec[name])

    def account_ids(self) -> list[str]:
        targets = [] if self.spec["amount_in_cents"] is not None else [self._target_account()[1]]
        return [*super().account_ids(), *targets]

    def amount_in_words(self, names: dict[str, str]) -> str:
        if self.spec["amount_in_cents"] is not None:
            return f"what it lacks to {dollars(self.spec['amount_in_cents'])}"
        field, account_id = self._target_account()
        what = {
            "next_payment_minimum_account": "the minimum payment",
            "current_balance_account": "the balance",
            "last_statement_balance_account": "the last statement balance",
        }[field]
        return f"what it lacks to {what} of {names[account_id]}"


class RoundDown(Action):
    type = "round_down"
    sentence = "Moves the source's available balance above the nearest lower multiple."

    class Parameters(ActionParameters):
        amount_in_cents = Cents(min_value=1, help_text="The multiple, in cents.")

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        source = world.accounts[self.source_id]
        available = known(source.available_cents, ErrorCode.NULL_BALANCE, source.name)
        return available, max(0, available) % self.spec["amount_in_cents"]

    def amount_in_words(self, names: dict[str, str]) -> str:
        return f"what is above a multiple of {dollars(self.spec['amount_in_cents'])}"


def percentage_in_words(spec: dict[str, Any], names: dict[str, str]) -> str:
    """Return ``20 % of what arrived`` or ``20 % of the balance of Savings``."""
    if spec["percentage_target"] == PercentageTarget.INCOMING_AMOUNT:
        return f"{spec['percentage_value']} % of what arrived"
    return f"{spec['percentage_value']} % of the balance of {names[spec['source']['id']]}"
