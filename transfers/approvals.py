"""Approval of a transfer that waits for a person: what stands in its way.

The service asks under its locks and acts; a page asks beforehand, and changes and locks nothing. Both by the same code.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from accounts.models import Account
from accounts.services import find_accounts, find_accounts_for_reference
from apikeys.caps import broken_cap, read_spent
from apikeys.entries import Permission
from apikeys.models import ApiKey, OrganizationStatus, SpendPeriod
from apikeys.scopes import Scope
from sequence.core import clock
from sequence.core.errors import DomainError
from transfers.ach_limits import ReachedLimits
from transfers.errors import ApprovalRefused
from transfers.models import ErrorCode, Transfer
from transfers.routes import route_between

Spent = Mapping[tuple[UUID, SpendPeriod], int]
# Returns what went through the entries in the periods around an instant; with or without a lock.
LookAtSpent = Callable[[str, Iterable[UUID], datetime], dict[tuple[UUID, SpendPeriod], int]]


class FindAccounts(Protocol):
    """Returns the organization's accounts in the order asked for; with or without a lock."""

    def __call__(self, *account_ids: str, organization_id: str) -> list[Account]: ...


def matching_entries(
    permissions: Sequence[Permission], source_id: str | None, destination_id: str | None
) -> list[Permission]:
    """Return the MANUAL_TRANSFER entries that reach the pair. A missing end is matched by ``*`` alone."""
    return [
        permission
        for permission in permissions
        if permission.scope is Scope.MANUAL_TRANSFER and permission.matches_pair(source_id or "", destination_id or "")
    ]


def find_asking_key(transfer: Transfer) -> ApiKey:
    """Return the key that waits for the answer. Raises ApprovalRefused when it is closed.

    The key that asked may have been rotated since; whoever holds its successor still waits for the answer.
    """
    key = ApiKey.objects.in_lineage_of(transfer.api_key_id).usable(clock.now()).select_related("organization").first()
    if key is None:
        raise ApprovalRefused(reason="The key that asked for it is revoked or expired.")
    if key.organization.status != OrganizationStatus.ACTIVE:
        raise ApprovalRefused(reason="The organization is suspended.")
    if key.paused_at is not None:
        raise ApprovalRefused(reason="The key that asked for it is paused.")
    return key


def check_accounts(transfer: Transfer, *, find: FindAccounts = find_accounts_for_reference) -> None:
    """Raise ApprovalRefused when an account is gone, or money cannot go between the two."""
    try:
        source, destination = find(
            transfer.source_id or "", transfer.destination_id or "", organization_id=transfer.organization_id
        )
        route_between(source, destination)
    except DomainError as refusal:
        raise ApprovalRefused(reason=refusal.text) from None


@dataclass(frozen=True)
class Weighed:
    """The entries of the key that reach the pair, its own first, and what went through them without this transfer."""

    entries: Sequence[Permission]
    spent: Spent
    allowing: Permission | None

    @property
    def deciding(self) -> Permission | None:
        """The entry by which it is decided: the first that allows it, else the first there is."""
        return self.allowing or next(iter(self.entries), None)


def weigh(transfer: Transfer, key: ApiKey, *, look: LookAtSpent) -> Weighed:
    """Weigh the transfer by the key's caps as if it were new."""
    entries = matching_entries(key.permissions(), transfer.source_id, transfer.destination_id)
    entries.sort(key=lambda entry: entry.spend_id != transfer.spend_id)  # Its own first, if there still is one.
    spend_ids = [id for id in (transfer.spend_id, *(entry.spend_id for entry in entries)) if id]
    spent = look(transfer.organization_id, spend_ids, transfer.created_at)
    for period in SpendPeriod:
        if transfer.spend_id is not None:  # It is in its counters already.
            spent[transfer.spend_id, period] -= transfer.amount_cents
    fitting = (entry for entry in entries if broken_cap(entry, transfer.amount_cents, spent) is None)
    return Weighed(entries, spent, next(fitting, None))


def entry_that_allows(weighed: Weighed) -> Permission:
    """Return the entry that the transfer goes through. Raises ApprovalRefused where none allows it."""
    if weighed.allowing is None:
        raise ApprovalRefused(reason="The key's permissions or caps no longer allow it.")
    return weighed.allowing


@dataclass(frozen=True)
class Foresight:
    """What approving a transfer would meet now. Amounts are cents."""

    key: ApiKey | None = None
    weighed: Weighed | None = None
    # Why it would be refused, in words.
    refusal: str | None = None
    # What the source lacks, and the limit of the rail that it would break: it could be approved, but not be paid.
    shortfall_cents: int = 0
    rail_limit: ErrorCode | None = None

    @property
    def can_be_paid(self) -> bool:
        return self.refusal is None and not self.shortfall_cents and self.rail_limit is None


def foresee(transfer: Transfer) -> Foresight:
    """Return what approving the transfer, read with its source, would meet now. It changes and locks nothing."""
    key = weighed = refusal = None
    try:
        key = find_asking_key(transfer)
        weighed = weigh(transfer, key, look=lambda _, ids, at: read_spent(ids, at))
        check_accounts(transfer, find=find_accounts)
        entry_that_allows(weighed)
    except ApprovalRefused as error:
        refusal = str(error.names["reason"])
    available_cents = transfer.source.available_cents if transfer.source is not None else None
    limits = ReachedLimits.of([transfer.organization_id], clock.now())
    return Foresight(key, weighed, refusal, transfer.shortfall_cents(available_cents), limits.code_for(transfer))
