"""Form fields of the staff's pages."""

import re
from typing import Any, TypedDict, Unpack

from django import forms

from sequence.core.money import MAX_CENTS
from sequence.core.texts import flaw_of

_FORM = re.compile(r"(-?)\s*\$?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]{2}))?")


class FieldOptions(TypedDict, total=False):
    """What any field can be told besides."""

    required: bool
    label: str
    help_text: str
    widget: forms.Widget


class TextOptions(FieldOptions, total=False):
    """What a field of text can be told besides."""

    max_length: int


def _written(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"


class DollarsInput(forms.TextInput):
    """A text box for dollars; the unit stands in the label."""

    def __init__(self) -> None:
        super().__init__(attrs={"inputmode": "decimal", "class": "dollars", "placeholder": "0.00", "size": 14})

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, int):
            return _written(value)
        return value


class Dollars(forms.Field):
    """Takes ``500`` or ``1,234.56`` dollars and returns whole cents. Nothing passes through a float."""

    widget = DollarsInput
    default_error_messages = {
        "invalid": "Write US dollars, such as 500 or 1,234.56 (two digits after the point, or none).",
        "too_small": "This must be at least %(limit)s dollars.",
        "too_large": "This is more than the largest possible amount.",
    }

    def __init__(self, *, min_cents: int = 0, **options: Unpack[FieldOptions]) -> None:
        self.min_cents = min_cents
        super().__init__(**options)

    def to_python(self, value: object) -> int | None:
        text = str(value or "").strip()
        if not text:
            return None
        match = _FORM.fullmatch(text)
        if match is None or not text.isascii():
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        sign, whole, cents = match.groups()
        amount = int(whole.replace(",", "")) * 100 + int(cents or 0)
        return -amount if sign else amount

    def validate(self, value: int | None) -> None:
        super().validate(value)
        if value is None:
            return
        if value < self.min_cents:
            params = {"limit": _written(self.min_cents)}
            raise forms.ValidationError(self.error_messages["too_small"], code="too_small", params=params)
        if value > MAX_CENTS:
            raise forms.ValidationError(self.error_messages["too_large"], code="too_large")

    def has_changed(self, initial: int | None, data: object) -> bool:
        try:
            return self.to_python(data) != initial
        except forms.ValidationError:
            return True


class PlainText(forms.CharField):
    """A text that a person types, without characters that nobody sees. ``multiline`` allows line breaks and tabs."""

    def __init__(self, *, multiline: bool = False, **options: Unpack[TextOptions]) -> None:
        self.multiline = multiline
        if multiline:
            options.setdefault("widget", forms.Textarea(attrs={"rows": 3}))
        super().__init__(**options)

    def validate(self, value: str) -> None:
        super().validate(value)
        # A browser sends a line's end as two characters.
        flaw = flaw_of(value.replace("\r\n", "\n"), multiline=self.multiline)
        if flaw is not None:
            raise forms.ValidationError(flaw.message, code=flaw.code)
