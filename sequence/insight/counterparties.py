"""Counterparties of an account: from whom its money came of late and to whom it went, the largest sums first."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from accounts.models import Account
from cards.models import CardTransaction
from sequence.core.admin.periods import Period
from sequence.core.typing import Context
from sequence.insight.movements import Party
from transfers.models import Clearing, EntrySetKind, Posting

# Movements that are looked through, the newest: a page costs the same however much an account moves.
REACH = 1000
_COLUMNS = {
    "amount_cents": "amount_cents",
    "kind": "entry_set__kind",
    "source": "entry_set__transfer__source",
    "source_name": "entry_set__transfer__source__name",
    "destination": "entry_set__transfer__destination",
    "destination_name": "entry_set__transfer__destination__name",
    "merchant": "merchant",
}


@dataclass(frozen=True)
class Dealing:
    """What came from, or went to, one counterparty."""

    party: Party
    cents: int
    number: int


@dataclass(frozen=True)
class Dealings:
    """Both sides, the largest first. ``is_cut`` says that there were more movements than are looked through."""

    came_from: list[Dealing]
    went_to: list[Dealing]
    is_cut: bool


def dealings(account: Account, period: Period, *, by_merchant: bool) -> Dealings:
    """Return with whom the account dealt, in one query. Without ``by_merchant`` all merchants are one."""
    bought = CardTransaction.objects.filter(entry_set=OuterRef("entry_set")).values("merchant_name")
    rows = Posting.objects.filter(**period.within("posted_at"), account=account.pk).annotate(merchant=Subquery(bought))
    found = rows.order_by("-posted_at", "-id").values_list(*_COLUMNS.values())[: REACH + 1]
    told = [dict(zip(_COLUMNS, values, strict=True)) for values in found]
    met = [(_party(row, account.pk, by_merchant), row["amount_cents"]) for row in told[:REACH]]
    came_from = _sums([(party, cents) for party, cents in met if cents > 0])
    went_to = _sums([(party, -cents) for party, cents in met if cents < 0])
    return Dealings(came_from, went_to, is_cut=len(told) > REACH)


def _sums(met: list[tuple[Party, int]]) -> list[Dealing]:
    numbers: Counter[Party] = Counter(party for party, _ in met)
    cents: Counter[Party] = Counter()
    for party, amount_cents in met:
        cents[party] += amount_cents
    return [Dealing(party, total, numbers[party]) for party, total in cents.most_common()]


def _party(row: Context, account_id: str, by_merchant: bool) -> Party:
    if row["kind"] == EntrySetKind.CARD:
        return Party(row["merchant"] if by_merchant else "Merchants")
    if row["kind"] == EntrySetKind.RELEASE:
        return Party(Clearing.SUSPENSE.label)
    end = "destination" if row["source"] == account_id else "source"
    return Party(row[f"{end}_name"] or "Outside", row[end])
