"""Movements of an account at another institution: what transfers brought there and took from there. No balances."""

from django.db.models import Q

from accounts.models import Account
from sequence.core.api.pagination import merged
from sequence.core.typing import Rows
from sequence.insight.movements import Movement, cause_of_transfer, party_of, run_of
from transfers.models import Status, Transfer

_TOLD = {
    "id": "id",
    "amount_cents": "amount_cents",
    "completed_at": "completed_at",
    "origin": "origin",
    "description": "description",
    "decided_by": "decided_by",
    "source_id": "source_id",
    "source_name": "source__name",
    "destination_id": "destination_id",
    "destination_name": "destination__name",
    "key_id": "api_key_id",
    "key_name": "api_key__name",
    "execution_id": "rule_execution_id",
    "run": "run",
}


def newest_completed(account: Account, *, before: Transfer | None, first: int) -> list[Movement]:
    """Return the account's completed transfers, those that were asked for last first, in one statement.

    Each end has an index in the order of the list: so many are read from either, however many there are.
    """
    halves = [
        _newest(Transfer.objects.filter(**{end: account.pk}), before)[:first] for end in ("source", "destination")
    ]
    rows = merged(halves).annotate(run=run_of("rule_execution_id")).order_by("-created_at", "-id")
    return [_read(row, account) for row in rows.values_list(*_TOLD.values())[:first]]


def _newest(rows: Rows, before: Transfer | None) -> Rows:
    rows = rows.filter(status=Status.COMPLETE).order_by("-created_at", "-id")
    if before is None:
        return rows
    older = Q(created_at__lt=before.created_at) | Q(id__lt=before.pk)
    return rows.filter(older, created_at__lte=before.created_at)


def _read(values: tuple, account: Account) -> Movement:
    told = {**dict(zip(_TOLD, values, strict=True)), "card": None}
    comes = told["destination_id"] == account.pk
    return Movement(
        id=told["id"],
        at=told["completed_at"],
        amount_cents=told["amount_cents"] if comes else -told["amount_cents"],
        party=party_of(told, account.pk),
        cause=cause_of_transfer(told),
        transfer_id=told["id"],
        description=told["description"] or "",
    )
