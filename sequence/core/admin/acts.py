"""Acts of staff: what a POST does, as the audit log names it. The site writes the entry, pages say what it is of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

from sequence.core.api.request_ids import request_id_of
from sequence.core.audit_log.models import Via
from sequence.core.audit_log.recording import Entry, record_all
from sequence.core.audit_log.subjects import NOTHING, Subject, noun_of_model, subject_of
from sequence.core.errors import DomainError

T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., object])

# What Django calls the pages that change something, by the end of their name.
_VERBS = {"add": "CREATE", "change": "CHANGE", "delete": "DELETE"}
# What somebody tried to do who may not, or that is not possible any more.
FORBIDDEN, NOT_POSSIBLE, CHANGED = "forbidden", "not_possible", "changed_meanwhile"


@dataclass
class Act:
    """What somebody does, to what, and why it was refused. Their note is on the trail alone: programs read this."""

    action: str
    subject: Subject = NOTHING
    error_code: str | None = None


def note_act(request: HttpRequest, action: str, objects: Sequence[models.Model]) -> None:
    """Say what this POST is about to do: ``action`` to the objects. Of several the entry names what they share."""
    subjects = {subject_of(obj) for obj in objects}
    organizations = {organization for organization, _ in subjects}
    subject = subjects.pop() if len(subjects) == 1 else (organizations.pop() if len(organizations) == 1 else None, None)
    note_acts(request, [Act(action, subject)])


def note_acts(request: HttpRequest, acts: Sequence[Act]) -> None:
    """Say what this POST does, where that is several things: each is an entry of its own."""
    request.acts = acts  # type: ignore[attr-defined]


def note_refusal(request: HttpRequest, code: str) -> None:
    """Say that what this POST was about to do is refused."""
    for act in acts_of(request):
        act.error_code = code


def attempt(request: HttpRequest, work: Callable[[], T]) -> T | None:
    """Return ``work()``. A refusal undoes it alone, is shown to the person in its own words, and makes this None."""
    try:
        with transaction.atomic():
            return work()
    except DomainError as refusal:
        messages.error(request, refusal.text)
        note_refusal(request, refusal.code)
        return None


def only_reads(view: View) -> View:
    """Mark a page whose POST changes nothing, so that it leaves no entry in the audit log."""
    view.only_reads = True  # type: ignore[attr-defined]
    return view


def forget_act(request: HttpRequest) -> None:
    """Begin anew: nothing has been done yet."""
    note_acts(request, [])


def acts_of(request: HttpRequest) -> Sequence[Act]:
    """Return what a page has said of this POST."""
    acts: Sequence[Act] = getattr(request, "acts", ())
    return acts


def action_on(model: type[models.Model], verb: str) -> str:
    """Return the action's name: APPROVE_TRANSFER."""
    return f"{verb}_{noun_of_model(model)}".upper().replace("-", "_").replace(" ", "_")


def record_act(request: HttpRequest, *, actor: str, status: int, error_code: str | None = None) -> None:
    """Write the entries of what this POST did: of what its page has said, else of what the address says.

    A page of Django's that shows itself again has done nothing; where it leads on, it has.
    """
    acts = acts_of(request)
    if not acts and (error_code or 300 <= status < 400):
        acts = _acts_by_address(request)
    record_all([_entry_of(act, request, actor, status, error_code) for act in acts])


def _entry_of(act: Act, request: HttpRequest, actor: str, status: int, error_code: str | None) -> Entry:
    organization_id, resource = act.subject
    code = error_code or act.error_code
    return Entry(
        organization_id=organization_id,
        actor=actor,
        via=Via.ADMIN,
        action=act.action,
        method=request.method,
        path=escape_uri_path(request.path),
        status=status,
        error_code=code,
        is_failure=code is not None,
        request_id=request_id_of(request),
        reason=None,
        resource=resource,
    )


def _acts_by_address(request: HttpRequest) -> list[Act]:
    """Return what a page of Django's own does; nothing for a list, whose actions say it themselves."""
    match = request.resolver_match
    name = match.url_name if match else None
    if name is None or match is None or name.endswith("_changelist"):
        return []
    noun, verb = name, ""
    for end, word in _VERBS.items():
        if name.endswith(f"_{end}"):
            model = name.removesuffix(f"_{end}")
            noun, verb = model.partition("_")[2] or model, word
    given: dict[str, object] = match.kwargs
    id = unquote(str(given.get("object_id") or given.get("id") or ""))
    organization_id, resource = subject_of(id)
    subject = (organization_id, resource or ((noun, id) if id else None))
    return [Act("_".join(filter(None, (verb, noun))).upper(), subject)]
