"""Following money for staff: a panel on the pages of what moved it, and a page that leads further."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import Account
from cards.models import CardTransaction
from rules.models import ExecutionMode, RuleExecution
from sequence.core.admin.base import page_about
from sequence.core.admin.panels import Panel
from sequence.core.admin.timeline import may_see
from sequence.core.typing import Context
from sequence.insight.following.moves import Run, moves_of_entry_sets, moves_of_transfers, runs_of
from sequence.insight.following.walks import Subject, backwards, forwards
from sequence.insight.sight import Sight, sight_of
from transfers.models import Posting, Transfer

# Lines from the object on: its own page shows the next ones, the page that follows goes from payroll to the shop.
PANEL_DEPTH, PAGE_DEPTH = 2, 5

Followed = Transfer | RuleExecution | CardTransaction


def may_follow(request: HttpRequest) -> bool:
    """Say whether this person may see accounts and the ledger, which is what is followed."""
    return may_see(request, Account) and may_see(request, Posting)


def following_panel(request: HttpRequest, obj: Followed) -> Panel | None:
    """Return where the object's money came from and went next, for the object's own page."""
    subject = _subject(obj) if may_follow(request) else None
    if subject is None:
        return None
    facts = {**_both_ways(subject, sight_of(request), PANEL_DEPTH), "address": followed_at(obj)}
    return Panel("admin/following/panel.html", facts, below_the_first=True)


def follow_view(request: HttpRequest, object_id: str) -> HttpResponse:
    """Return the page that follows the money of a transfer, a rule's run or a card transaction."""
    if not may_follow(request):
        raise PermissionDenied
    obj = _find(request, object_id)
    subject = _subject(obj) if obj is not None else None
    if obj is None or subject is None:
        raise Http404
    return page_about(
        type(obj),
        request,
        "admin/following/page.html",
        title="Follow the money",
        original=obj,
        facts=_both_ways(subject, sight_of(request), PAGE_DEPTH),
    )


def followed_at(obj: Followed) -> str:
    """Return the page that follows the object's money."""
    return reverse("admin:transfers_posting_followed", args=[obj.pk])


def _find(request: HttpRequest, object_id: str) -> Followed | None:
    """Return the object of this id, of a kind whose pages this person may open."""
    models: dict[str, type[Followed]] = {"txr": Transfer, "rex": RuleExecution, "ctx": CardTransaction}
    model = models.get(object_id.partition("_")[0])
    if model is None or not admin.site.get_model_admin(model).has_view_permission(request):
        return None
    found: Followed | None = model.objects.filter(pk=object_id).first()
    return found


def _subject(obj: Followed) -> Subject | None:
    """Return what is followed; a simulation has moved nothing."""
    if isinstance(obj, Transfer):
        return moves_of_transfers([obj.pk])[obj.pk]
    if isinstance(obj, CardTransaction):
        return moves_of_entry_sets([obj.entry_set_id])[obj.entry_set_id]
    return runs_of([obj.pk])[obj.pk] if obj.mode == ExecutionMode.LIVE else None


def _both_ways(subject: Subject, sight: Sight, depth: int) -> Context:
    back, onwards = backwards(subject, sight, depth=depth), forwards(subject, sight, depth=depth)
    came, went = _ends(subject)
    return {"ways": [("Where it came from", back, came), ("Where it went", onwards, went)], "here": onwards}


def _ends(subject: Subject) -> tuple[str, str]:
    """Return what is said where nothing is behind or ahead."""
    if isinstance(subject, Run):
        return "No arrival set it off.", "It moved nothing."
    if subject.entry_set is None:
        return "It has not moved anything.", "It has not moved anything."
    return "From outside.", "Out of the system."
