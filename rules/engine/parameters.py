"""Parameters of actions, declared once: what each is for readers, in storage, and among the accounts of a rule.

A serializer's field is made of each in ``rules.serializers.parameters``; nothing here knows the framework or the ORM.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, TypeVar

from rules.engine.vocabulary import LimitPeriod, Term

V = TypeVar("V")

# A part of a rule as it is stored: JSON that was validated before it was.
Stored = Mapping[str, Any]


@dataclass(frozen=True)
class AccountRef:
    """An account that a rule names, and its type as the server has filled it in."""

    id: str
    type: str | None = None


@dataclass(frozen=True)
class Limit:
    """The most that an action moves in a period."""

    period: LimitPeriod
    amount_cents: int


class Role(Enum):
    """What an account is to the part of the rule that names it."""

    TRIGGER = "sets the rule off"
    COMPARED = "is compared in a condition"
    SOURCE = "pays"
    DESTINATION = "is paid"
    FIGURE = "has the figure that an amount is made of"


@dataclass(frozen=True)
class Reference:
    """An account in a part of a rule: where in it, which one, and what it must be there."""

    place: str
    account: AccountRef
    role: Role
    # Whether the account must be a liability, or must not be; None for both will do.
    must_owe: bool | None = None

    @property
    def has_type(self) -> bool:
        """Whether it is written as ``{id, type}``."""
        return self.role not in (Role.TRIGGER, Role.COMPARED)

    @property
    def id_place(self) -> str:
        return f"{self.place}.id" if self.has_type else self.place


@dataclass(frozen=True, kw_only=True)
class Parameter(Generic[V]):
    """One field of an action. Optional ones that are left out are kept as null."""

    help_text: str
    required: bool = True

    def read(self, stored: Any) -> V:
        """Return the value of what is stored, which was validated before it was."""
        return stored

    def write(self, value: V) -> object:
        """Return the value as it is stored."""
        return value

    def references(self, name: str, value: V) -> Iterator[Reference]:
        """Yield the accounts that the value names."""
        return iter(())

    def with_types(self, value: V, types: Mapping[str, str]) -> V:
        """Return the value with the types of its accounts, by id."""
        return value


@dataclass(frozen=True, kw_only=True)
class CentsParameter(Parameter[int | None]):
    """A whole number of cents."""

    at_least: int = 0


@dataclass(frozen=True, kw_only=True)
class CountParameter(Parameter[int]):
    """A small whole number."""

    at_most: int
    default: int = 0
    required: bool = False

    def read(self, stored: int | None) -> int:
        return self.default if stored is None else stored


@dataclass(frozen=True, kw_only=True)
class FlagParameter(Parameter[bool]):
    """Yes or no; no where it is left out."""

    required: bool = False

    def read(self, stored: object) -> bool:
        return bool(stored)


@dataclass(frozen=True, kw_only=True)
class StatementTextParameter(Parameter[str | None]):
    """What an account's statement says about a payment."""

    required: bool = False


@dataclass(frozen=True, kw_only=True)
class PercentParameter(Parameter[Decimal | None]):
    """A percentage from 0 to 100, stored as exact text."""

    def read(self, stored: str | None) -> Decimal | None:
        return None if stored is None else Decimal(stored)

    def write(self, value: Decimal | None) -> str | None:
        return None if value is None else f"{value:f}"


@dataclass(frozen=True, kw_only=True)
class ChoiceParameter(Parameter[Term | None]):
    """One word of a set."""

    of: type[Term]

    def read(self, stored: str | None) -> Term | None:
        return None if stored is None else self.of(stored)

    def write(self, value: Term | None) -> str | None:
        return None if value is None else value.value


@dataclass(frozen=True, kw_only=True)
class LimitParameter(Parameter[Limit | None]):
    """A limit in a period."""

    required: bool = False

    def read(self, stored: Stored | None) -> Limit | None:
        return None if stored is None else Limit(LimitPeriod(stored["period"]), stored["amount_in_cents"])

    def write(self, value: Limit | None) -> dict[str, str | int] | None:
        return None if value is None else {"period": value.period.value, "amount_in_cents": value.amount_cents}


@dataclass(frozen=True, kw_only=True)
class AccountParameter(Parameter[AccountRef | None]):
    """An account, and what it must be."""

    role: Role
    must_owe: bool | None = None

    def read(self, stored: Stored | None) -> AccountRef | None:
        return None if stored is None else AccountRef(stored["id"], stored.get("type"))

    def write(self, value: AccountRef | None) -> dict[str, str | None] | None:
        return None if value is None else {"id": value.id, "type": value.type}

    def references(self, name: str, value: AccountRef | None) -> Iterator[Reference]:
        if value is not None:
            yield Reference(name, value, self.role, self.must_owe)

    def with_types(self, value: AccountRef | None, types: Mapping[str, str]) -> AccountRef | None:
        return None if value is None else replace(value, type=types.get(value.id, value.type))


@dataclass(frozen=True, kw_only=True)
class AccountsParameter(Parameter[tuple[AccountRef, ...]]):
    """A list of accounts, all of which must be the same."""

    role: Role
    at_most: int
    must_owe: bool | None = None

    def read(self, stored: Sequence[Stored]) -> tuple[AccountRef, ...]:
        return tuple(AccountRef(each["id"], each.get("type")) for each in stored)

    def write(self, value: tuple[AccountRef, ...]) -> list[dict[str, str | None]]:
        return [{"id": account.id, "type": account.type} for account in value]

    def references(self, name: str, value: tuple[AccountRef, ...]) -> Iterator[Reference]:
        for index, account in enumerate(value):
            yield Reference(f"{name}[{index}]", account, self.role, self.must_owe)

    def with_types(self, value: tuple[AccountRef, ...], types: Mapping[str, str]) -> tuple[AccountRef, ...]:
        return tuple(replace(account, type=types.get(account.id, account.type)) for account in value)


def parameter(declared: Parameter[Any]) -> Any:
    """Return a dataclass field that carries its declaration."""
    return field(metadata={"parameter": declared})


class Unfit(Exception):
    """A value that does not fit the others of its action: the field that is blamed, and the fault with its code."""

    def __init__(self, name: str, fault: str, code: str) -> None:
        self.name, self.fault, self.code = name, fault, code
        super().__init__(f"{name}: {fault}")


def require_one_of(part: object, names: tuple[str, ...]) -> None:
    """Raise Unfit unless exactly one of the part's fields is given."""
    given = [name for name in names if getattr(part, name) is not None]
    if len(given) != 1:
        raise Unfit(given[1] if given else names[0], f"Give exactly one of {', '.join(names)}.", "exactly_one")
