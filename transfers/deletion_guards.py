"""Deletion guard of transfers: what they say when an account is to be deleted."""

from accounts.errors import AccountNotEmpty
from accounts.models import Account
from transfers.models import Transfer


def refuse_while_money_is_under_way(account: Account) -> None:
    """Raise AccountNotEmpty while a transfer from or to the account may still move money."""
    if Transfer.objects.touching(account.id).under_way().exists():
        raise AccountNotEmpty(
            name=account.private_name,
            what="a transfer under way",
            advice="Wait until it has ended, or cancel it, then delete the account.",
        )
