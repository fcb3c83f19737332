"""Fields and serializers that take JSON at its word: no text that looks like a number, no unknown names."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, ClassVar, Protocol, TypedDict, Unpack, runtime_checkable

from django.http import QueryDict
from rest_framework import serializers

from sequence.core.api.ids import id_pattern
from sequence.core.api.near_names import nearest_name
from sequence.core.api.pagination import MAX_SIZE
from sequence.core.api.schemas import Named
from sequence.core.money import MAX_CENTS
from sequence.core.texts import CONTROL_CHARACTER, INVISIBLE_CHARACTER, flaw_of, refused_in_patterns
from sequence.core.typing import JsonObject

# Faults as DRF nests them: by field, those of the whole object under "non_field_errors".
Faults = Mapping[str, Any]


@runtime_checkable
class DescribesItself(Protocol):
    """A field that tells its JSON Schema, beside the checks that the schema repeats; see ``api.schemas``."""

    def json_schema(self) -> object: ...


class FieldOptions(TypedDict, total=False):
    """What any field can be told besides."""

    required: bool
    allow_null: bool
    source: str
    help_text: str


class NumberOptions(FieldOptions, total=False):
    """What a field of a number can be told besides."""

    default: int


class TextOptions(FieldOptions, total=False):
    """What a field of text can be told besides."""

    max_length: int
    allow_blank: bool


class StrictSerializer(serializers.Serializer):
    """The base of every body and query: unknown names are refused; null for an optional field counts as absent."""

    # Of a body whose fields are all optional: how many must be given at least.
    min_fields: ClassVar[int] = 0
    # Of a dialect that ignores unknown names instead of refusing them.
    is_open: ClassVar[bool] = False
    # Of one that notes nothing in its instance while it reads: an instance is kept, since DRF copies every field into
    # each new one, which costs more than the reading.
    is_stateless: ClassVar[bool] = False

    def get_fields(self) -> dict[str, serializers.Field]:
        """Let every enumeration that is refused list its values, whoever declares it."""
        fields = super().get_fields()
        for field in fields.values():
            for part in (field, getattr(field, "child", None)):
                if isinstance(part, serializers.ChoiceField):
                    part.error_messages["invalid_choice"] = choose_from(part.choices)
        return fields

    @classmethod
    def read(cls, data: object) -> JsonObject:
        """Return what ``data`` says once validated. Raises ValidationError."""
        return cls.reader().run_validation(data)

    @classmethod
    def reader(cls) -> "StrictSerializer":
        """Return one that reads."""
        return _kept(cls) if cls.is_stateless else cls()

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the validated data. Raises ValidationError, for unknown names together with all else that is wrong."""
        if not isinstance(data, dict):
            return super().run_validation(data)
        known = {name for name, field in self.fields.items() if not field.read_only}
        unknown = [name for name in data if name not in known]
        if not unknown:
            return super().run_validation(data)
        rest = {name: value for name, value in data.items() if name in known}
        if self.is_open:
            return super().run_validation(rest)
        # Named, since a comprehension or a lambda has no ``super()`` of its own.
        read = super().run_validation
        raise beside(unknown_fields(unknown, known), lambda: read(rest))

    def to_internal_value(self, data: object) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": ["This must be an object."]}, code="invalid")
        given = {name: value for name, value in data.items() if value is not None or self.fields[name].required}
        if len(given) < self.min_fields:
            message = f"Give at least {self.min_fields} of {', '.join(self.fields)}."
            raise serializers.ValidationError({"non_field_errors": [message]}, code="required")
        return super().to_internal_value(given)


@cache
def _kept(serializer: type[StrictSerializer]) -> StrictSerializer:
    return serializer()


