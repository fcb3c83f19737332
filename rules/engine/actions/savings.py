"""Actions that set money aside."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from rules.engine.actions.base import Action, known
from rules.engine.failures import FailureCode
from rules.engine.parameters import (
    AccountParameter,
    AccountRef,
    CentsParameter,
    ChoiceParameter,
    PercentParameter,
    Role,
    parameter,
    require_one_of,
)
from rules.engine.shares import percent_of
from rules.engine.snapshot import Snapshot
from rules.engine.vocabulary import PercentageTarget
from sequence.core.money import dollars


@dataclass(frozen=True, kw_only=True)
class FixedAmount(Action):
    type = "fixed_amount"
    sentence = "Moves that amount."

    amount_in_cents: int = parameter(CentsParameter(help_text="How much, in cents; 100 or more.", at_least=100))

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        return self.amount_in_cents, self.amount_in_cents

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        return dollars(self.amount_in_cents)


@dataclass(frozen=True, kw_only=True)
class Percentage(Action):
    type = "percentage"
    sentence = (
        "Moves that share of the incoming amount, or of the source's available balance when the action starts. The "
        "percentages of one step on the incoming amount share it by largest remainder."
    )

    percentage_value: Decimal = parameter(PercentParameter(help_text="0 to 100."))
    percentage_target: PercentageTarget = parameter(ChoiceParameter(help_text="", of=PercentageTarget))

    @property
    def incoming_percentage(self) -> Decimal | None:
        return self.percentage_value if self.percentage_target is PercentageTarget.INCOMING_AMOUNT else None

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        if self.incoming_percentage is not None:
            return world.incoming_cents or 0, incoming_share_cents
        base = percentage_base_of(self, world)
        return base, percent_of(max(0, base), self.percentage_value)

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        return percentage_in_words(self.percentage_value, self.percentage_target, self.source, names)


@dataclass(frozen=True, kw_only=True)
class TopUp(Action):
    type = "top_up"
    sentence = (
        "Moves what the destination lacks to a target, counting what is already on its way; nothing when it has enough."
        " A target that is a liability's figure is what is left of it."
    )
    # Exactly one says what the target is.
    TARGETS: ClassVar[tuple[str, ...]] = (
        "amount_in_cents",
        "next_payment_minimum_account",
        "current_balance_account",
        "last_statement_balance_account",
    )

    destination: AccountRef = parameter(
        AccountParameter(help_text="The account that is paid.", role=Role.DESTINATION, must_owe=False)
    )
    amount_in_cents: int | None = parameter(CentsParameter(help_text="The target, in cents.", required=False))
    next_payment_minimum_account: AccountRef | None = parameter(
        AccountParameter(
            help_text="The target is what is left of this liability's minimum payment.",
            required=False,
            role=Role.FIGURE,
            must_owe=True,
        )
    )
    current_balance_account: AccountRef | None = parameter(
        AccountParameter(help_text="The target is this account's balance.", required=False, role=Role.FIGURE)
    )
    last_statement_balance_account: AccountRef | None = parameter(
        AccountParameter(
            help_text="The target is what is left of this liability's last statement.",
            required=False,
            role=Role.FIGURE,
            must_owe=True,
        )
    )

    def check(self) -> None:
        require_one_of(self, self.TARGETS)

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        target = self._target_cents(world)
        destination = world.accounts[self.destination.id]
        has = known(destination.expected_cents, FailureCode.NULL_BALANCE, destination.name)
        return target, max(0, target - has)

    def _target_cents(self, world: Snapshot) -> int:
        if self.next_payment_minimum_account:
            debt = world.accounts[self.next_payment_minimum_account.id]
            return known(debt.minimum_left_cents, FailureCode.ACCOUNT_NO_MINIMUM_PAYMENT_AMOUNT, debt.name)
        if self.last_statement_balance_account:
            debt = world.accounts[self.last_statement_balance_account.id]
            return known(debt.statement_left_cents, FailureCode.ACCOUNT_NO_LAST_STATEMENT_BALANCE, debt.name)
        if self.current_balance_account:
            account = world.accounts[self.current_balance_account.id]
            return known(account.expected_cents, FailureCode.NULL_BALANCE, account.name)
        return self.amount_in_cents or 0

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        figures = {
            "the minimum payment": self.next_payment_minimum_account,
            "the balance": self.current_balance_account,
            "the last statement balance": self.last_statement_balance_account,
        }
        for figure, account in figures.items():
            if account is not None:
                return f"what it lacks to {figure} of {names[account.id]}"
        return f"what it lacks to {dollars(self.amount_in_cents or 0)}"


@dataclass(frozen=True, kw_only=True)
class RoundDown(Action):
    type = "round_down"
    sentence = "Moves the source's available balance above the nearest lower multiple."

    amount_in_cents: int = parameter(CentsParameter(help_text="The multiple, in cents.", at_least=1))

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        available = available_cents_of(self, world)
        return available, max(0, available) % self.amount_in_cents

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        return f"what is above a multiple of {dollars(self.amount_in_cents)}"


def available_cents_of(action: Action, world: Snapshot) -> int:
    """Return what the action's source can pay. Raises ActionFailed where nobody knows."""
    source = world.accounts[action.source.id]
    return known(source.available_cents, FailureCode.NULL_BALANCE, source.name)


def percentage_base_of(action: Action, world: Snapshot) -> int:
    """Return what a percentage of the action's source is taken of. Raises ActionFailed where nobody knows."""
    source = world.accounts[action.source.id]
    return known(source.percentage_base_cents, FailureCode.NULL_BALANCE, source.name)


def percentage_in_words(
    percentage: Decimal, target: PercentageTarget | None, source: AccountRef, names: Mapping[str, str]
) -> str:
    """Return ``20 % of what arrived`` or ``20 % of the balance of Savings``."""
    if target is PercentageTarget.INCOMING_AMOUNT:
        return f"{percentage:f} % of what arrived"
    return f"{percentage:f} % of the balance of {names[source.id]}"
