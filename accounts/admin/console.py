"""Console, accounts: their balances."""

from django.db.models import Sum

from accounts.models import Account, AccountType
from sequence.core.admin.console import ConsoleQuery, Section

# As many as an organization usually has; more are a list of their own.
BALANCES_SHOWN = 25


def balances(look: ConsoleQuery) -> Section:
    """The open accounts by organization, and what the ledger holds in all."""
    open_accounts = look.of(Account.objects.not_deleted())
    rows = open_accounts.select_related("organization").defer("routing_number", "bank_account_number")
    accounts = list(rows.order_by("organization__name", "organization_id", "type", "name", "id")[: BALANCES_SHOWN + 1])
    in_ledger = open_accounts.exclude(type=AccountType.EXTERNAL_ACCOUNT)
    return Section(
        "admin/accounts/balances.html",
        {
            "accounts": accounts[:BALANCES_SHOWN],
            "is_cut": len(accounts) > BALANCES_SHOWN,
            "total_cents": in_ledger.aggregate(cents=Sum("balance_cents"))["cents"] or 0,
            "address": look.list_of(Account),
        },
    )
