"""The interface of a rail."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Protocol

from django.db.models import QuerySet

from transfers.models import ErrorCode, Transfer


class ReportKind(Enum):
    """What became of a payment."""

    SETTLED = "settled"
    FAILED = "failed"
    RETURNED = "returned"


@dataclass(frozen=True)
class Report:
    """A rail's word about one transfer. It may come twice; the second time changes nothing."""

    transfer_id: str
    kind: ReportKind
    code: ErrorCode | None = None


class RailUnreachable(Exception):
    """The rail cannot be reached: no transfer is to blame, and all of them are handed over again later."""


class End(Protocol):
    """What a rail may know of an account before it says whether it goes there."""

    @property
    def is_external(self) -> bool: ...

    @property
    def external_account_type(self) -> str | None: ...


class Rail(ABC):
    """Declares what a rail is: its name in the database, its label for people, and how money settles on it."""

    name: ClassVar[str]
    label: ClassVar[str]
    # Whether the ledger alone moves the money, in the transaction that accepts it.
    settles_at_once: ClassVar[bool]
    # Whether the ACH network's limits of an organization count what it carries.
    has_ach_limits: ClassVar[bool]

    @abstractmethod
    def carries(self, source: End, destination: End) -> bool:
        """Return whether money goes from ``source`` to ``destination`` this way."""


class OutsideRail(Rail):
    """Carries payments between an organization and other institutions, and tells later what became of them.

    Both methods may be repeated after a crash. A transfer's id is the payment's idempotency key.
    """

    settles_at_once = False

    def rows_with_news(self, at: datetime) -> "QuerySet[Any] | None":
        """Return rows of which one is there while ``collect`` has something to tell; None where it must be asked.

        What the rows are compared with may only be a constant, or an instant that lies as far from ``at`` whatever it
        is.
        """
        return None

    @abstractmethod
    def submit(self, transfers: Sequence[Transfer], *, now: datetime) -> None:
        """Hand the payments over. One that the rail has already is left as it is.

        A payment that the rail refuses is reported as FAILED. Raises RailUnreachable when it cannot be reached. Raising
        anything else says that one of the payments broke it: they follow one at a time.
        """

    @abstractmethod
    def collect(self, *, now: datetime, limit: int, except_for: Collection[str] = ()) -> list[Report]:
        """Return at most ``limit`` outcomes that are news, of other transfers than ``except_for``.

        Several reports on one transfer come in the order in which things happened. Called inside the transaction that
        applies them: what this marks as told is told again if that fails. Raises RailUnreachable as ``submit`` does;
        whatever it raises, the other rails are asked all the same.
        """
