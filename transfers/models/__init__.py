"""What moves money: transfers, the ledger that proves them, and the simulated world outside."""

from transfers.models.ach_limits import AchLimits
from transfers.models.ledger import Clearing, EntrySet, EntrySetKind, Posting
from transfers.models.ledger_check import LedgerCheck
from transfers.models.rail_trouble import RailTrouble
from transfers.models.simulated import Outcome, SimulatedMark, SimulatedPayment
from transfers.models.transfer import (
    FAILED,
    STALLED_REST,
    STOPPABLE,
    UNDER_WAY,
    CancelReason,
    Direction,
    ErrorCode,
    Origin,
    Status,
    Transfer,
)

__all__ = [
    "FAILED",
    "STALLED_REST",
    "STOPPABLE",
    "UNDER_WAY",
    "AchLimits",
    "CancelReason",
    "Clearing",
    "Direction",
    "EntrySet",
    "EntrySetKind",
    "ErrorCode",
    "LedgerCheck",
    "Origin",
    "Outcome",
    "Posting",
    "RailTrouble",
    "SimulatedMark",
    "SimulatedPayment",
    "Status",
    "Transfer",
]
