"""Filter of an amount: rows of just so many cents, asked for in dollars."""

from django import forms
from django.core.exceptions import ValidationError

from sequence.core.admin.display import dollars
from sequence.core.admin.fields import Dollars
from sequence.core.admin.filters import MAX_TEXT, Filter, FilterForm
from sequence.core.typing import Rows


class Amount(Filter[int]):
    """Rows of exactly this amount: ``640``, ``640.00`` and ``$22,268.53`` are all understood."""

    def __init__(self, column: str = "amount_cents") -> None:
        super().__init__("amount", "Amount ($)")
        self.column = column

    def field(self) -> forms.Field:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "placeholder": "640.00"})
        return forms.CharField(required=False, label=self.label, max_length=MAX_TEXT, widget=widget)

    def find(self, text: str, form: FilterForm) -> int:
        cents = Dollars(min_cents=1).clean(text)
        if not isinstance(cents, int):
            raise ValidationError("Write an amount in dollars.", code="invalid")
        return cents

    def narrow(self, rows: Rows, found: int) -> Rows:
        return rows.filter(**{self.column: found})

    def tell(self, found: int) -> str:
        return dollars(found)
