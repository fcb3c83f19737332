"""Taking over what an institution says of its account."""

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.http import HttpRequest

from accounts import services
from accounts.models import Account, AccountType
from sequence.core.admin.base import ObjectPage
from sequence.core.admin.display import dollars
from sequence.core.admin.fields import Dollars
from sequence.core.money import MAX_CENTS
from sequence.core.typing import Context

_OF_LIABILITIES = "Only of a liability. Empty leaves it as it was."


class StatementForm(forms.Form):
    balance_cents = Dollars(
        min_cents=-MAX_CENTS,
        label="Balance in US dollars",
        help_text="Of a liability: what is owed, and -20 is a credit of $20. Of another account -20 is an overdraft.",
    )
    last_statement_balance_cents = Dollars(
        min_cents=-MAX_CENTS, required=False, label="Last statement's balance in US dollars", help_text=_OF_LIABILITIES
    )
    next_payment_minimum_cents = Dollars(
        required=False, label="Next minimum payment in US dollars", help_text=_OF_LIABILITIES
    )
    next_payment_due_on = forms.DateField(
        required=False, label="Next payment due on", widget=AdminDateWidget, help_text=_OF_LIABILITIES
    )
    interest_rate_percent = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=6,
        decimal_places=3,
        label="Interest rate in percent a year",
        help_text=_OF_LIABILITIES,
    )


class RecordStatement(ObjectPage[Account]):
    name = "statement"
    audit_action = "RECORD_STATEMENT"
    label = "Record a statement"
    permission = "change"
    form_class = StatementForm

    def offered(self, obj: Account) -> bool:
        return obj.type == AccountType.EXTERNAL_ACCOUNT and obj.deleted_at is None

    def consequences(self, obj: Account) -> list[str]:
        return [
            f"The balance that is known of {obj.name}, {dollars(obj.balance_cents)}, becomes what you say here.",
            "Rules decide by it from now on. What is on its way from or to the account stays as it is.",
        ]

    def perform(self, request: HttpRequest, obj: Account, choices: Context) -> str:
        told = {name: value for name, value in choices.items() if value is not None}
        services.record_statement(organization_id=obj.organization_id, account_id=obj.id, **told)
        return f"{obj.name} now has a balance of {dollars(choices['balance_cents'])}."
