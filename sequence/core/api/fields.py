"""Fields and serializers that take JSON at its word: no text that looks like a number, no unknown names."""

import re
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, Protocol, runtime_checkable

from django.http import QueryDict
from rest_framework import serializers

from sequence.core.api.ids import id_pattern
from sequence.core.api.pagination import MAX_SIZE
from sequence.core.errors import MAX_DETAILS, MORE, InvalidRequest
from sequence.core.money import MAX_CENTS
from sequence.core.texts import CONTROL_CHARACTER, INVISIBLE_CHARACTER, flaw_of, refused_in_patterns


@runtime_checkable
class DescribesItself(Protocol):
    """A field that tells its JSON Schema, beside the checks that the schema repeats."""

    def json_schema(self) -> dict[str, Any]: ...


class StrictSerializer(serializers.Serializer):
    """The base of every body and query: unknown names are refused; null for an optional field counts as absent."""

    # Of a body whose fields are all optional: how many must be given at least.
    min_fields: ClassVar[int] = 0
    # Of one that notes nothing in its instance while it reads: an instance is kept, since DRF copies every field into
    # each new one, which costs more than the reading.
    is_stateless: ClassVar[bool] = False

    @classmethod
    def read(cls, data: Any) -> Any:
        """Return what ``data`` says once validated. Raises ValidationError."""
        reader = _kept(cls) if cls.is_stateless else cls()
        return reader.run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": ["This must be an object."]}, code="invalid")
        unknown = [name for name in data if name not in self.fields or self.fields[name].read_only]
        if unknown:
            raise serializers.ValidationError(unknown_fields(unknown))
        given = {name: value for name, value in data.items() if value is not None or self.fields[name].required}
        if len(given) < self.min_fields:
            message = f"Give at least {self.min_fields} of {', '.join(self.fields)}."
            raise serializers.ValidationError({"non_field_errors": [message]}, code="required")
        return super().to_internal_value(given)


@cache
def _kept(serializer: type[StrictSerializer]) -> StrictSerializer:
    return serializer()


def unknown_fields(names: list[str]) -> dict[str, list[serializers.ErrorDetail]]:
    """Return a fault for each name, of thousands as many as an answer tells: DRF copies each of them several times."""
    told = names if len(names) <= MAX_DETAILS else names[: MAX_DETAILS - 1]
    fault = serializers.ErrorDetail("There is no such field here.", code="unknown_field")
    faults = {name: [fault] for name in told}
    if len(told) < len(names):
        faults["non_field_errors"] = [serializers.ErrorDetail(f"And {len(names) - len(told):,} more.", code=MORE)]
    return faults


class BoundedList(serializers.ListField):
    """A list whose items are looked at only if it has no more of them than it may have."""

    def run_child_validation(self, data: Any) -> list[Any]:
        if self.max_length is not None and len(data) > self.max_length:
            raise serializers.ValidationError(f"Give at most {self.max_length} of them.", "max_length")
        return super().run_child_validation(data)


class Cents(serializers.Field):
    """A whole number of cents, as a JSON integer: ``1000``, never ``"1000"``, ``1000.0`` or ``1e3``."""

    default_error_messages = {
        "invalid": "Give a whole number of cents, as a JSON integer.",
        "min_value": "This must be {min_value} or more.",
        "max_value": "This must be {max_value} or less.",
    }

    def __init__(self, *, min_value: int = 0, max_value: int = MAX_CENTS, **options: Any) -> None:
        self.min_value = min_value
        self.max_value = max_value
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        if data < self.min_value:
            self.fail("min_value", min_value=self.min_value)
        if data > self.max_value:
            self.fail("max_value", max_value=self.max_value)
        return data

    def to_representation(self, value: int) -> int:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "format": "int64", "minimum": self.min_value, "maximum": self.max_value}


class StoredCents(serializers.IntegerField):
    """Cents in an answer, 64 bits as they are stored."""

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "format": "int64"}


class Id(serializers.CharField):
    """An id in an answer, such as ``acc_01H…``."""

    def __init__(self, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        super().__init__(**options)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": id_pattern(self.prefix)}


class Text(serializers.CharField):
    """A JSON string, trimmed, without characters that nobody sees (``multiline`` allows line breaks and tabs)."""

    default_error_messages = {
        "invalid": "Give a text.",
        **{flaw.code: flaw.message for flaw in (CONTROL_CHARACTER, INVISIBLE_CHARACTER)},
    }

    def __init__(self, *, multiline: bool = False, **options: Any) -> None:
        self.multiline = multiline
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        flaw = flaw_of(text, multiline=self.multiline)
        if flaw is not None:
            self.fail(flaw.code)
        return text

    def json_schema(self) -> dict[str, Any]:
        refused = refused_in_patterns(multiline=self.multiline)
        if self.allow_blank:
            return {"type": "string", "maxLength": self.max_length, "pattern": f"^[^{refused}]*$"}
        pattern = rf"^[^{refused}]*[^\s{refused}][^{refused}]*$"
        return {"type": "string", "minLength": 1, "maxLength": self.max_length, "pattern": pattern}


class IdText(serializers.CharField):
    """An id in a request, as it was sent. A malformed one, of whatever length, is some id of nothing."""

    default_error_messages = {"invalid": "Give an id.", CONTROL_CHARACTER.code: CONTROL_CHARACTER.message}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        # Django's own check of NUL has no code for programs to read.
        if isinstance(data, str) and "\0" in data:
            self.fail(CONTROL_CHARACTER.code)
        return super().run_validation(data)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}


class Time(serializers.Field):
    """An RFC 3339 time with its offset, from JSON or a query string."""

    default_error_messages = {"invalid": "Give a time with its offset, such as 2026-01-31T12:00:00Z."}

    # RFC 3339, section 5.6; Python's own readers take more than that.
    FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not self.FORM.fullmatch(data):
            self.fail("invalid")
        try:
            return datetime.fromisoformat(data.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class PageSize(serializers.Field):
    """``first`` of a list, from a query string: 1 to 100."""

    default_error_messages = {"invalid": "Give a whole number from 1 to {max_size}."}

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", data) or not 1 <= int(data) <= MAX_SIZE:
            self.fail("invalid", max_size=MAX_SIZE)
        return int(data)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": MAX_SIZE}


class PageQuery(StrictSerializer):
    """The query of a list that has pages."""

    first = PageSize(required=False, help_text="How many items.")
    after = Text(max_length=500, required=False, help_text="The `end_cursor` of the page before.")


class NoFields(StrictSerializer):
    """A body or query without any field."""

    is_stateless = True


def read_query(query: QueryDict) -> dict[str, Any]:
    """Return the query parameters. Raises InvalidRequest for one that is given twice."""
    for name, values in query.lists():
        if len(values) > 1:
            raise InvalidRequest.of(name, "repeated", "This parameter is given more than once.")
    return {name: values[-1] for name, values in query.lists()}


def show_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC, as precise as stored: ``2024-04-23T10:00:00.123456Z``."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
