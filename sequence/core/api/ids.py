"""Ids: a prefix that says what it is, and a ULID that says when. Stored as a uuid, shown as ``acc_01H…``."""

import re
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import Exact
from django.utils.deconstruct import deconstructible
from ulid import ULIDGenerator

from sequence.core import clock
from sequence.core.typing import JsonObject

# Crockford's base 32, https://github.com/ulid/spec: ten bits are two of its letters, so an id is written in 13 steps.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _LETTERS for second in _LETTERS)
_SHIFTS = range(120, -1, -10)
# The same digits as ``int`` spells them. The first holds three bits: 26 letters have room for 130, an id has 128.
_TO_PYTHONS_DIGITS = str.maketrans(_LETTERS, "0123456789abcdefghijklmnopqrstuv")
_is_ulid = re.compile(f"[0-7][{_LETTERS}]{{25}}").fullmatch

# What each prefix stands for.
NOUNS = {
    "acc": "account",
    "aud": "audit_entry",
    "card": "card",
    "ctx": "card_transaction",
    "dlv": "delivery",
    "evt": "event",
    "key": "api_key",
    "org": "organization",
    "rex": "rule_execution",
    "rpl": "replay",
    "rule": "rule",
    "txr": "transfer",
    "whk": "webhook_endpoint",
}

# No ULID is made of zero bits alone, so nothing is ever found under this one.
NO_ROW = uuid.UUID(int=0)


def _milliseconds() -> int:
    """Return the time that ids are made of: the clock's, so that an id and its row's ``created_at`` agree."""
    return int(clock.now().timestamp() * 1000)


# Within one millisecond each id is the one before it plus one: what one process makes sorts as it was made.
_ulids = ULIDGenerator(clock=_milliseconds)


def new_id(prefix: str) -> str:
    """Return a fresh id such as ``acc_01K5Z…``; later ones sort after earlier ones."""
    return f"{prefix}_{_ulids.generate()}"


def new_uuid() -> uuid.UUID:
    """Return what a fresh id stands for, for whoever stores many and shows none of them."""
    return uuid.UUID(bytes=_ulids.generate().bytes)


def parse_id(prefix: str, text: str) -> uuid.UUID | None:
    """Return the uuid behind ``text``, or None when it is not a canonical id of this prefix."""
    head, _, tail = text.partition("_")
    # One id has one spelling: lower case and Crockford's look-alikes (I, L, O) are not ours.
    if head != prefix or not _is_ulid(tail):
        return None
    return uuid.UUID(int=int(tail.translate(_TO_PYTHONS_DIGITS), 32))


def noun_of(text: object) -> str | None:
    """Return what the id is one of, ``rule_execution``; None for anything that is no id."""
    prefix = text.partition("_")[0] if isinstance(text, str) else ""
    return NOUNS.get(prefix) if parse_id(prefix, str(text)) else None


def id_pattern(prefix: str) -> str:
    """Return the regular expression of an id: Crockford's base 32 has no I, L, O and U."""
    return f"^{prefix}_[0-9A-HJKMNP-TV-Z]{{26}}$"


def show_id(prefix: str, value: uuid.UUID) -> str:
    """Return the text of a stored id."""
    number = value.int
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


@deconstructible
class NewId:
    """The default of an id column, in a form that migrations can write down."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def __call__(self) -> str:
        return new_id(self.prefix)


class PrefixedIdField(models.Field):
    """A uuid column whose Python value is the text ``<prefix>_<ULID>``.

    A malformed id in a filter matches nothing; saving one raises ValueError.
    """

    def __init__(self, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        options.setdefault("editable", False)
        if options.get("primary_key"):
            options["default"] = NewId(prefix)
        super().__init__(**options)

    def deconstruct(self) -> tuple[str, str, Sequence[object], JsonObject]:
        name, path, args, options = super().deconstruct()
        if self.primary_key:
            del options["default"]
        return name, path, [self.prefix, *args], options

    def get_internal_type(self) -> str:
        return "UUIDField"

    def from_db_value(self, value: uuid.UUID | None, expression: object, connection: object) -> str | None:
        return None if value is None else show_id(self.prefix, value)

    def get_prep_value(self, value: object) -> uuid.UUID | None:
        value = super().get_prep_value(value)
        if value is None or isinstance(value, uuid.UUID):
            return value
        return parse_id(self.prefix, str(value)) or NO_ROW

    def get_db_prep_save(self, value: object, connection: BaseDatabaseWrapper) -> object:
        prepared = super().get_db_prep_save(value, connection)
        if prepared == NO_ROW:
            raise ValueError(f"{value!r} is not an id with the prefix {self.prefix}_.")
        return prepared


@PrefixedIdField.register_lookup
class Is(Exact):
    """``id__is`` in ``search_fields``: for ``id__exact`` Django compares the uuid as text, and finds nothing.

    It stands beside the field, so that it is known wherever a model with such a field is.
    """

    lookup_name = "is"

    def get_rhs_op(self, connection: BaseDatabaseWrapper, rhs: str) -> str:
        return f"= {rhs}"
