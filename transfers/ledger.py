"""Writing and reading the ledger. Amounts are signed cents: what an account gains is positive."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, DateTimeField, F, Value

from accounts.models import Account
from transfers.expressions import LAST_NUMBER, BalanceAfter
from transfers.models import Clearing, EntrySet, EntrySetKind, Posting


@dataclass(frozen=True)
class Leg:
    """One side of a movement: an account of the ledger, or a clearing account."""

    amount_cents: int
    account_id: str | None = None
    clearing: Clearing | None = None


@dataclass(frozen=True)
class Movement:
    """An entry set to be written. Its legs sum to zero."""

    organization_id: str
    kind: EntrySetKind
    legs: Sequence[Leg]
    transfer_id: str | None = None


def post(movements: Iterable[Movement], *, at: datetime) -> list[EntrySet]:
    """Write the movements in two statements and return their entry sets, in order.

    The accounts are locked by the caller; a trigger moves their balances. PostgreSQL refuses a set that does not sum to
    zero, a second settlement or reversal of a transfer, and a balance below what is held.
    """
    movements = list(movements)
    entry_sets = EntrySet.objects.bulk_create(
        EntrySet(
            organization_id=movement.organization_id,
            kind=movement.kind,
            transfer_id=movement.transfer_id,
            posted_at=at,
        )
        for movement in movements
    )
    Posting.objects.bulk_create(
        Posting(
            organization_id=movement.organization_id,
            entry_set=entry_set,
            account_id=leg.account_id,
            clearing=leg.clearing,
            amount_cents=leg.amount_cents,
            posted_at=at,
        )
        for movement, entry_set in zip(movements, entry_sets, strict=True)
        for leg in movement.legs
    )
    return entry_sets


def balance_at(account: Account, at: datetime) -> int:
    """Return the cents that a pod or income source held at the end of the instant ``at``, in one indexed statement."""
    held = BalanceAfter(F("organization"), F("pk"), Value(at, DateTimeField()), Value(LAST_NUMBER, BigIntegerField()))
    own = Account.objects.for_organization(account.organization_id).filter(pk=account.pk)
    return own.values_list(held, flat=True).get()
