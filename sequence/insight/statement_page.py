"""Statement for staff: a page to be printed, and the same as CSV and OFX."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from accounts.models import Account
from sequence.core import clock
from sequence.core.admin.actors import actor_of
from sequence.core.admin.base import page_about
from sequence.core.admin.exports import CSV, as_file
from sequence.core.admin.periods import Period, PeriodForm
from sequence.core.api.request_ids import request_id_of
from sequence.core.typing import Context
from sequence.insight.history_page import may_see_history
from sequence.insight.lines import lines_of, page_of
from sequence.insight.sight import Sight, sight_of
from sequence.insight.statement_files import Part, csv_parts, ofx_parts
from sequence.insight.statements import (
    MAX_DAYS,
    SHOWN,
    Course,
    check_account,
    read_statement,
    stream_statement,
    too_long,
)
from transfers.errors import AccountTypeNotAllowed
from transfers.models import Posting

# Some twenty sheets of paper. The totals are of all, and files have all.
PAGE_ROWS = 1000
# What a statement is to be had as: its type, and what writes it.
FILES: Mapping[str, tuple[str, Callable[[Account, Period, Course], Iterator[Part]]]] = {
    "csv": (CSV, csv_parts),
    "ofx": ("application/x-ofx; charset=utf-8", ofx_parts),
}


class StatementForm(PeriodForm):
    """Of which days; the last whole month unless asked otherwise."""

    default: ClassVar[str] = "last_month"

    def clean(self) -> Context:
        cleaned = super().clean()
        if cleaned.get("since") and not self.errors and self._asked().days > MAX_DAYS:
            self.add_error("since", too_long(self._asked()))
        return cleaned

    def _asked(self) -> Period:
        return Period(self.cleaned_data["since"], self.cleaned_data["until"] or clock.now().date())


def statement_address(account_id: str) -> str:
    """Return where the account's statements are."""
    return reverse("admin:transfers_posting_statement", args=[account_id])


def statement_view(request: HttpRequest, account_id: str) -> HttpResponseBase:
    """Return the statement as a page or a file, for whoever may view accounts and the ledger."""
    account = Account.objects.filter(id=account_id).select_related("organization").only(*SHOWN).first()
    if not may_see_history(request, account):
        raise PermissionDenied
    if account is None:
        raise Http404
    try:
        check_account(account)
    except AccountTypeNotAllowed as refusal:
        messages.warning(request, refusal.text)
        return HttpResponseRedirect(page_of("accounts_account", account_id))
    form = StatementForm(request.GET.dict())
    if request.GET.get("format") in FILES and form.is_valid():
        return _file(request, account, form.chosen(), request.GET["format"])
    return _page(request, account, form)


def _page(request: HttpRequest, account: Account, form: StatementForm) -> HttpResponseBase:
    period = form.chosen()
    statement = read_statement(account, period, first=PAGE_ROWS)
    days = {"since": period.first.isoformat(), "until": period.last.isoformat()}
    return page_about(
        Posting,
        request,
        "admin/accounts/statement.html",
        title=f"Statement: {account}",
        account=account,
        form=form,
        period=period,
        statement=statement,
        lines=lines_of(request, statement.movements),
        files=[(kind.upper(), "?" + urlencode({**days, "format": kind})) for kind in FILES],
        made_at=clock.now(),
    )


def _file(request: HttpRequest, account: Account, period: Period, kind: str) -> HttpResponseBase:
    content_type, write = FILES[kind]
    filename = f"statement-{account.pk}-{period.first}-{period.last}.{kind}"
    return as_file(
        _parts(account, period, write, sight_of(request)),
        filename,
        content_type,
        name="statement",
        by=actor_of(request),
        account_id=account.pk,
        period=str(period),
        request_id=request_id_of(request),
    )


def _parts(
    account: Account, period: Period, write: Callable[[Account, Period, Course], Iterator[Part]], sight: Sight
) -> Iterator[Part]:
    """Read as soon as somebody takes the first bytes, and no sooner: the connection is theirs until the last."""
    course = stream_statement(account, period)
    batches = ([sight.veil(movement) for movement in batch] for batch in course.batches)
    yield from write(account, period, replace(course, batches=batches))
