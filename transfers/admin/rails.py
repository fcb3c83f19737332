"""Rails for staff: what they may carry, and what the simulated one does on purpose."""

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.models import Account, AccountType
from sequence.core.admin.base import StaffAdmin
from sequence.core.admin.display import amount
from sequence.core.admin.fields import Dollars
from transfers.models import AchLimits, SimulatedMark


def _dollars(label: str) -> Dollars:
    return Dollars(required=False, label=f"{label}, in US dollars", help_text="Empty means no limit. UTC.")


class AchLimitsForm(forms.ModelForm):
    daily_credit_cents = _dollars("Sent out in a day")
    monthly_credit_cents = _dollars("Sent out in a calendar month")
    daily_debit_cents = _dollars("Pulled in in a day")
    monthly_debit_cents = _dollars("Pulled in in a calendar month")

    class Meta:
        model = AchLimits
        fields = [
            "organization",
            "daily_credit_cents",
            "monthly_credit_cents",
            "daily_debit_cents",
            "monthly_debit_cents",
        ]


@admin.register(AchLimits)
class AchLimitsAdmin(StaffAdmin[AchLimits]):
    form = AchLimitsForm
    list_display = ["organization", "daily_credit", "monthly_credit", "daily_debit", "monthly_debit"]
    list_select_related = ["organization"]
    search_fields = ["organization__name", "organization__id__is"]
    autocomplete_fields = ["organization"]

    def get_readonly_fields(self, request: HttpRequest, obj: AchLimits | None = None) -> list[str]:
        return ["organization"] if obj else []

    @admin.display(description="sent a day")
    def daily_credit(self, obj: AchLimits) -> SafeString:
        return amount(obj.daily_credit_cents)

    @admin.display(description="sent a month")
    def monthly_credit(self, obj: AchLimits) -> SafeString:
        return amount(obj.monthly_credit_cents)

    @admin.display(description="pulled a day")
    def daily_debit(self, obj: AchLimits) -> SafeString:
        return amount(obj.daily_debit_cents)

    @admin.display(description="pulled a month")
    def monthly_debit(self, obj: AchLimits) -> SafeString:
        return amount(obj.monthly_debit_cents)


@admin.register(SimulatedMark)
class SimulatedMarkAdmin(StaffAdmin[SimulatedMark]):
    list_display = ["account", "fail_code", "return_code", "return_delay_seconds"]
    list_select_related = ["account"]
    search_fields = ["account__name", "account__id__is"]

    def get_readonly_fields(self, request: HttpRequest, obj: SimulatedMark | None = None) -> list[str]:
        return ["account"] if obj else []

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: object
    ) -> forms.ModelChoiceField | None:
        if db_field.name == "account":
            kwargs["queryset"] = _external_accounts()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _external_accounts() -> QuerySet[Account]:
    return Account.objects.not_deleted().filter(type=AccountType.EXTERNAL_ACCOUNT).order_by("name")
