"""Approval of a transfer that waits for a person: what stands in its way.

The service asks under its locks and acts; a page asks beforehand, and changes and locks nothing (``foresight``). Both
by the same code.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from accounts.models import Account
from accounts.services import find_accounts_for_reference
from apikeys.entries import Permission
from apikeys.limits import Ask, SpendPeriod, Usage, Used, Verdict
from apikeys.models import ApiKey, OrganizationStatus
from apikeys.scopes import Scope
from apikeys.verdicts import verdict_of
from sequence.core import clock
from sequence.core.errors import DomainError
from transfers.errors import ApprovalRefused
from transfers.models import Transfer
from transfers.routes import route_between

# Returns what went through the entries in the periods around an instant; with or without a lock.
LookAtUsage = Callable[[str, Iterable[UUID], datetime], dict[tuple[UUID, SpendPeriod], Used]]


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
    keys = ApiKey.objects.in_lineage_of(transfer.api_key_id).usable(clock.now()).select_related("organization")
    return open_key(keys.first())


def open_key(key: ApiKey | None) -> ApiKey:
    """Return the key that waits for the answer, if it is open. Raises ApprovalRefused."""
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
    ask: Ask
    usage: Usage
    allowing: Permission | None

    @property
    def deciding(self) -> Permission | None:
        """The entry by which it is decided: the first that allows it, else the first there is."""
        return self.allowing or next(iter(self.entries), None)


def weigh(transfer: Transfer, key: ApiKey, *, look: LookAtUsage) -> Weighed:
    """Weigh the transfer by the key's caps as if it were new."""
    entries = matching_entries(key.permissions(), transfer.source_id, transfer.destination_id)
    entries.sort(key=lambda entry: entry.spend_id != transfer.spend_id)  # Its own first, if there still is one.
    spend_ids = [id for id in (transfer.spend_id, *(entry.spend_id for entry in entries)) if id]
    usage = look(transfer.organization_id, spend_ids, transfer.counted_at)
    for key_of_counter, used in usage.items():
        if key_of_counter[0] == transfer.spend_id:  # It is in its counters already.
            usage[key_of_counter] = Used(used.cents - transfer.amount_cents, used.count - 1)
    # Whoever decides has read the reason, or that there is none.
    ask = Ask(transfer.amount_cents, transfer.counted_at)
    fitting = (entry for entry in entries if verdict_of(entry, ask, usage) is not Verdict.FAIL)
    return Weighed(entries, ask, usage, next(fitting, None))


def entry_that_allows(weighed: Weighed) -> Permission:
    """Return the entry that the transfer goes through. Raises ApprovalRefused where none allows it."""
    if weighed.allowing is None:
        raise ApprovalRefused(reason="The key's permissions or caps no longer allow it.")
    return weighed.allowing
