"""Why-not page of a rule: staff pick or paste a deposit, and read why it did not set the rule off."""

from collections.abc import Sequence

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from rules.models import Rule
from rules.reasons import Answer
from rules.sentences import literal_in_words
from rules.services import account_names
from rules.why_not import why_not
from sequence.core.admin.base import StaffAdmin
from sequence.core.admin.links import Link
from sequence.core.typing import Context
from transfers.models import Transfer

LABEL = "Why did it not run?"
# The answer tells what the transfer was and what the run saw.
NEEDED = ("transfers.view_transfer", "rules.view_ruleexecution")
# Who asks comes for money that arrived lately; an older deposit's id can be pasted.
RECENT_ARRIVALS = 10


def links_to_why_not(request: HttpRequest, address: str) -> list[Link]:
    """Return the way from the rule's own page, for whoever may ask."""
    return [(LABEL, f"{address}../why-not/")] if request.user.has_perms(NEEDED) else []


def why_not_page(model_admin: StaffAdmin, request: HttpRequest, rule: Rule | None) -> HttpResponse:
    """Return the page, with the answer for the deposit that the query names. Staff may read every account."""
    if not model_admin.has_view_permission(request, rule) or not request.user.has_perms(NEEDED):
        raise PermissionDenied
    if rule is None:
        raise Http404
    asked = request.GET.get("transfer", "").strip()
    transfer = Transfer.objects.for_organization(rule.organization_id).filter(id=asked).first() if asked else None
    return model_admin.page(
        request,
        "admin/rules/why_not.html",
        title=f"{LABEL} {rule}",
        label=LABEL,
        original=rule,
        asked=asked,
        told=_told(rule, transfer) if transfer else None,
        arrivals=_arrivals_of(rule),
        rule_address=model_admin.address_of(rule),
    )


def _told(rule: Rule, transfer: Transfer) -> Context:
    answer = why_not(rule, transfer, may_read=lambda account_id: True)
    run = answer.execution_id and reverse("admin:rules_ruleexecution_change", args=[answer.execution_id])
    return {"answer": answer, "transfer": transfer, "run": run, "changes": _changes_in_words(rule, answer)}


def _changes_in_words(rule: Rule, answer: Answer) -> Sequence[str]:
    """Return the smallest changes as conditions in words, each as it would have held."""
    if answer.version is None or not answer.changes:
        return []
    definition = rule.numbered(answer.version).parsed()
    names = account_names(rule, definition.account_ids())
    return [literal_in_words(definition, change.path, change.to, names) for change in answer.changes]


def _arrivals_of(rule: Rule) -> QuerySet[Transfer]:
    """Return what arrived last on the account that the rule waits for now."""
    if rule.trigger_account_id is None:
        return Transfer.objects.none()
    rows = Transfer.objects.filter(destination_id=rule.trigger_account_id).order_by("-created_at", "-id")
    return rows[:RECENT_ARRIVALS]