class UnknownNames(str):
    """The code of one fault that stands for all names that an object may not have.

    Of thousands of names DRF would copy each several times; in words they are put one by one, and only those that an
    answer tells.
    """

    names: Sequence[str]
    known: Collection[str]

    def __new__(cls, names: Sequence[str], known: Collection[str]) -> "UnknownNames":
        """Return the code for ``names``, where those that the object may have are ``known``."""
        code = super().__new__(cls, "unknown_field")
        code.names, code.known = names, known
        return code

    def in_words(self, name: str) -> str:
        """Return what is told of one of the names."""
        meant = nearest_name(name, self.known)
        return f"{_UNKNOWN} Did you mean {meant}?" if meant else _UNKNOWN


_UNKNOWN = "There is no such field here."


def unknown_fields(names: Sequence[str], known: Collection[str]) -> Faults:
    """Return the fault of an object that has these names beside those that it may have."""
    return {"non_field_errors": [serializers.ErrorDetail(_UNKNOWN, code=UnknownNames(names, known))]}


def beside(faults: Faults, read: Callable[[], object]) -> serializers.ValidationError:
    """Return the refusal of the faults and of whatever else ``read`` refuses; of one field ``faults`` is told."""
    try:
        read()
    except serializers.ValidationError as error:
        others: Faults = error.detail  # type: ignore[assignment]
        of_the_whole = [*others.get("non_field_errors", ()), *faults.get("non_field_errors", ())]
        faults = {**others, **faults, **({"non_field_errors": of_the_whole} if of_the_whole else {})}
    return serializers.ValidationError(faults)


def choose_from(values: Iterable[object]) -> str:
    """Return what is told of a value that is none of these."""
    return f"Give one of {', '.join(map(str, values))}."


class BoundedList(serializers.ListField):
    """A list whose items are looked at only if it has no more of them than it may have."""

    def run_child_validation(self, data: list[Any]) -> list[Any]:
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

    def __init__(self, *, min_value: int = 0, max_value: int = MAX_CENTS, **options: Unpack[NumberOptions]) -> None:
        self.min_value = min_value
        self.max_value = max_value
        super().__init__(**options)

    def to_internal_value(self, data: object) -> int:
        if type(data) is not int:
            self.fail("invalid")
        if data < self.min_value:
            self.fail("min_value", min_value=self.min_value)
        if data > self.max_value:
            self.fail("max_value", max_value=self.max_value)
        return data

    def to_representation(self, value: int) -> int:
        return value

    def json_schema(self) -> JsonObject:
        return {"type": "integer", "format": "int64", "minimum": self.min_value, "maximum": self.max_value}


class StoredCents(serializers.IntegerField):
    """Cents in an answer, 64 bits as they are stored."""

    def json_schema(self) -> JsonObject:
        return {"type": "integer", "format": "int64"}


class Id(serializers.CharField):
    """An id in an answer, such as ``acc_01H…``."""

    def __init__(self, prefix: str, **options: Unpack[FieldOptions]) -> None:
        self.prefix = prefix
        super().__init__(**options)

    def json_schema(self) -> JsonObject:
        return {"type": "string", "pattern": id_pattern(self.prefix)}


class Word(serializers.ChoiceField):
    """One word of a set, which the document names after its class, or ``name`` where that says too little."""

    def __init__(self, words: type[Enum], *, name: str = "", **options: Any) -> None:
        self.name = name or words.__name__
        super().__init__(choices=[word.value for word in words], **options)

    def json_schema(self) -> Named:
        return Named(self.name, {"type": "string", "enum": list(self.choices)})


class Constant(serializers.Field):
    """The one text that this field ever holds: by it a reader tells of which kind the whole is."""

    default_error_messages = {"invalid_choice": "Give {value}."}

    def __init__(self, value: str, **options: Any) -> None:
        self.value = value
        super().__init__(**options)

    def to_internal_value(self, data: object) -> str:
        if data != self.value:
            self.fail("invalid_choice", value=self.value)
        return self.value

    def json_schema(self) -> JsonObject:
        return {"type": "string", "const": self.value}


