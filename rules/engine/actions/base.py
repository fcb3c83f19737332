"""Base of all action types: what they share."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import Any, ClassVar, Self

from rules.engine.failures import ActionFailed, FailureCode
from rules.engine.parameters import (
    AccountParameter,
    AccountRef,
    CountParameter,
    FlagParameter,
    Limit,
    LimitParameter,
    Parameter,
    Reference,
    Role,
    StatementTextParameter,
    Stored,
    parameter,
)
from rules.engine.snapshot import Snapshot
from rules.engine.vocabulary import LimitPeriod

MAX_GROUP = 99


@dataclass(frozen=True, kw_only=True)
class Action(ABC):
    """One action of a step. Its fields are its parameters, in the order in which they are written.

    Subclasses set ``type`` and ``sentence``, declare their own fields with ``parameter``, and compute in
    ``wanted_cents``; one that pays several accounts overrides ``spread`` too. ``check`` looks at what no field can see
    alone.
    """

    type: ClassVar[str]
    # What it moves, for documentation.
    sentence: ClassVar[str]

    source: AccountRef = parameter(AccountParameter(help_text="The account that pays.", role=Role.SOURCE))
    destination: AccountRef | None = parameter(
        AccountParameter(help_text="The account that is paid.", role=Role.DESTINATION)
    )
    group_index: int = parameter(CountParameter(help_text="Actions of one group share a limit.", at_most=MAX_GROUP))
    up_to_enabled: bool = parameter(FlagParameter(help_text="With too little in the source, move what there is."))
    limit: Limit | None = parameter(LimitParameter(help_text="The most that is moved in a period."))
    ach_description: str | None = parameter(StatementTextParameter(help_text="At most 10 letters, digits and spaces."))
    is_direct_deposit: bool = parameter(FlagParameter(help_text="Whether it is marked as payroll."))

    @classmethod
    @cache
    def parameters(cls) -> Mapping[str, Parameter[Any]]:
        """Return the declarations of its fields by their names."""
        return {field.name: field.metadata["parameter"] for field in dataclasses.fields(cls)}

    @classmethod
    def read(cls, stored: Stored) -> Self:
        """Return the action that was stored. It was validated before it was."""
        return cls(**{name: declared.read(stored.get(name)) for name, declared in cls.parameters().items()})

    def as_dict(self) -> dict[str, object]:
        """Return it as it is stored."""
        own = {name: declared.write(getattr(self, name)) for name, declared in self.parameters().items()}
        return {"type": self.type, **own}

    def with_types(self, types: Mapping[str, str]) -> Self:
        """Return it with the types of its accounts, by their ids."""
        typed = {name: each.with_types(getattr(self, name), types) for name, each in self.parameters().items()}
        return dataclasses.replace(self, **typed)

    def check(self) -> None:
        """Raise Unfit where its fields do not go together."""
        return

    def references(self) -> Iterator[Reference]:
        """Yield every account that it needs, with what each must be."""
        for name, declared in self.parameters().items():
            yield from declared.references(name, getattr(self, name))

    def destinations(self) -> list[Reference]:
        """Return the accounts that it pays."""
        return [reference for reference in self.references() if reference.role is Role.DESTINATION]

    @cached_property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts that it needs; asked at every run, of an action that does not change."""
        return tuple(reference.account.id for reference in self.references())

    @property
    def destination_id(self) -> str | None:
        return self.destination.id if self.destination else None

    @property
    def key(self) -> str:
        """What the action is, however its rule is rewritten: limits remember by it what was moved."""
        return " ".join([self.type, self.source.id, *([self.destination.id] if self.destination else [])])

    @property
    def incoming_percentage(self) -> Decimal | None:
        """The percentage that it takes of the incoming amount, if it does."""
        return None

    @property
    def cap_per_transfer_cents(self) -> int | None:
        """The most that each single transfer may move, if it says so."""
        is_of_each = self.limit is not None and self.limit.period is LimitPeriod.PER_TRANSFER
        return self.limit.amount_cents if self.limit and is_of_each else None

    @abstractmethod
    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        """Return what the amount is computed from, and the amount, both in cents.

        ``incoming_share_cents`` is this action's share of the incoming amount. Raises ActionFailed.
        """

    def spread(self, cents: int, world: Snapshot, cap_cents: int | None) -> list[tuple[str, int]]:
        """Return who gets how much of the ``cents``; nobody more than the cap."""
        return [(self.destination_id or "", cents if cap_cents is None else min(cents, cap_cents))]

    def too_small(self, world: Snapshot) -> list[tuple[str, int]]:
        """Return who is to be told of and left out, since what they lack is too little to move."""
        return []

    @abstractmethod
    def amount_in_words(self, names: Mapping[str, str]) -> str:
        """Return the amount for a person's review: ``20 % of what arrived``."""


def known(value: int | None, code: FailureCode, account_name: str) -> int:
    """Return the value. Raises ActionFailed with the code when it is None."""
    if value is None:
        raise ActionFailed(code, account_name)
    return value
