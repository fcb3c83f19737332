"""An account's balance over time for staff: a plot on its page, and a page with a table of the same points."""

from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import Account, AccountType
from sequence.core import clock
from sequence.core.admin.base import page_about
from sequence.core.admin.panels import Panel
from sequence.core.admin.periods import Period, PeriodForm, usual_period
from sequence.core.periods import day_of
from sequence.insight.balance_history import Point, read_balance_history
from sequence.insight.balance_plot import plot
from transfers.models import Posting, Status, Transfer

# What the account's own page shows, in days: long enough for a shape, short enough to be read.
PANEL_PERIOD = "90"


def history_view(request: HttpRequest, account_id: str) -> HttpResponse:
    """Return the page, for whoever may view accounts and what the history is made of."""
    account = Account.objects.filter(id=account_id).only(*_SHOWN).first()
    if not may_see_history(request, account):
        raise PermissionDenied
    if account is None:
        raise Http404
    form = PeriodForm(request.GET.dict())
    period = form.chosen()
    history = read_balance_history(account, period)
    return page_about(
        Posting,
        request,
        "admin/transfers/posting/history.html",
        title=f"{_heading(account)}: {account}",
        account=account,
        is_external=_is_external(account),
        form=form,
        period=period,
        history=history,
        plot=plot(history),
        rows=[(point, _behind(account, _days_of(point))) for point in reversed(history.points)],
        everything=_behind(account, period),
    )


def history_panel(request: HttpRequest, account: Account) -> Panel | None:
    """Return the plot of the last days for the account's own page."""
    if not may_see_history(request, account):
        return None
    period = usual_period(PANEL_PERIOD, day_of(clock.now()))
    history = read_balance_history(account, period)
    facts = {
        "heading": f"{_heading(account)}, the last {PANEL_PERIOD} days",
        "is_external": _is_external(account),
        "period": period,
        "history": history,
        "plot": plot(history),
        "address": reverse("admin:transfers_posting_over_time", args=[account.id]),
        "behind": _behind(account, period),
    }
    return Panel("admin/transfers/posting/plot_panel.html", facts)


def _is_external(account: Account | None) -> bool:
    return account is not None and account.type == AccountType.EXTERNAL_ACCOUNT


def may_see_history(request: HttpRequest, account: Account | None) -> bool:
    """Say whether this person may view accounts and what the account's history is made of."""
    source = Transfer if _is_external(account) else Posting
    return all(admin.site.get_model_admin(model).has_view_permission(request) for model in (Account, source))


def _heading(account: Account) -> str:
    return "Money in and out" if _is_external(account) else "Balance over time"


# No bank numbers: what nobody sees is not read and decrypted.
_SHOWN = ("organization_id", "name", "type", "balance_cents", "balance_updated_at")


def _days_of(point: Point) -> Period:
    return Period(point.first, point.last)


def _behind(account: Account, period: Period) -> str:
    """Return the list of the postings, or of an external account's transfers, in the period."""
    first, last = period.first.isoformat(), period.last.isoformat()
    if account.type == AccountType.EXTERNAL_ACCOUNT:
        days = {"completed_from": first, "completed_to": last}
        return _list("admin:transfers_transfer_changelist", account=account.id, status=Status.COMPLETE, **days)
    return _list("admin:transfers_posting_changelist", account=account.id, **{"from": first, "to": last})


def _list(name: str, **query: str) -> str:
    return f"{reverse(name)}?{urlencode(query)}"
