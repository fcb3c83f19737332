"""What an account's own page begins with: what it holds, and its movements, the newest first."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Account
from sequence.core import clock
from sequence.core.admin.panels import Panel
from sequence.core.admin.periods import Period, usual_period
from sequence.core.periods import day_of
from sequence.core.typing import Context
from sequence.insight.counterparties import REACH, dealings
from sequence.insight.elsewhere import newest_completed
from sequence.insight.history_page import may_see_history
from sequence.insight.lines import lines_of, page_of
from sequence.insight.movements import Movement, newest_first
from sequence.insight.sight import sight_of
from sequence.insight.statement_page import statement_address
from transfers.models import Posting, Transfer

# About a screen's height.
PAGE_ROWS = 20
# Counterparties on each side, and of how many days.
DEALINGS, DEALINGS_PERIOD = 5, "30"
# More than these no posting's number has.
MAX_DIGITS = 18


def movements_panel(request: HttpRequest, account: Account) -> Panel | None:
    """Return the account's balance and its movements, for whoever may see what they are made of."""
    if not may_see_history(request, account):
        return None
    facts = _elsewhere(request, account) if account.is_external else _in_ledger(request, account)
    return Panel("admin/accounts/movements.html", {"account": account, **facts})


def _in_ledger(request: HttpRequest, account: Account) -> Context:
    """Return what the ledger has of it, as of one instant."""
    before = _posting_before(request, account)
    found = newest_first(account, before=before, first=PAGE_ROWS + 1)
    # As of the newest movement that the page shows, not of a moment before it.
    is_newest = before is None and bool(found)
    balance_cents = found[0].balance_cents if is_newest else account.balance_cents or 0
    return {
        **_page_of_rows(request, found, is_first=before is None),
        "balance_cents": balance_cents,
        "available_cents": balance_cents - account.held_cents,
        "statement": statement_address(account.pk),
        "ways": _ways(request, account) if before is None else [],
    }


def _elsewhere(request: HttpRequest, account: Account) -> Context:
    """Return what its institution told last, and what transfers moved: no balance is known of any other moment."""
    before = _transfer_before(request, account)
    found = newest_completed(account, before=before, first=PAGE_ROWS + 1)
    return {**_page_of_rows(request, found, is_first=before is None), "balance_cents": account.balance_cents}


def _page_of_rows(request: HttpRequest, found: Sequence[Movement], *, is_first: bool) -> Context:
    older = "?" + urlencode({"older": found[PAGE_ROWS - 1].id}) if len(found) > PAGE_ROWS else ""
    return {"lines": lines_of(request, found[:PAGE_ROWS]), "is_first": is_first, "older": older}


def _ways(request: HttpRequest, account: Account) -> list[Context]:
    """Return from whom the money of the last days came and to whom it went, each a way to follow it."""
    period = usual_period(DEALINGS_PERIOD, day_of(clock.now()))
    met = dealings(account, period, by_merchant=sight_of(request).cards)
    when = f"in its last {REACH:,} movements" if met.is_cut else f"the last {DEALINGS_PERIOD} days"
    return [
        {
            "heading": f"{words}, {when}",
            "dealings": [(each, page_of("accounts_account", each.party.account_id)) for each in found[:DEALINGS]],
            "left_out": len(found) - DEALINGS,
            "address": _postings(account, side, period),
        }
        for side, words, found in (("gained", "Came from", met.came_from), ("lost", "Went to", met.went_to))
    ]


def _postings(account: Account, side: str, period: Period) -> str:
    query = {"account": account.pk, "side": side, "from": period.first.isoformat()}
    return reverse("admin:transfers_posting_changelist") + "?" + urlencode(query)


def _posting_before(request: HttpRequest, account: Account) -> Posting | None:
    """Return the posting that the page is to go on behind; None where the address names none of this account."""
    older = request.GET.get("older", "")
    if not (older.isascii() and older.isdigit() and len(older) <= MAX_DIGITS):
        return None
    return Posting.objects.filter(account=account.pk, id=int(older)).only("posted_at").first()


def _transfer_before(request: HttpRequest, account: Account) -> Transfer | None:
    """Return the transfer that the page is to go on behind, of this account."""
    if "older" not in request.GET:
        return None
    return Transfer.objects.touching(account.pk).filter(id=request.GET["older"]).only("created_at").first()
