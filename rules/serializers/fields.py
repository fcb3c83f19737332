"""Fields of a rule's JSON. Each reads strictly, keeps a normal form that is fit for storing, and describes itself.

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
from rules.engine.vocabulary import LimitPeriod
from sequence.core.api.fields import Cents, IdText, StrictSerializer, Word, show_time
from sequence.core.money import MAX_CENTS
from sequence.core.typing import JsonObject

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
    text = f"{number:f}" if number else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


class Flag(serializers.Field):
    """A JSON ``true`` or ``false``, and nothing that looks like one."""

    default_error_messages = {"invalid": "Give true or false."}

    def to_internal_value(self, data: object) -> bool:
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


class IgnoredName(serializers.CharField):
    """The name that answers give an account: taken, so that what GET gives can be PUT back, and ignored."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_blank=True, trim_whitespace=False, **options)

    def json_schema(self) -> JsonObject:
        return {"type": "string", "readOnly": True, "description": "As GET gives it; ignored."}


class Told(serializers.Field):
    """What an answer tells of a thing and nobody writes: taken, so that what GET gives can be PUT back, and ignored."""

    def __init__(self) -> None:
        super().__init__(required=False)

    def to_internal_value(self, data: object) -> object:
        return data

    def json_schema(self) -> JsonObject:
        return {"type": "string", "readOnly": True, "description": "As GET gives it; ignored."}


class RuleAccountInput(StrictSerializer):
    """An account as a rule's author names it: the type may be left out, and if given must be the account's."""

    id = IdText()
    type = Word(AccountType, required=False)
    name = IgnoredName()


class AccountReferenceField(serializers.Field):
    """``{id, type}``, and a ``name`` that is ignored."""

    def to_internal_value(self, data: object) -> dict[str, object]:
        reader = RuleAccountInput(data=data)
        reader.is_valid(raise_exception=True)
        return {"id": reader.validated_data["id"], "type": reader.validated_data.get("type")}

    def json_schema(self) -> type[RuleAccountInput]:
        return RuleAccountInput


class LimitInput(StrictSerializer):
    """The most that an action moves in a period."""

    period = Word(LimitPeriod)
    amount_in_cents = Cents(help_text="In cents.")


class ConditionNumber(serializers.Field):
    """A JSON number, kept exactly: a whole one as an integer, however it is spelled, and a fraction as text."""

    default_error_messages = {"invalid": "Give a number.", "max_value": "This number is too large."}

    def to_internal_value(self, data: Any) -> int | str:
        if type(data) not in (int, Decimal):
            self.fail("invalid")
        if abs(data) > MAX_CENTS:
            self.fail("max_value")
        return int(data) if data == int(data) else plain(data)

    def json_schema(self) -> dict[str, object]:
        return {"type": "number", "minimum": -MAX_CENTS, "maximum": MAX_CENTS}


class StartDate(serializers.Field):
    """A date-time, whose time of day is that of every slot, or a date, which is midnight. Kept in UTC."""

    default_error_messages = {"invalid": "Give a date-time such as 2026-01-31T09:00:00Z, or a date such as 2026-01-31."}

    # Python reads much more than that, such as weeks of the year and other alphabets' digits.
    FORM = re.compile(r"\d{4}-\d\d-\d\d([Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str) or not self.FORM.fullmatch(data):
            self.fail("invalid")
        try:
            moment = datetime.fromisoformat(data.upper())
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")
        return show_time(moment)

    def json_schema(self) -> dict[str, object]:
        return {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
