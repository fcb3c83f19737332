"""Snapshot: what a rule sees of the accounts when it runs. Cents, UTC."""

from calendar import monthrange
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

# The word of accounts for a debt. A test holds it equal: the engine knows no models.
LIABILITY = "LIABILITY"


@dataclass
class AccountState:
    """An account as the engine sees it, and as its own planned movements change it.

    The balance is today's; what is under way stands beside it: ``held_cents`` has left for a rail, ``outgoing_cents``
    is accepted and about to leave, ``incoming_cents`` is on its way here. Whatever decides an amount asks for one of
    the properties, which know what will be when all of it has arrived. ``balance_cents`` of a liability is what is
    owed, below zero a credit. None is not known.
    """

    id: str
    name: str
    external_account_type: str | None = None
    balance_cents: int | None = 0
    held_cents: int = 0
    outgoing_cents: int = 0
    incoming_cents: int = 0
    last_statement_balance_cents: int | None = None
    paid_since_statement_cents: int = 0
    next_payment_minimum_cents: int | None = None
    paid_since_minimum_cents: int = 0
    interest_rate_percent: Decimal | None = None
    is_external: bool = False
    is_deleted: bool = False
    # What percentages of it are taken of, where somebody says so; else of what it can pay.
    pretended_cents: int | None = None

    @property
    def is_liability(self) -> bool:
        return self.external_account_type == LIABILITY

    @property
    def available_cents(self) -> int | None:
        """What it can pay: the balance less all that is leaving. What is on its way to it is not there yet.

        Of a liability: what will be owed when all that is on its way has arrived; below zero a credit.
        """
        if self.balance_cents is None:
            return None
        if self.is_liability:
            return self.balance_cents - self.incoming_cents
        return self.balance_cents - self.held_cents - self.outgoing_cents

    @property
    def expected_cents(self) -> int | None:
        """What will be there, or be owed, when all that is under way has arrived."""
        available = self.available_cents
        return available if available is None or self.is_liability else available + self.incoming_cents

    @property
    def owed_cents(self) -> int | None:
        """What a liability will owe when all that is on its way has arrived; a credit owes nothing."""
        expected = self.expected_cents
        return None if expected is None else max(0, expected)

    @property
    def statement_left_cents(self) -> int | None:
        """What is left to pay of a liability's last statement."""
        return self._left_of(self.last_statement_balance_cents, self.paid_since_statement_cents)

    @property
    def minimum_left_cents(self) -> int | None:
        """What is left to pay of a liability's minimum payment."""
        return self._left_of(self.next_payment_minimum_cents, self.paid_since_minimum_cents)

    def _left_of(self, figure_cents: int | None, paid_since_cents: int) -> int | None:
        if figure_cents is None:
            return None
        left = max(0, figure_cents - paid_since_cents - self.incoming_cents)
        return left if self.owed_cents is None else min(left, self.owed_cents)

    def settle(self, gained_cents: int) -> None:
        """Gain the cents for good, or lose them where they are below zero. What a debt gains is paid of it."""
        if self.balance_cents is not None:
            self.balance_cents += -gained_cents if self.is_liability else gained_cents
        if self.is_liability:
            self.paid_since_statement_cents = max(0, self.paid_since_statement_cents + gained_cents)
            self.paid_since_minimum_cents = max(0, self.paid_since_minimum_cents + gained_cents)

    @property
    def percentage_base_cents(self) -> int | None:
        """What a percentage of it is taken of."""
        return self.available_cents if self.pretended_cents is None else self.pretended_cents

    def pay(self, amount_cents: int) -> None:
        self.outgoing_cents += amount_cents
        if self.pretended_cents is not None:
            self.pretended_cents -= amount_cents

    def receive(self, amount_cents: int, *, later: bool) -> None:
        """Take the amount in; ``later``: when its rail has brought it, and it cannot be spent before."""
        if later:
            self.incoming_cents += amount_cents
        elif self.balance_cents is not None:
            self.balance_cents += amount_cents
            if self.pretended_cents is not None:
                self.pretended_cents += amount_cents


class AchDirection(StrEnum):
    """Which way a payment crosses the border, in the words of transfers."""

    MONEY_IN = "money_in"
    MONEY_OUT = "money_out"


class Carrier(Protocol):
    """What a plan must know of a rail."""

    @property
    def settles_at_once(self) -> bool: ...

    @property
    def has_ach_limits(self) -> bool: ...


# Says what carries money between two accounts; None where nothing does.
CarrierFinder = Callable[[AccountState, AccountState], Carrier | None]


@dataclass
class AchRoom:
    """What an ACH limit leaves: in which direction, how much, and the code when it is not enough."""

    direction: str
    left_cents: int
    code: str


@dataclass
class Snapshot:
    """Everything that a plan depends on, at one instant: what there is, and which part of it is still under way.

    ``today`` is the day that the run is judged by. ``incoming_cents`` is the amount that triggered the rule; None when
    no money did. ``moved_cents`` is what the rule has moved by an action (its key, and its group; None where an earlier
    version of the rule moved it) in the period around ``today``; whatever it was that limited the action then.
    """

    accounts: dict[str, AccountState]
    today: date
    carrier_between: CarrierFinder
    trigger_account_id: str | None = None
    incoming_cents: int | None = None
    moved_cents: dict[tuple[str, int | None, str], int] = field(default_factory=dict)
    ach_rooms: list[AchRoom] = field(default_factory=list)

    def copy(self) -> "Snapshot":
        """Return a snapshot that a plan may change while it thinks."""
        return Snapshot(
            accounts={id: copy(account) for id, account in self.accounts.items()},
            today=self.today,
            carrier_between=self.carrier_between,
            trigger_account_id=self.trigger_account_id,
            incoming_cents=self.incoming_cents,
            moved_cents=dict(self.moved_cents),
            ach_rooms=[copy(room) for room in self.ach_rooms],
        )

    @property
    def last_day_of_month(self) -> int:
        return monthrange(self.today.year, self.today.month)[1]
