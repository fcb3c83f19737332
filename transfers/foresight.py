"""Foresight: what approving transfers that wait for a person would meet now, one of them or a page full.

It changes and locks nothing. By the code that the service decides by, which asks again under its locks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from uuid import UUID

from accounts.errors import AccountNotFound
from accounts.models import Account
from accounts.services import find_accounts
from apikeys.caps import read_usage, read_usage_until
from apikeys.limits import SpendPeriod, Used
from apikeys.models import ApiKey
from sequence.core import clock
from sequence.core.periods import day_of, midnight
from transfers.ach_limits import ReachedLimits
from transfers.approvals import (
    FindAccounts,
    LookAtUsage,
    Weighed,
    check_accounts,
    entry_that_allows,
    find_asking_key,
    matching_entries,
    open_key,
    weigh,
)
from transfers.errors import ApprovalRefused
from transfers.models import ErrorCode, Transfer


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


@dataclass(frozen=True)
class _World:
    """What foreseeing reads of the rest of the world, for one transfer or for many."""

    find_key: Callable[[Transfer], ApiKey]
    look: LookAtUsage
    find_accounts: FindAccounts
    limits: ReachedLimits


def foresee(transfer: Transfer) -> Foresight:
    """Return what approving the transfer, read with its source, would meet now."""

    def look(organization_id: str, ids: Iterable[UUID], at: datetime) -> dict[tuple[UUID, SpendPeriod], Used]:
        return read_usage(organization_id, ids, at)

    limits = ReachedLimits.of([transfer.organization_id], clock.now())
    return _foresee(transfer, _World(find_asking_key, look, find_accounts, limits))


def foresee_all(transfers: Sequence[Transfer]) -> list[Foresight]:
    """Return for each of the transfers, read with source and key, what ``foresee`` would, in a few statements."""
    world = _world_of(transfers)
    return [_foresee(transfer, world) for transfer in transfers]


def _world_of(transfers: Sequence[Transfer]) -> _World:
    keys = _keys_of(transfers)
    return _World(
        find_key=lambda transfer: open_key(keys.get(_lineage_of(transfer))),
        look=_usage_of(transfers, keys.values()),
        find_accounts=_accounts_of(transfers),
        limits=ReachedLimits.of_all({transfer.organization_id for transfer in transfers}, clock.now()),
    )


def shortfalls_together(transfers: Sequence[Transfer], foresights: Sequence[Foresight]) -> Iterator[int]:
    """Yield what each source lacks for a transfer once those before it that can be paid have drawn on it, in cents."""
    drawn_cents: dict[str, int] = {}
    for transfer, foresight in zip(transfers, foresights, strict=True):
        source_id, known = transfer.source_id, transfer.source.available_cents if transfer.source else None
        before = drawn_cents.get(source_id or "", 0)
        lacking = transfer.shortfall_cents(None if known is None else known - before)
        if foresight.can_be_paid and not lacking:
            drawn_cents[source_id or ""] = before + transfer.amount_cents
        yield lacking


def counters_of(transfers: Sequence[Transfer]) -> set[tuple[UUID, datetime]]:
    """Return the entries that deciding on the transfers, read with their keys, may count by, and when they count."""
    keys = _keys_of(transfers)
    counters = {(transfer.spend_id, transfer.counted_at) for transfer in transfers}
    for transfer in transfers:
        key = keys.get(_lineage_of(transfer))
        permissions = key.permissions() if key is not None else []
        entries = matching_entries(permissions, transfer.source_id, transfer.destination_id)
        counters |= {(entry.spend_id, transfer.counted_at) for entry in entries}
    return {(spend_id, at) for spend_id, at in counters if spend_id is not None}


def _foresee(transfer: Transfer, world: _World) -> Foresight:
    key = weighed = refusal = None
    try:
        key = world.find_key(transfer)
        weighed = weigh(transfer, key, look=world.look)
        check_accounts(transfer, find=world.find_accounts)
        entry_that_allows(weighed)
    except ApprovalRefused as error:
        refusal = str(error.names["reason"])
    available_cents = transfer.source.available_cents if transfer.source is not None else None
    shortfall_cents = transfer.shortfall_cents(available_cents)
    return Foresight(key, weighed, refusal, shortfall_cents, world.limits.code_for(transfer))


def _lineage_of(transfer: Transfer) -> str:
    return transfer.api_key.lineage_id if transfer.api_key is not None else ""


def _keys_of(transfers: Sequence[Transfer]) -> dict[str, ApiKey]:
    """Return the keys that wait for the answers, by lineage: the newest of each that opens the door."""
    lineages = {_lineage_of(transfer) for transfer in transfers} - {""}
    usable = ApiKey.objects.filter(lineage_id__in=lineages).usable(clock.now()).order_by("created_at", "id")
    return {key.lineage_id: key for key in usable.select_related("organization").prefetch_related("entries")}


def _usage_of(transfers: Sequence[Transfer], keys: Iterable[ApiKey]) -> LookAtUsage:
    """Return what looks up what went through entries, read once for all periods that the transfers count in."""
    spend_ids = {transfer.spend_id for transfer in transfers if transfer.spend_id}
    spend_ids |= {entry.spend_id for key in keys for entry in key.permissions() if entry.spend_id}
    owners = {transfer.organization_id for transfer in transfers}
    instants = [transfer.counted_at for transfer in transfers] or [clock.now()]
    usage_at = read_usage_until(owners, spend_ids, min(instants), max(instants))

    @cache
    def usage_on(day: date) -> Mapping[tuple[UUID, SpendPeriod], Used]:
        return usage_at(midnight(day))

    def look(organization_id: str, ids: Iterable[UUID], at: datetime) -> dict[tuple[UUID, SpendPeriod], Used]:
        usage = usage_on(day_of(at))
        wanted = [(id, period) for id in set(ids) for period in SpendPeriod]
        return {counter: usage[counter] for counter in wanted if counter in usage}

    return look


def _accounts_of(transfers: Sequence[Transfer]) -> FindAccounts:
    """Return what finds the ends of the transfers, read once for all."""
    ends = {id for transfer in transfers for id in (transfer.source_id, transfer.destination_id) if id}
    known = {account.id: account for account in Account.objects.not_deleted().filter(id__in=ends)}

    def find(*account_ids: str, organization_id: str) -> list[Account]:
        found = [known[id] for id in account_ids if id in known and known[id].organization_id == organization_id]
        if len(found) < len(account_ids):
            raise AccountNotFound(missing=set(account_ids))
        return found

    return find
