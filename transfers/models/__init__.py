"""Models of transfers, the ledger that proves them, and the simulated world outside."""

from transfers.models.ach_limits import AchLimits
from transfers.models.ledger import BalanceMark, Clearing, EntrySet, EntrySetKind, Posting
from transfers.models.ledger_check import LedgerCheck
from transfers.models.rail_trouble import RailTrouble
from transfers.models.simulated import Outcome, SimulatedMark, SimulatedPayment
from transfers.models.simulated_transfer import SIMULATIONS_KEPT, SimulatedTransfer
from transfers.models.states import (
    APPROVAL_LIFETIME,
    FAILED,
    LATEST,
    OUT_OF_REACH,
    STOPPABLE,
    UNDER_WAY,
    UNTAKEN,
    CancelReason,
    Direction,
    ErrorCode,
    Origin,
    Status,
    is_in_reach,
)
from transfers.models.suspense import SuspenseItem
from transfers.models.transfer import STALLED_REST, Transfer

__all__ = [
    "APPROVAL_LIFETIME",
    "FAILED",
    "LATEST",
    "OUT_OF_REACH",
    "SIMULATIONS_KEPT",
    "STALLED_REST",
    "STOPPABLE",
    "UNDER_WAY",
    "UNTAKEN",
    "AchLimits",
    "BalanceMark",
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
    "SimulatedTransfer",
    "Status",
    "SuspenseItem",
    "Transfer",
    "is_in_reach",
]
