"""Filters of transfers that the pages of balances and of the money map link with."""

from django import forms
from django.db.models import Q

from accounts.models import Account
from sequence.core.admin.filters import Condition, Exact, Filter, FilterForm, Named, OneOf
from sequence.core.admin.period_filters import Bound
from sequence.core.typing import Rows

# Stands for an end of a transfer that is nobody's account here: where a paycheck comes from.
OUTSIDE = "outside"


class End(Filter[Account | str]):
    """One end of a transfer: an account, or OUTSIDE."""

    def __init__(self, name: str, label: str) -> None:
        super().__init__(name, label)
        self.account = Named(name, label, Account, name)

    def field(self) -> forms.Field:
        return self.account.field()

    def find(self, text: str, form: FilterForm) -> Account | str:
        return OUTSIDE if text == OUTSIDE else self.account.find(text, form)

    def narrow(self, rows: Rows, found: Account | str) -> Rows:
        if isinstance(found, str):
            return rows.filter(**{f"{self.name}__isnull": True})
        return self.account.narrow(rows, found)

    def tell(self, found: Account | str) -> str:
        return found if isinstance(found, str) else self.account.tell(found)


def flow_filters() -> list[Filter]:
    """Return the filters that pick the transfers behind one flow of money."""
    by: dict[str, tuple[str, Condition]] = {
        "rule": ("a rule", Q(rule_id__isnull=False)),
        "other": ("no rule", Q(rule_id__isnull=True)),
    }
    filters: list[Filter] = [
        End("source", "Source"),
        End("destination", "Destination"),
        Exact("rule", "Rule", "rule_id"),
        OneOf("by", "Made by", by),
        Bound("completed_from", "Completed from", "completed_at"),
        Bound("completed_to", "Completed to", "completed_at", after="completed_from"),
    ]
    return [each.linked_only() for each in filters]
