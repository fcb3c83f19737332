"""Approvals desk: one page for all transfers that wait for a person, those that expire first on top.

Several are ticked and decided at once, each as it would be on its own page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from sequence.core import clock
from sequence.core.admin.actors import actor_of
from sequence.core.admin.acts import action_on, note_act
from sequence.core.admin.base import page_about
from sequence.core.admin.notes import NoteForm
from transfers.admin.desk_decisions import DECISIONS, Decision, Outcome, decide_ticked
from transfers.admin.desk_rows import SOON, Row, rows_of
from transfers.models import Transfer

# Of one page: enough that a hundred are decided at once, few enough that each is read.
PAGE_SIZE = 100
# Which rows a link ticks beforehand, without a script.
ALL, PAYABLE = "all", "payable"


def desk_address(organization_id: str | None = None) -> str:
    """Return the address of the desk, of one organization or of all."""
    address = reverse("admin:transfers_transfer_desk")
    return f"{address}?{urlencode({'organization': organization_id})}" if organization_id else address


def desk_view(request: HttpRequest) -> HttpResponse:
    """Return the desk for whoever may see transfers, or do what somebody who may decide has ticked."""
    if not request.user.has_perm("transfers.view_transfer"):
        raise PermissionDenied
    form = NoteForm(request.POST if request.method == "POST" else None)
    outcome = _answer(request, form) if request.method == "POST" else None
    desk = _Desk.of(request)
    return page_about(
        Transfer,
        request,
        "admin/transfers/transfer/desk.html",
        title="Approvals desk",
        # A note is of one decision: the next one's is empty.
        form=NoteForm() if outcome else form,
        outcome=outcome,
        desk=desk,
        may_decide=_may_decide(request),
        ticked=set() if outcome else _ticked(request, desk.rows),
        now=clock.now(),
        soon=clock.now() + SOON,
    )


def _may_decide(request: HttpRequest) -> bool:
    return request.user.has_perm("transfers.decide_transfer")


def _ticked(request: HttpRequest, rows: Sequence[Row]) -> set[str]:
    """Return the ids of the rows that are ticked when the page comes: what was sent, or what a link asks for."""
    if request.method == "POST":
        return set(request.POST.getlist("ticked"))
    which = request.GET.get("ticked")
    return {row.transfer.id for row in rows if which == ALL or (which == PAYABLE and row.can_be_paid)}


def _answer(request: HttpRequest, form: NoteForm) -> Outcome | None:
    """Decide what was ticked. None where nothing was asked for that can be done: the page says so."""
    decision, ids = DECISIONS.get(request.POST.get("decision", "")), request.POST.getlist("ticked")
    if not _may_decide(request):
        _note_refused(request, decision, ids)
        raise PermissionDenied
    if decision is None or not form.is_valid():
        return None
    if not 1 <= len(ids) <= PAGE_SIZE:
        messages.warning(request, f"Tick at least one transfer, and at most {PAGE_SIZE}. Nothing was done.")
        return None
    seen = {id: request.POST.get(f"{decision.name}:{id}", "") for id in ids}
    return decide_ticked(request, decision, ids, seen=seen, choices=form.cleaned_data)


def _note_refused(request: HttpRequest, decision: Decision | None, ids: Sequence[str]) -> None:
    if decision is not None:
        tried = Transfer.objects.filter(id__in=ids[:PAGE_SIZE])
        note_act(request, action_on(Transfer, decision.name), list(tried))


@dataclass(frozen=True)
class _Desk:
    """What lies on it: a page of rows, how much that is in all, and of which organizations."""

    rows: Sequence[Row]
    page: Page
    organization_id: str
    organizations: Sequence[tuple[str, str, int]]
    count: int
    cents: int

    @classmethod
    def of(cls, request: HttpRequest) -> "_Desk":
        chosen = request.GET.get("organization", "")
        waiting = Transfer.objects.waiting_for_a_person()
        by_organization = list(
            waiting.order_by("organization__name", "organization_id")
            .values_list("organization_id", "organization__name")
            .annotate(number=Count("id"), cents=Sum("amount_cents"))
        )
        shown = [row for row in by_organization if chosen in ("", row[0])]
        listed = waiting.for_organization(chosen) if chosen else waiting
        page = Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page"))
        first = max(0, page.start_index() - 1)
        return cls(
            rows=rows_of(listed[first : first + PAGE_SIZE], by=actor_of(request)),
            page=page,
            organization_id=chosen,
            organizations=[(id, name, number) for id, name, number, _ in by_organization],
            count=sum(number for _, _, number, _ in shown),
            cents=sum(cents for *_, cents in shown),
        )

    @property
    def payable(self) -> int:
        """How many of the page's rows can be paid."""
        return sum(row.can_be_paid for row in self.rows)

    @property
    def query(self) -> str:
        """The address's query without its page and ticks, to be gone on with."""
        return f"{urlencode({'organization': self.organization_id})}&" if self.organization_id else ""
