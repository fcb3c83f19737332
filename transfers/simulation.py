"""Simulated transfers: planned as a worker would carry them out, kept in a table of their own, forgotten in time."""

from collections.abc import Iterable
from copy import copy
from datetime import datetime

from accounts.models import Account
from accounts.services import find_accounts
from apikeys.authentication import AuthenticatedKey
from apikeys.scopes import Scope
from sequence.core import clock
from sequence.core.transactions import transactional
from transfers.ach_limits import ReachedLimits
from transfers.asking import TransferRequest, asked_transfer, pose
from transfers.batches import SettlementBatch
from transfers.models import SimulatedTransfer, Status, Transfer
from transfers.settlement import accept_one

# What one sweep of them removes.
BATCH_SIZE = 1000
# What is under way ends well, as far as can be planned.
_ENDS_WELL = (Status.PROCESSING, Status.PENDING)
_COPIED = (
    *("id", "organization_id", "amount_cents", "direction", "origin", "error_code", "description", "source_id"),
    *("destination_id", "rule_id", "rule_execution_id", "request_id", "created_at"),
)


@transactional
def simulate_manual_transfer(
    *, key: AuthenticatedKey, request: TransferRequest, request_id: str | None = None
) -> SimulatedTransfer:
    """Return what would become of a transfer that the key asks for: checked against all caps, counted by none.

    It raises what ``create_manual_transfer`` raises. Whether the source has the money is looked at only for a key that
    may READ it: nothing is told of what a key may not read, so for any other there is enough.
    """
    now = clock.now()
    question = pose(key, request, now=now, find=find_accounts)
    transfer, _ = asked_transfer(question, request, request_id=request_id)
    if transfer.status == Status.PROCESSING:
        source = question.source if key.can(Scope.READ_ACCOUNTS, question.source.id) else _as_unknown(question.source)
        batch = SettlementBatch({source.id: source, question.destination.id: question.destination}, now=now)
        accept_one(transfer, batch, ReachedLimits.of([key.organization_id], now))
    [simulated] = keep_simulated([transfer], now=now)
    return simulated


def _as_unknown(account: Account) -> Account:
    unknown = copy(account)
    unknown.balance_cents = None
    return unknown


def keep_simulated(planned: Iterable[Transfer], *, now: datetime) -> list[SimulatedTransfer]:
    """Keep transfers as a batch has decided them, none of which is ever written as one."""
    return SimulatedTransfer.objects.bulk_create(_simulated(transfer, now) for transfer in planned)


def _simulated(planned: Transfer, now: datetime) -> SimulatedTransfer:
    status = Status.COMPLETE if planned.status in _ENDS_WELL else Status(planned.status)
    return SimulatedTransfer(
        **{name: getattr(planned, name) for name in _COPIED},
        status=status,
        completed_at=now if status is Status.COMPLETE else None,
    )


def forget_old_simulations(now: datetime) -> int:
    """Remove a batch of simulated transfers that have been kept for ``SIMULATIONS_KEPT``; return how many it was."""
    old = SimulatedTransfer.objects.outlived(now).order_by("created_at").values_list("pk", flat=True)[:BATCH_SIZE]
    return SimulatedTransfer.objects.filter(pk__in=list(old)).delete()[0]
