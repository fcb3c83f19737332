"""Action types. Each is one class: its parameters, their validation, its arithmetic, its words.

Adding one is a class in this package and its name in the table below.
"""

from rules.actions.base import Action, dollars
from rules.actions.debts import (
    Avalanche,
    LastStatementBalance,
    NextPaymentMinimum,
    PercentageLiabilityBalance,
    Snowball,
    TotalAmountDue,
)
from rules.actions.savings import FixedAmount, Percentage, RoundDown, TopUp

# In the order in which the API's document lists them.
ACTIONS: dict[str, type[Action]] = {
    action.type: action
    for action in (
        FixedAmount,
        Percentage,
        TopUp,
        RoundDown,
        NextPaymentMinimum,
        TotalAmountDue,
        LastStatementBalance,
        PercentageLiabilityBalance,
        Avalanche,
        Snowball,
    )
}

__all__ = ["ACTIONS", "Action", "dollars"]
