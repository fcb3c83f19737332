"""Parameters of actions on the wire: the field that reads each kind, and how an answer shows its value."""

from collections.abc import Mapping
from decimal import Decimal
from functools import singledispatch
from typing import Any

from rest_framework import serializers

from rules.engine.parameters import (
    AccountParameter,
    AccountsParameter,
    CentsParameter,
    ChoiceParameter,
    CountParameter,
    FlagParameter,
    LimitParameter,
    Parameter,
    PercentParameter,
    StatementTextParameter,
)
from rules.serializers.fields import AccountReferenceField, Flag, LimitInput, Percent
from sequence.core.api.fields import BoundedList, Cents, Word
from transfers.fields import StatementText

Names = Mapping[str, str]


@singledispatch
def field_of(declared: Parameter[Any]) -> serializers.Field:
    """Return the field that reads the parameter."""
    raise TypeError(f"No field reads {declared!r}.")


@field_of.register
def _(declared: CentsParameter) -> serializers.Field:
    return Cents(min_value=declared.at_least, required=declared.required, help_text=declared.help_text)


@field_of.register
def _(declared: CountParameter) -> serializers.Field:
    return Cents(max_value=declared.at_most, default=declared.default, required=False, help_text=declared.help_text)


@field_of.register
def _(declared: FlagParameter) -> serializers.Field:
    return Flag(default=False, required=False, help_text=declared.help_text)


@field_of.register
def _(declared: StatementTextParameter) -> serializers.Field:
    return StatementText(required=False, help_text=declared.help_text)


@field_of.register
def _(declared: PercentParameter) -> serializers.Field:
    return Percent(required=declared.required, help_text=declared.help_text)


@field_of.register
def _(declared: ChoiceParameter) -> serializers.Field:
    return Word(declared.of, required=declared.required, help_text=declared.help_text)


@field_of.register
def _(declared: LimitParameter) -> serializers.Field:
    return LimitInput(required=False, help_text=declared.help_text)


@field_of.register
def _(declared: AccountParameter) -> serializers.Field:
    return AccountReferenceField(required=declared.required, help_text=declared.help_text)


@field_of.register
def _(declared: AccountsParameter) -> serializers.Field:
    return BoundedList(
        child=AccountReferenceField(), min_length=1, max_length=declared.at_most, help_text=declared.help_text
    )


@singledispatch
def show(declared: Parameter[Any], value: object, names: Names) -> object:
    """Return the parameter's value as an answer has it; ``names`` are those of the accounts."""
    return declared.write(value)


@show.register
def _(declared: PercentParameter, value: Decimal | None, names: Names) -> object:
    return show_number(value)


@show.register
def _(declared: AccountParameter, value: Any, names: Names) -> object:
    stored = declared.write(value)
    return None if stored is None else {**stored, "name": names.get(value.id)}


@show.register
def _(declared: AccountsParameter, value: Any, names: Names) -> object:
    return [{**stored, "name": names.get(stored["id"] or "")} for stored in declared.write(value)]


def show_number(value: int | Decimal | None) -> int | float | None:
    """Return a number of a rule as JSON has it. A float only here, at the very edge, where JSON has nothing better."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)
