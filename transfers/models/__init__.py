"""What moves money: transfers, the ledger that proves them, and the simulated world outside."""

from transfers.models.ledger import Clearing, EntrySet, EntrySetKind, Posting
from transfers.models.simulated import Outcome, SimulatedMark, SimulatedPayment
from transfers.models.transfer import (
    UNDER_WAY,
    AchLimits,
    Direction,
    ErrorCode,
    Origin,
    RailName,
    Status,
    Transfer,
)

__all__ = [
    "UNDER_WAY",
    "AchLimits",
    "Clearing",
    "Direction",
    "EntrySet",
    "EntrySetKind",
    "ErrorCode",
    "Origin",
    "Outcome",
    "Posting",
    "RailName",
    "SimulatedMark",
    "SimulatedPayment",
    "Status",
    "Transfer",
]
