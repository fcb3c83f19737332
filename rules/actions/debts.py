"""Actions that pay debts."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from rules.actions.base import MIN_TRANSFER_CENTS, Action, dollars, known
from rules.actions.savings import percentage_in_words
from rules.engine.shares import percent_of
from rules.engine.snapshot import AccountState, Snapshot
from rules.fields import AccountReferenceField, ActionParameters, Percent, PercentageTarget, one_of
from sequence.core.api.fields import BoundedList, Cents
from transfers.models import ErrorCode

# More debts than anybody has; a bound on what one action can do.
MAX_DEBTS = 50


class _LiabilityAction(Action):
    """Pays one liability an amount that is on its record."""

    destination_is_liability = True

    def liability(self, world: Snapshot) -> AccountState:
        return world.accounts[self.destination_id or ""]


class NextPaymentMinimum(_LiabilityAction):
    type = "next_payment_minimum"
    sentence = (
        "Moves what is left of the minimum payment of the destination, a liability: less what was paid since it was "
        "recorded and what is on its way, and never more than is owed."
    )

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        debt = self.liability(world)
        code = ErrorCode.ACCOUNT_NO_MINIMUM_PAYMENT_AMOUNT
        minimum = known(debt.minimum_left_cents, code, debt.name)
        return minimum, minimum

    def amount_in_words(self, names: dict[str, str]) -> str:
        return "its minimum payment"


class TotalAmountDue(_LiabilityAction):
    type = "total_amount_due"
    sentence = "Moves all that the destination, a liability, owes, less what is on its way to it."

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        debt = self.liability(world)
        owed = known(debt.owed_cents, ErrorCode.NULL_BALANCE, debt.name)
        return owed, owed

    def amount_in_words(self, names: dict[str, str]) -> str:
        return "all that is owed there"


class LastStatementBalance(_LiabilityAction):
    type = "last_statement_balance"
    sentence = (
        "Moves what is left of the last statement balance of the destination, a liability: less what was paid since it "
        "was recorded and what is on its way, and never more than is owed."
    )

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        debt = self.liability(world)
        code = ErrorCode.ACCOUNT_NO_LAST_STATEMENT_BALANCE
        statement = known(debt.statement_left_cents, code, debt.name)
        return statement, statement

    def amount_in_words(self, names: dict[str, str]) -> str:
        return "its last statement balance"


class PercentageLiabilityBalance(_LiabilityAction):
    type = "percentage_liability_balance"
    sentence = "Moves that share of what the destination, a liability, owes, less what is on its way to it."

    class Parameters(ActionParameters):
        percentage_value = Percent(help_text="0 to 100.")

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        debt = self.liability(world)
        owed = known(debt.owed_cents, ErrorCode.NULL_BALANCE, debt.name)
        return owed, percent_of(owed, Decimal(self.spec["percentage_value"]))

    def amount_in_words(self, names: dict[str, str]) -> str:
        return f"{self.spec['percentage_value']} % of what is owed there"


class _Spread(Action):
    """Spreads a budget over liabilities: the minimum payments of all first, the rest in the strategy's order."""

    destination_is_liability = True

    class Parameters(ActionParameters):
        amount_in_cents = Cents(min_value=1, required=False, help_text="The budget, in cents.")
        percentage_value = Percent(required=False, help_text="The budget as a percentage, 0 to 100.")
        percentage_target = serializers.ChoiceField(choices=PercentageTarget.choices, required=False)
        accounts = BoundedList(
            child=AccountReferenceField(), min_length=1, max_length=MAX_DEBTS, help_text="The liabilities to pay."
        )

        def get_fields(self) -> dict[str, Any]:
            """Put the destination that may be left out where others have theirs."""
            fields = super().get_fields()
            why = "Must be null: `accounts` are paid."
            return {**fields, "destination": AccountReferenceField(required=False, help_text=why)}

        def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
            if attrs.get("destination"):
                raise serializers.ValidationError({"destination": "Leave it out: the accounts are paid."}, "invalid")
            one_of(attrs, ("amount_in_cents", "percentage_value"))
            if (attrs.get("percentage_value") is None) != (attrs.get("percentage_target") is None):
                fault = "percentage_value and percentage_target go together."
                raise serializers.ValidationError({"percentage_target": fault}, "required")
            ids = [account["id"] for account in attrs["accounts"]]
            if len(set(ids)) < len(ids):
                raise serializers.ValidationError({"accounts": "An account stands here twice."}, "repeated")
            return attrs

    @property
    def debt_ids(self) -> list[str]:
        return [account["id"] for account in self.spec["accounts"]]

    @property
    def incoming_percentage(self) -> Decimal | None:
        if self.spec["percentage_target"] == PercentageTarget.INCOMING_AMOUNT:
            return Decimal(self.spec["percentage_value"])
        return None

    def destinations(self) -> list[tuple[str, str]]:
        return [(f"accounts[{index}]", account_id) for index, account_id in enumerate(self.debt_ids)]

    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        budget = self._budget_cents(world, incoming_share_cents)
        return budget, min(budget, sum(cents for cents in self._owed(world).values() if cents >= MIN_TRANSFER_CENTS))

    def _budget_cents(self, world: Snapshot, incoming_share_cents: int) -> int:
        if self.spec["amount_in_cents"] is not None:
            return self.spec["amount_in_cents"]
        if self.incoming_percentage is not None:
            return incoming_share_cents
        source = world.accounts[self.source_id]
        available = known(source.available_cents, ErrorCode.NULL_BALANCE, source.name)
        return percent_of(max(0, available), Decimal(self.spec["percentage_value"]))

    def _owed(self, world: Snapshot) -> dict[str, int]:
        """Return what each debt will owe, in the strategy's order."""
        debts = sorted((world.accounts[id] for id in self.debt_ids), key=self.rank)
        return {debt.id: known(debt.owed_cents, ErrorCode.NULL_BALANCE, debt.name) for debt in debts}

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

    def rank(self, debt: AccountState) -> Any:
        """Return what debts are sorted by; the order of the list decides between equals."""
        return 0

    def amount_in_words(self, names: dict[str, str]) -> str:
        amount = self.spec["amount_in_cents"]
        budget = dollars(amount) if amount is not None else percentage_in_words(self.spec, names)
        return f"{budget} over {', '.join(names[id] for id in self.debt_ids)}"


class Avalanche(_Spread):
    type = "avalanche"
    sentence = "Spreads the budget over liabilities: all minimum payments first, then the highest interest rate first."

    def rank(self, debt: AccountState) -> Any:
        return -(debt.interest_rate_percent or Decimal(0))

    def amount_in_words(self, names: dict[str, str]) -> str:
        return f"{super().amount_in_words(names)}, highest interest rate first"


class Snowball(_Spread):
    type = "snowball"
    sentence = "Spreads the budget over liabilities: all minimum payments first, then the smallest balance first."

    def rank(self, debt: AccountState) -> Any:
        return debt.owed_cents or 0

    def amount_in_words(self, names: dict[str, str]) -> str:
        return f"{super().amount_in_words(names)}, smallest balance first"
