"""An account's balance over time for staff, as a plot and as a table of the same points."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import Account, AccountType
from sequence.admin.periods import Period, PeriodForm
from transfers.balance_history import Point, read_balance_history
from transfers.balance_plot import plot
from transfers.models import Posting, Status, Transfer


def history_view(request: HttpRequest, account_id: str, page: Callable[..., HttpResponse]) -> HttpResponse:
    """Return the page, for whoever may view accounts and what the history is made of."""
    account = Account.objects.filter(id=account_id).only(*_SHOWN).first()
    is_external = account is not None and account.type == AccountType.EXTERNAL_ACCOUNT
    source = Transfer if is_external else Posting
    if not all(admin.site.get_model_admin(model).has_view_permission(request) for model in (Account, source)):
        raise PermissionDenied
    if account is None:
        raise Http404
    form = PeriodForm(request.GET.dict())
    period = form.chosen()
    history = read_balance_history(account, period)
    return page(
        request,
        "admin/transfers/posting/history.html",
        title=f"{'Money in and out' if is_external else 'Balance over time'}: {account}",
        account=account,
        is_external=is_external,
        form=form,
        period=period,
        history=history,
        highest=max(history.balances, default=None),
        lowest=min(history.balances, default=None),
        plot=plot(history),
        rows=[(point, _behind(account, _days_of(point))) for point in reversed(history.points)],
        everything=_behind(account, period),
    )


# No bank numbers: what nobody sees is not read and decrypted.
_SHOWN = ("name", "type", "balance_cents", "balance_updated_at")


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
