"""What the search finds of accounts."""

from collections.abc import Iterable

from django.db.models import Q

from accounts.models import Account
from sequence.core.admin.display import dollars
from sequence.core.admin.searching import Asked, Hit, Hits, gather
from sequence.core.admin.timeline import address_of


def find_accounts(asked: Asked) -> Iterable[Hits]:
    """Find accounts by their name, their institution's, or the last digits of their number; deleted ones come last."""
    if not asked.is_word:
        return ()
    meant = Q(name__icontains=asked.text) | Q(institution_name__icontains=asked.text)
    meant |= Q(bank_account_number_last_four=asked.text)
    rows = Account.objects.filter(meant).select_related("organization").order_by("-deleted_at", "name", "id")
    return gather("Accounts", rows, _account)


def _account(account: Account) -> Hit:
    detail = f"{account.get_type_display()} of {account.organization}, {dollars(account.balance_cents)}"
    return Hit(account.name, detail, address_of(account), ("Deleted", "quiet") if account.deleted_at else None)
