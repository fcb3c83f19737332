"""Notes: what a person says about a decision, kept on the audit trail beside their name."""

from django import forms
from django.http import HttpRequest

from sequence.core.admin.fields import PlainText
from sequence.core.admin.site import actor_of
from sequence.core.api.request_ids import request_id_of
from sequence.core.audit import MAX_NOTE_LENGTH, set_context


class NoteForm(forms.Form):
    note = PlainText(
        required=False, max_length=MAX_NOTE_LENGTH, help_text="Why, in a sentence. Kept on the audit trail."
    )


def note_of(request: HttpRequest, choices: dict[str, str]) -> str | None:
    """Return the form's note, None for an empty one, and put it on the trail of what the request changes from here."""
    note = choices["note"] or None
    set_context(actor=actor_of(request), request_id=request_id_of(request), reason=note)
    return note
