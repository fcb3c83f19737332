"""Decisions of the approvals desk: each ticked row by the service of a single one, and what came of each of them.

All rows are locked and told anew before the first is decided, so that what a person reads is compared under the locks.
Then each is decided in a savepoint of its own: a refusal undoes its own row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from sequence.core.admin.actors import actor_of
from sequence.core.admin.acts import CHANGED, Act, action_on, note_acts
from sequence.core.admin.notes import note_of
from sequence.core.audit_log.subjects import subject_of
from sequence.core.errors import DomainError
from sequence.core.typing import Context
from transfers import services
from transfers.admin.desk_rows import Row, rows_of
from transfers.errors import TransferNotDecidable
from transfers.models import Transfer


@dataclass(frozen=True)
class Decision:
    """One of the two answers. ``name`` is the button's, and begins the name of the fields with what was read."""

    name: str
    done: str
    decide: Callable[..., Transfer]
    seen: Callable[[Row], str]


DECISIONS = {
    "approve": Decision("approve", "approved", services.approve_transfer, lambda row: row.seen_before_approving),
    "reject": Decision("reject", "rejected", services.reject_transfer, lambda row: row.seen_before_rejecting),
}


@dataclass
class Outcome:
    """What came of the ticked rows: those that were decided, those to look at again, and those refused, with why."""

    decision: Decision
    decided: list[Transfer] = field(default_factory=list)
    changed: list[Transfer] = field(default_factory=list)
    refused: list[tuple[Transfer, str]] = field(default_factory=list)

    @property
    def cents(self) -> int:
        """The sum of what was decided."""
        return sum(transfer.amount_cents for transfer in self.decided)


def decide_ticked(
    request: HttpRequest, decision: Decision, ids: Sequence[str], *, seen: Mapping[str, str], choices: Context
) -> Outcome:
    """Decide each of the transfers if it still is what this person has read: ``seen`` has the fingerprints by id."""
    services.lock_for_decisions(ids)
    note = note_of(request, choices)
    ticked = list(Transfer.objects.filter(id__in=ids).order_by("created_at", "id"))
    waiting = Transfer.objects.waiting_for_a_person().filter(id__in=ids)
    rows = {row.transfer.id: row for row in rows_of(waiting, by=actor_of(request))}
    outcome, acts = Outcome(decision), []
    for transfer in ticked:
        row = rows.get(transfer.id)
        has_seen = row is None or constant_time_compare(seen.get(transfer.id, ""), decision.seen(row))
        code = _decide(outcome, transfer, by=actor_of(request), note=note) if has_seen else CHANGED
        if not has_seen:
            outcome.changed.append(transfer)
        acts.append(Act(action_on(Transfer, decision.name), subject_of(transfer), code))
    note_acts(request, acts)
    return outcome


def _decide(outcome: Outcome, transfer: Transfer, *, by: str, note: str | None) -> str | None:
    """Decide one of them. Return the code of what refuses it, None where nothing does."""
    try:
        with transaction.atomic():
            outcome.decided.append(outcome.decision.decide(transfer_id=transfer.id, by=by, note=note))
    except TransferNotDecidable as refusal:
        outcome.refused.append((transfer, _already(transfer)))
        return refusal.code
    except DomainError as refusal:
        outcome.refused.append((transfer, refusal.text))
        return refusal.code
    return None


def _already(transfer: Transfer) -> str:
    """Return what somebody who was faster has made of it."""
    why = f" ({transfer.get_cancel_reason_display()})" if transfer.cancel_reason else ""
    who = f", by {transfer.decided_by.removeprefix('staff:')}" if transfer.decided_by else ""
    return f"It is {transfer.get_status_display().lower()} already{why}{who}."
