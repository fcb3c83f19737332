"""Actions that pay debts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from rules.engine.actions.base import Action, known
from rules.engine.actions.savings import percentage_base_of, percentage_in_words
from rules.engine.failures import FailureCode
from rules.engine.parameters import (
    AccountParameter,
    AccountRef,
    AccountsParameter,
    CentsParameter,
    ChoiceParameter,
    PercentParameter,
    Role,
    Unfit,
    parameter,
    require_one_of,
)
from rules.engine.shares import percent_of
from rules.engine.snapshot import AccountState, Snapshot
from rules.engine.vocabulary import PercentageTarget
from sequence.core.money import MIN_TRANSFER_CENTS, dollars

# More debts than anybody has; a bound on what one action can do.
MAX_DEBTS = 50


@dataclass(frozen=True, kw_only=True)
class _LiabilityAction(Action):
    """Pays one liability an amount that is on its record."""

    destination: AccountRef = parameter(
        AccountParameter(help_text="The account that is paid.", role=Role.DESTINATION, must_owe=True)
    )

    def liability(self, world: Snapshot) -> AccountState:
        return world.accounts[self.destination.id]


@dataclass(frozen=True, kw_only=True)
class NextPaymentMinimum(_LiabilityAction):
    type = "next_payment_minimum"
    sentence = (
        "Moves what is left of the minimum payment of the destination, a liability: less what was paid since it was "
        "recorded and what is on its way, and never more than is owed."
    )

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        debt = self.liability(world)
        code = FailureCode.ACCOUNT_NO_MINIMUM_PAYMENT_AMOUNT
        minimum = known(debt.minimum_left_cents, code, debt.name)
        return minimum, minimum

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        return "its minimum payment"


@dataclass(frozen=True, kw_only=True)
class TotalAmountDue(_LiabilityAction):
    type = "total_amount_due"
    sentence = "Moves all that the destination, a liability, owes, less what is on its way to it."

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        debt = self.liability(world)
        owed = known(debt.owed_cents, FailureCode.NULL_BALANCE, debt.name)
        return owed, owed

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        return "all that is owed there"


@dataclass(frozen=True, kw_only=True)
class LastStatementBalance(_LiabilityAction):
    type = "last_statement_balance"
    sentence = (
        "Moves what is left of the last statement balance of the destination, a liability: less what was paid since it "
        "was recorded and what is on its way, and never more than is owed."
    )

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        debt = self.liability(world)
        code = FailureCode.ACCOUNT_NO_LAST_STATEMENT_BALANCE
        statement = known(debt.statement_left_cents, code, debt.name)
        return statement, statement

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        return "its last statement balance"


@dataclass(frozen=True, kw_only=True)
class PercentageLiabilityBalance(_LiabilityAction):
    type = "percentage_liability_balance"
    sentence = "Moves that share of what the destination, a liability, owes, less what is on its way to it."

    percentage_value: Decimal = parameter(PercentParameter(help_text="0 to 100."))

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        debt = self.liability(world)
        owed = known(debt.owed_cents, FailureCode.NULL_BALANCE, debt.name)
        return owed, percent_of(owed, self.percentage_value)

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        return f"{self.percentage_value:f} % of what is owed there"


@dataclass(frozen=True, kw_only=True)
class _Spread(Action):
    """Spreads a budget over liabilities: the minimum payments of all first, the rest in the strategy's order."""

    destination: AccountRef | None = parameter(
        AccountParameter(help_text="Must be null: `accounts` are paid.", required=False, role=Role.DESTINATION)
    )
    amount_in_cents: int | None = parameter(
        CentsParameter(help_text="The budget, in cents.", required=False, at_least=1)
    )
    percentage_value: Decimal | None = parameter(
        PercentParameter(help_text="The budget as a percentage, 0 to 100.", required=False)
    )
    percentage_target: PercentageTarget | None = parameter(
        ChoiceParameter(help_text="", required=False, of=PercentageTarget)
    )
    accounts: tuple[AccountRef, ...] = parameter(
        AccountsParameter(help_text="The liabilities to pay.", role=Role.DESTINATION, at_most=MAX_DEBTS, must_owe=True)
    )

    def check(self) -> None:
        if self.destination is not None:
            raise Unfit("destination", "Leave it out: the accounts are paid.", "invalid")
        require_one_of(self, ("amount_in_cents", "percentage_value"))
        if (self.percentage_value is None) != (self.percentage_target is None):
            raise Unfit("percentage_target", "percentage_value and percentage_target go together.", "required")
        if len(set(self.debt_ids)) < len(self.debt_ids):
            raise Unfit("accounts", "An account stands here twice.", "repeated")

    @property
    def debt_ids(self) -> list[str]:
        return [account.id for account in self.accounts]

    @property
    def incoming_percentage(self) -> Decimal | None:
        return self.percentage_value if self.percentage_target is PercentageTarget.INCOMING_AMOUNT else None

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        budget = self._budget_cents(world, incoming_share_cents)
        return budget, min(budget, sum(cents for cents in self._owed(world).values() if cents >= MIN_TRANSFER_CENTS))

    def _budget_cents(self, world: Snapshot, incoming_share_cents: int) -> int:
        if self.percentage_value is None:
            return self.amount_in_cents or 0
        if self.incoming_percentage is not None:
            return incoming_share_cents
        return percent_of(max(0, percentage_base_of(self, world)), self.percentage_value)

    def _owed(self, world: Snapshot) -> dict[str, int]:
        """Return what each debt will owe, in the strategy's order."""
        debts = sorted((world.accounts[id] for id in self.debt_ids), key=self.rank)
        return {debt.id: known(debt.owed_cents, FailureCode.NULL_BALANCE, debt.name) for debt in debts}

    def spread(self, cents: int, world: Snapshot, cap_cents: int | None) -> list[tuple[str, int]]:
        """Return who gets how much of the ``cents``. What a debt under a dollar cannot be paid goes to the next one."""
        owed = self._owed(world)
        most = {id: due if cap_cents is None else min(due, cap_cents) for id, due in owed.items()}
        payable = {id: due for id, due in most.items() if due >= MIN_TRANSFER_CENTS}
        paid = self._allot(cents, payable, world)
        while small := [id for id, amount in paid.items() if 0 < amount < MIN_TRANSFER_CENTS]:
            if len(payable) == 1:
                break  # All that there is, and too little to move.
            del payable[small[-1]]
            paid = self._allot(cents, payable, world)
        return [(id, amount) for id, amount in paid.items() if amount]

    def too_small(self, world: Snapshot) -> list[tuple[str, int]]:
        return [(id, due) for id, due in self._owed(world).items() if 0 < due < MIN_TRANSFER_CENTS]

    def _allot(self, cents: int, most: dict[str, int], world: Snapshot) -> dict[str, int]:
        paid = dict.fromkeys(most, 0)
        for id in most:
            paid[id] = min(most[id], world.accounts[id].minimum_left_cents or 0, cents)
            cents -= paid[id]
        for id in most:
            more = min(most[id] - paid[id], cents)
            paid[id] += more
            cents -= more
        return paid

    def rank(self, debt: AccountState) -> Decimal | int:
        """Return what debts are sorted by; the order of the list decides between equals."""
        return 0

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        if self.percentage_value is None:
            budget = dollars(self.amount_in_cents or 0)
        else:
            budget = percentage_in_words(self.percentage_value, self.percentage_target, self.source, names)
        return f"{budget} over {', '.join(names[id] for id in self.debt_ids)}"


@dataclass(frozen=True, kw_only=True)
class Avalanche(_Spread):
    type = "avalanche"
    sentence = "Spreads the budget over liabilities: all minimum payments first, then the highest interest rate first."

    def rank(self, debt: AccountState) -> Decimal | int:
        return -(debt.interest_rate_percent or Decimal(0))

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        return f"{super().amount_in_words(names)}, highest interest rate first"


@dataclass(frozen=True, kw_only=True)
class Snowball(_Spread):
    type = "snowball"
    sentence = "Spreads the budget over liabilities: all minimum payments first, then the smallest balance first."

    def rank(self, debt: AccountState) -> Decimal | int:
        return debt.owed_cents or 0

    def amount_in_words(self, names: Mapping[str, str]) -> str:
        return f"{super().amount_in_words(names)}, smallest balance first"
