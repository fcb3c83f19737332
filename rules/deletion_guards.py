"""Deletion guard of rules: what they say when an account is to be deleted."""

from accounts.errors import AccountInUse
from accounts.models import Account
from rules.models import Rule


def refuse_while_an_enabled_rule_uses_it(account: Account) -> None:
    """Raise AccountInUse, naming the rules, while an enabled rule names the account."""
    rules = (
        Rule.objects.for_organization(account.organization_id).enabled().naming(account.id).order_by("created_at", "id")
    )
    names = [f"{rule.nickname} ({rule.id})" if rule.nickname else rule.id for rule in rules]
    if names:
        raise AccountInUse(name=account.private_name, users=f"the enabled rules {', '.join(names)}")
