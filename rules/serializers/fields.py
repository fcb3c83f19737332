"""The pieces of a rule's JSON. Each reads strictly, keeps a normal form that is fit for storing, and describes itself.

Whether an account exists, and may stand where it does, is checked later, by ``rules.references``: nothing here reads
the database.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from accounts.models import AccountType
from rules.vocabulary import LimitPeriod
from sequence.core.api.fields import MAX_CENTS, Cents, IdText, StrictSerializer, show_time

# Six places are more than a cent of any amount that can be moved in a year of paychecks needs.
PERCENT_PLACES = 6


def one_of(attrs: dict[str, object], names: Sequence[str]) -> None:
    """Raise ValidationError unless exactly one of the fields is given."""
    given = [name for name in names if attrs.get(name) is not None]
    if len(given) != 1:
        fault = f"Give exactly one of {', '.join(names)}."
        name = given[1] if given else names[0]
        raise serializers.ValidationError({name: [fault]}, code="exactly_one")


def plain(number: Decimal) -> str:
    """Return the number with all its digits, without exponent or zeros at the end: Decimal.normalize() would round."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class Flag(serializers.Field):
    """A JSON ``true`` or ``false``, and nothing that looks like one."""

    default_error_messages = {"invalid": "Give true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data

    def json_schema(self) -> dict[str, object]:
        return {"type": "boolean"}


class Percent(serializers.Field):
    """A JSON number from 0 to 100 with at most six places, kept as exact text."""

    default_error_messages = {
        "invalid": "Give a number from 0 to 100.",
        "min_value": "This must be 0 or more.",
        "max_value": "This must be 100 or less.",
        "max_places": "At most {places} places after the point.",
    }

    def to_internal_value(self, data: Any) -> str:
        if type(data) not in (int, Decimal):
            self.fail("invalid")
        if data < 0:
            self.fail("min_value")
        if data > 100:
            self.fail("max_value")
        text = plain(Decimal(data))
        if len(text.partition(".")[2]) > PERCENT_PLACES:
            self.fail("max_places", places=PERCENT_PLACES)
        return text

    def json_schema(self) -> dict[str, object]:
        return {"type": "number", "minimum": 0, "maximum": 100}


class AccountReferenceField(serializers.Field):
    """``{id, type}``; the type may be left out, and if given must be the account's.

    A ``name`` is taken and ignored, so that what GET gives can be PUT back.
    """

    default_error_messages = {
        "invalid": "Give an account as {{'id': 'acc_…'}}.",
        "unknown_field": "There is no such field here.",
    }

    def to_internal_value(self, data: Any) -> dict[str, object]:
        reader = _AccountReference(data=data)
        reader.is_valid(raise_exception=True)
        return {"id": reader.validated_data["id"], "type": reader.validated_data.get("type")}

    def json_schema(self) -> dict[str, object]:
        return {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": IdText().json_schema(),
                "type": {"type": ["string", "null"], "enum": [*AccountType.values, None]},
                "name": {"type": ["string", "null"], "description": "Ignored."},
            },
        }


class _AccountReference(StrictSerializer):
    id = IdText()
    type = serializers.ChoiceField(choices=AccountType.choices, required=False)
    name = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)


class Limit(StrictSerializer):
    """The most that an action moves in a period."""

    period = serializers.ChoiceField(choices=LimitPeriod.choices())
    amount_in_cents = Cents(help_text="In cents.")


class ConditionNumber(serializers.Field):
    """A JSON number, kept exactly: an integer, or a fraction as text."""

    default_error_messages = {"invalid": "Give a number.", "max_value": "This number is too large."}

    def to_internal_value(self, data: Any) -> int | str:
        if type(data) not in (int, Decimal):
            self.fail("invalid")
        if abs(data) > MAX_CENTS:
            self.fail("max_value")
        return data if isinstance(data, int) else plain(data)

    def json_schema(self) -> dict[str, object]:
        return {"type": ["number", "null"], "minimum": -MAX_CENTS, "maximum": MAX_CENTS}


class StartDate(serializers.Field):
    """A date-time, whose time of day is that of every slot, or a date, which is midnight. Kept in UTC."""

    default_error_messages = {"invalid": "Give a date-time such as 2026-01-31T09:00:00Z, or a date such as 2026-01-31."}

    # Python reads much more than that, such as weeks of the year and other alphabets' digits.
    FORM = re.compile(r"\d{4}-\d\d-\d\d([Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not self.FORM.fullmatch(data):
            self.fail("invalid")
        try:
            moment = datetime.fromisoformat(data.upper())
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")
        return show_time(moment)

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}
