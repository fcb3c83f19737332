"""What a rule sees of the world when it runs. Cents, UTC."""

from calendar import monthrange
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from accounts.models import ExternalAccountType


@dataclass
class AccountState:
    """An account as the engine sees it, and as its own planned movements change it.

    ``balance_cents`` of a liability is what is owed. None is not known. ``incoming_cents`` is on its way to it.
    """

    id: str
    name: str
    external_account_type: str | None = None
    balance_cents: int | None = 0
    held_cents: int = 0
    incoming_cents: int = 0
    last_statement_balance_cents: int | None = None
    next_payment_minimum_cents: int | None = None
    interest_rate_percent: Decimal | None = None
    is_external: bool = False
    is_deleted: bool = False

    @property
    def is_liability(self) -> bool:
        return self.external_account_type == ExternalAccountType.LIABILITY

    @property
    def available_cents(self) -> int | None:
        """What it could pay, or, of a liability, what is owed."""
        return None if self.balance_cents is None else self.balance_cents - self.held_cents

    def pay(self, amount_cents: int) -> None:
        if self.balance_cents is not None:
            self.balance_cents -= amount_cents

    def receive(self, amount_cents: int, *, later: bool = False) -> None:
        """Take the amount in; ``later``: when it has come from outside, and cannot be spent before."""
        if later:
            self.incoming_cents += amount_cents
        elif self.balance_cents is not None:
            self.balance_cents += -amount_cents if self.is_liability else amount_cents


@dataclass
class AchRoom:
    """What an ACH limit leaves: in which direction, how much, and the code when it is not enough."""

    direction: str
    left_cents: int
    code: str


@dataclass(frozen=True)
class LimitKey:
    """What shares one limit: the actions of a step with one group and one period."""

    step_index: int
    group_index: int
    period: str


@dataclass
class Snapshot:
    """Everything that a plan depends on, at one instant.

    ``incoming_cents`` is the amount that triggered the rule; None when no money did. ``limit_used_cents`` is what each
    limit's period has used already.
    """

    accounts: dict[str, AccountState]
    today: date
    trigger_account_id: str | None = None
    incoming_cents: int | None = None
    limit_used_cents: dict[LimitKey, int] = field(default_factory=dict)
    ach_rooms: list[AchRoom] = field(default_factory=list)

    def copy(self) -> "Snapshot":
        """Return a snapshot that a plan may change while it thinks."""
        return Snapshot(
            accounts={id: replace(account) for id, account in self.accounts.items()},
            today=self.today,
            trigger_account_id=self.trigger_account_id,
            incoming_cents=self.incoming_cents,
            limit_used_cents=dict(self.limit_used_cents),
            ach_rooms=[replace(room) for room in self.ach_rooms],
        )

    @property
    def last_day_of_month(self) -> int:
        return monthrange(self.today.year, self.today.month)[1]
