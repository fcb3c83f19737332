"""Rows of the approvals desk: all that a decision on a transfer needs, read for many in a few statements."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from accounts.descriptions import Description, describe_accounts, quoted
from accounts.models import Account
from apikeys.as_dict import status_of
from apikeys.custody import reasons_against
from apikeys.limits import Check
from apikeys.models import ApiKey
from sequence.core.admin.display import dollars
from sequence.core.admin.fingerprints import fingerprint_of
from transfers import services
from transfers.admin.approvals import cap_in_words, left_of, period_checks, taken
from transfers.foresight import Foresight, foresee_all, shortfalls_together
from transfers.models import APPROVAL_LIFETIME, Transfer

# As many payments as a person compares at a glance.
PAYMENTS = 3
# What ends so soon is told in another colour: whoever looks once a day looks the last time.
SOON = timedelta(days=1)
_KEY_TONES = {"active": "good", "paused": "warn"}


@dataclass(frozen=True)
class Bar:
    """A cap as a bar of a hundred parts: what others used, what this takes, and the same in words."""

    used: int
    this: int
    words: str
    is_too_much: bool

    @classmethod
    def of(cls, check: Check) -> "Bar":
        used = min(100, (check.used or 0) * 100 // check.most)
        # What takes anything at all is seen.
        this = min(100 - used, max(1, taken(check) * 100 // check.most))
        return cls(used, this, cap_in_words(check), left_of(check) < 0)


@dataclass(frozen=True)
class Row:
    """A transfer on the desk. ``lacking_cents`` is what its source lacks once those above it are paid."""

    transfer: Transfer
    foresight: Foresight
    ends: Sequence[Description]
    payments: Sequence[Transfer]
    # Why this person may not approve it.
    barred: str | None
    lacking_cents: int

    @property
    def expires_at(self) -> datetime:
        """When it is cancelled undecided."""
        return self.transfer.created_at + APPROVAL_LIFETIME

    @property
    def can_be_paid(self) -> bool:
        return self.foresight.can_be_paid and self.barred is None

    @property
    def verdict(self) -> str:
        """What approving it now would come to, in words."""
        foresight = self.foresight
        if foresight.refusal is not None:
            return f"Cannot be approved: {foresight.refusal}"
        if foresight.shortfall_cents:
            return f"Would end as incomplete: {dollars(foresight.shortfall_cents)} short"
        if foresight.rail_limit is not None:
            return f"Cannot be paid now: {foresight.rail_limit.label}"
        return "Can be paid"

    @property
    def tone(self) -> str:
        return "good" if self.foresight.can_be_paid else "bad"

    @property
    def together(self) -> str:
        """What is different once the transfers above it are paid; empty where nothing is."""
        if not self.lacking_cents or not self.foresight.can_be_paid:
            return ""
        return f"After those above it {dollars(self.lacking_cents)} short"

    @property
    def key(self) -> ApiKey | None:
        """The key that waits for the answer: the one that asked, or the one that took its place."""
        return self.foresight.key or self.transfer.api_key

    @property
    def key_state(self) -> str:
        return status_of(self.key) if self.key is not None else "none"

    @property
    def key_tone(self) -> str:
        return _KEY_TONES.get(self.key_state, "bad")

    @property
    def is_rotated(self) -> bool:
        return self.key is not None and self.key.id != self.transfer.api_key_id

    @property
    def balances(self) -> tuple[int, int] | None:
        """What the source has available before and after, in cents; None where nobody knows."""
        before = self.transfer.source.available_cents if self.transfer.source is not None else None
        return None if before is None else (before, before - self.transfer.amount_cents)

    @property
    def reason(self) -> str:
        """What the caller said, as a quotation."""
        return quoted(self.transfer.called_reason) if self.transfer.called_reason else ""

    @property
    def bars(self) -> list[Bar]:
        return [Bar.of(check) for check in period_checks(self.foresight)]

    @property
    def seen_before_approving(self) -> str:
        """The fingerprint of what whoever approves it has read.

        Without what time and the rows above it do to it, and without what was paid before, which decides nothing.
        """
        key = self.key
        told = [self.verdict, self.balances, self.barred, [bar.words for bar in self.bars]]
        return fingerprint_of("approve", *self._asked(), *told, key and [key.id, key.name], self.key_state)

    @property
    def seen_before_rejecting(self) -> str:
        """The fingerprint of what whoever rejects it has read, as far as nothing moves."""
        return fingerprint_of("reject", *self._asked())

    def _asked(self) -> list[object]:
        asked = self.transfer
        return [
            *(asked.id, asked.amount_cents, asked.description, asked.called_reason, asked.not_before),
            *(description.line for description in self.ends),
        ]


def rows_of(transfers: QuerySet[Transfer], *, by: str) -> list[Row]:
    """Return the waiting transfers as they are told to this person (``by``), in their order."""
    listed = list(transfers.select_related("organization", "source", "destination", "api_key"))
    return list(_rows(listed, by)) if listed else []


def _rows(listed: Sequence[Transfer], by: str) -> Iterator[Row]:
    foresights = foresee_all(listed)
    described = describe_accounts({id for transfer in listed for id in (transfer.source_id, transfer.destination_id)})
    paid = _last_payments({transfer.destination_id for transfer in listed if transfer.destination_id})
    lineages = {transfer.api_key.lineage_id for transfer in listed if transfer.api_key is not None}
    against = reasons_against(lineages, by=by, role=services.ASKED)
    lacking = shortfalls_together(listed, foresights)
    for transfer, foresight, lacking_cents in zip(listed, foresights, lacking, strict=True):
        yield Row(
            transfer,
            foresight,
            [described[id] for id in (transfer.source_id, transfer.destination_id) if id],
            paid.get(transfer.destination_id or "", ()),
            against.get(transfer.api_key.lineage_id) if transfer.api_key is not None else None,
            lacking_cents,
        )


def _last_payments(account_ids: Iterable[str]) -> Mapping[str, Sequence[Transfer]]:
    """Return the last completed payments to each of the accounts, the newest first; those that came back too."""
    paid = Transfer.objects.filter(destination=OuterRef("pk"), completed_at__isnull=False)
    latest = ArraySubquery(paid.order_by("-created_at", "-id").values("id")[:PAYMENTS])
    ids = dict(Account.objects.filter(id__in=account_ids).annotate(latest=latest).values_list("id", "latest"))
    found = Transfer.objects.in_bulk([id for latest in ids.values() for id in latest])
    return {account_id: [found[id] for id in latest] for account_id, latest in ids.items()}
