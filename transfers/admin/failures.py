"""Failed transfers for staff: what to do about one, and taking it upon oneself, alone or several at once."""

from collections.abc import Sequence

from django.http import HttpRequest

from sequence.core.admin.base import ObjectPage, actor_of
from sequence.core.admin.fields import PlainText
from sequence.core.admin.notes import NoteForm, note_of
from sequence.core.admin.panels import Panel
from sequence.core.audit import MAX_NOTE_LENGTH
from sequence.core.typing import Context
from transfers.failures import remedies_of, take_failure
from transfers.models import FAILED, Transfer


class TakeForm(NoteForm):
    note = PlainText(max_length=MAX_NOTE_LENGTH, help_text="What you do about it. Kept on the audit trail.")


class TakeFailure(ObjectPage[Transfer]):
    name = "take"
    label = "Take this failure"
    permission = "take"
    audit_action = "TAKE_FAILURE"
    form_class = TakeForm

    def offered(self, obj: Transfer) -> bool:
        return obj.status in FAILED and obj.failure_taken_at is None

    def consequences(self, obj: Transfer) -> Sequence[str]:
        return [
            *remedies_of(obj),
            "It leaves the console under your name, with your note. No money moves, and nothing is tried again.",
        ]

    def perform(self, request: HttpRequest, obj: Transfer, choices: Context) -> str:
        take_failure(transfer_id=obj.id, by=actor_of(request), note=note_of(request, choices) or "")
        return f"You have taken {obj.id}."


def failure_panel(request: HttpRequest, transfer: Transfer) -> Panel | None:
    """Tell on a failed transfer's page why, what to do, and who looks after it."""
    if transfer.status not in FAILED:
        return None
    facts = {"transfer": transfer, "remedies": remedies_of(transfer)}
    return Panel("admin/transfers/transfer/failure.html", facts)
