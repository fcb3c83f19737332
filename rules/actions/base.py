"""What all action types share."""

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, ClassVar

from rules.engine.snapshot import Snapshot
from rules.fields import ActionParameters, LimitPeriod
from transfers.models import ErrorCode

ACTIONS: dict[str, type["Action"]] = {}
# The least that the payment networks carry.
MIN_TRANSFER_CENTS = 100


class UnknownAmount(Exception):
    """The action fails: its amount is not known, or not there. ``code`` is one of the transfers' error codes."""

    def __init__(self, code: ErrorCode, account_name: str) -> None:
        self.code = code
        super().__init__(f"{code}: {account_name}")


class Action(ABC):
    """One action of a step, read from its JSON as it was validated by ``Parameters``.

    Subclasses set ``type`` and ``sentence``, declare their own fields in ``Parameters``, and compute in
    ``wanted_cents``; one that pays several accounts overrides ``spread`` and ``account_ids`` too.
    """

    type: ClassVar[str]
    # What it moves, for documentation.
    sentence: ClassVar[str]
    # Whether the destination must be a liability, or must not be.
    destination_is_liability: ClassVar[bool | None] = None

    class Parameters(ActionParameters):
        pass

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "type" in vars(cls):
            ACTIONS[cls.type] = cls

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.source_id: str = spec["source"]["id"]
        destination = spec.get("destination")
        self.destination_id: str | None = destination["id"] if destination else None
        self.group_index: int = spec["group_index"]
        self.up_to_enabled: bool = spec["up_to_enabled"]
        self.limit: dict[str, Any] | None = spec["limit"]
        self.ach_description: str | None = spec["ach_description"]

    @property
    def key(self) -> str:
        """What the action is, however its rule is rewritten: limits remember by it what was moved."""
        return " ".join([self.type, self.source_id, *([self.destination_id] if self.destination_id else [])])

    @property
    def incoming_percentage(self) -> Decimal | None:
        """The percentage that it takes of the incoming amount, if it does."""
        return None

    @property
    def cap_per_transfer_cents(self) -> int | None:
        """The most that each single transfer may move, if it says so."""
        if self.limit is None or self.limit["period"] != LimitPeriod.PER_TRANSFER:
            return None
        return self.limit["amount_in_cents"]

    @abstractmethod
    def wanted_cents(self, world: Snapshot, incoming_share_cents: int) -> tuple[int, int]:
        """Return what the amount is computed from, and the amount, both in cents.

        ``incoming_share_cents`` is this action's share of the incoming amount. Raises UnknownAmount.
        """

    def spread(self, cents: int, world: Snapshot, cap_cents: int | None) -> list[tuple[str, int]]:
        """Return who gets how much of the ``cents``; nobody more than the cap."""
        return [(self.destination_id or "", cents if cap_cents is None else min(cents, cap_cents))]

    def too_small(self, world: Snapshot) -> list[tuple[str, int]]:
        """Return who is to be told of and left out, since what they lack is too little to move."""
        return []

    def destinations(self) -> list[tuple[str, str]]:
        """Return the accounts that it pays, each with where in the action it stands."""
        return [("destination", self.destination_id or "")]

    def account_ids(self) -> list[str]:
        """Return every account that the action needs."""
        return [self.source_id, *(account_id for _, account_id in self.destinations())]

    @abstractmethod
    def amount_in_words(self, names: dict[str, str]) -> str:
        """Return the amount for a person's review: ``20 % of what arrived``."""


def dollars(cents: int) -> str:
    """Return cents for people: ``$1,234.56``."""
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02}"


def known(value: int | None, code: ErrorCode, account_name: str) -> int:
    """Return the value. Raises UnknownAmount with the code when it is None."""
    if value is None:
        raise UnknownAmount(code, account_name)
    return value
