"""The interface of a rail."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

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


class Rail(ABC):
    """Carries payments between an organization and other institutions.

    Both methods may be repeated after a crash. A transfer's id is the payment's idempotency key.
    """

    @abstractmethod
    def submit(self, transfers: Sequence[Transfer], *, now: datetime) -> None:
        """Hand the payments over. One that the rail has already is left as it is.

        A payment that the rail refuses is reported as FAILED. Raising says that the rail cannot be reached: all of them
        are handed over again later.
        """

    @abstractmethod
    def collect(self, *, now: datetime, limit: int, except_for: Collection[str] = ()) -> list[Report]:
        """Return at most ``limit`` outcomes that are news, of other transfers than ``except_for``.

        Several reports on one transfer come in the order in which things happened. Called inside the transaction that
        applies them: what this marks as told is told again if that fails.
        """