class Shown(serializers.Field):
    """A part of an answer that no serializer describes, such as a union of several."""

    def __init__(self, schema: Any, **options: Any) -> None:
        self.schema = schema
        super().__init__(**options)

    def json_schema(self) -> object:
        return self.schema


class Text(serializers.CharField):
    """A JSON string, trimmed, without characters that nobody sees (``multiline`` allows line breaks and tabs)."""

    default_error_messages = {
        "invalid": "Give a text.",
        **{flaw.code: flaw.message for flaw in (CONTROL_CHARACTER, INVISIBLE_CHARACTER)},
    }

    def __init__(self, *, multiline: bool = False, **options: Unpack[TextOptions]) -> None:
        self.multiline = multiline
        super().__init__(**options)

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        flaw = flaw_of(text, multiline=self.multiline)
        if flaw is not None:
            self.fail(flaw.code)
        return text

    def json_schema(self) -> JsonObject:
        refused = refused_in_patterns(multiline=self.multiline)
        if self.allow_blank:
            return {"type": "string", "maxLength": self.max_length, "pattern": f"^[^{refused}]*$"}
        pattern = rf"^[^{refused}]*[^\s{refused}][^{refused}]*$"
        return {"type": "string", "minLength": 1, "maxLength": self.max_length, "pattern": pattern}


class IdText(serializers.CharField):
    """An id in a request, as it was sent. A malformed one, of whatever length, is some id of nothing."""

    default_error_messages = {"invalid": "Give an id.", CONTROL_CHARACTER.code: CONTROL_CHARACTER.message}

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)

    def run_validation(self, data: object = serializers.empty) -> str | None:
        # Django's own check of NUL has no code for programs to read.
        if isinstance(data, str) and "\0" in data:
            self.fail(CONTROL_CHARACTER.code)
        return super().run_validation(data)

    def json_schema(self) -> JsonObject:
        return {"type": "string", "minLength": 1, "pattern": r"^[^\u0000]+$"}


class Time(serializers.Field):
    """An RFC 3339 time with its offset, from JSON or a query string."""

    default_error_messages = {"invalid": "Give a time with its offset, such as 2026-01-31T12:00:00Z."}

    # RFC 3339, section 5.6; Python's own readers take more than that.
    FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

    def to_internal_value(self, data: object) -> datetime:
        if not isinstance(data, str) or not self.FORM.fullmatch(data):
            self.fail("invalid")
        try:
            return datetime.fromisoformat(data.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")

    def json_schema(self) -> JsonObject:
        return {"type": "string", "format": "date-time"}


class PageSize(serializers.Field):
    """``first`` of a list, from a query string: 1 to 100."""

    default_error_messages = {"invalid": "Give a whole number from 1 to {max_size}."}

    def to_internal_value(self, data: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", data) or not 1 <= int(data) <= MAX_SIZE:
            self.fail("invalid", max_size=MAX_SIZE)
        return int(data)

    def json_schema(self) -> JsonObject:
        return {"type": "integer", "minimum": 1, "maximum": MAX_SIZE}


class PageQuery(StrictSerializer):
    """The query of a list that has pages."""

    first = PageSize(required=False, help_text="How many items.")
    after = Text(max_length=500, required=False, help_text="The `end_cursor` of the page before.")


class NoFields(StrictSerializer):
    """A body or query without any field."""

    is_stateless = True


def read_query(reader: type[StrictSerializer], query: QueryDict) -> Any:
    """Return what the query parameters say. Raises ValidationError, for one that is given twice too."""
    once = {name: values[-1] for name, values in query.lists() if len(values) == 1}
    twice = [name for name, values in query.lists() if len(values) > 1]
    if not twice:
        return reader.read(once)
    fault = serializers.ErrorDetail("This parameter is given more than once.", code="repeated")
    raise beside({name: [fault] for name in twice}, lambda: reader.read(once))


def show_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC, as precise as stored: ``2024-04-23T10:00:00.123456Z``."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
