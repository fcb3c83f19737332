"""Action types. Each is one class: its parameters, their validation, its arithmetic, its words.

Adding one means adding a class; defining it registers it.
"""

from rules.actions.base import ACTIONS, Action, UnknownAmount, dollars
from rules.actions.debts import (
    Avalanche,
    LastStatementBalance,
    NextPaymentMinimum,
    PercentageLiabilityBalance,
    Snowball,
    TotalAmountDue,
)
from rules.actions.savings import FixedAmount, Percentage, RoundDown, TopUp

__all__ = [
    "ACTIONS",
    "Action",
    "Avalanche",
    "FixedAmount",
    "LastStatementBalance",
    "NextPaymentMinimum",
    "Percentage",
    "PercentageLiabilityBalance",
    "RoundDown",
    "Snowball",
    "TopUp",
    "TotalAmountDue",
    "UnknownAmount",
    "dollars",
]
