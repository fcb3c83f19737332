"""Household of the demo: what it has, and who acts for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import Account
from apikeys.authentication import AuthenticatedKey, find_key
from apikeys.models import Organization
from cards.models import Card
from rules.models import Rule
from sequence.core import clock

NAME = "Okafor household"
LEGAL_NAME = "Nia Okafor"
# The person who reviews rules and decides on transfers in the story. Keys are made by the command, not by this person:
# who decides what a key may do must not approve its transfers.
REVIEWER_NAME = "demo-reviewer"
REVIEWER = f"staff:{REVIEWER_NAME}"


@dataclass
class Household:
    """The organization, with its accounts, cards and rules by short names."""

    organization: Organization
    # The command that plays the story, as the audit trail names it.
    actor: str
    accounts: dict[str, Account] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    agent_token: str = ""
    # Ids of transfers that the story comes back to.
    remembered: dict[str, str] = field(default_factory=dict)

    def id_of(self, name: str) -> str:
        """Return the id of the account of that short name."""
        return self.accounts[name].id

    def look_at(self, name: str) -> Account:
        """Return the account as it is now."""
        return Account.objects.get(id=self.id_of(name))

    def available_cents(self, name: str) -> int:
        """Return what the account could pay now."""
        return self.look_at(name).available_cents or 0

    def agent(self) -> AuthenticatedKey:
        """Return the agent's key as a request of its would find it."""
        return find_key(self.agent_token, at=clock.now())


@dataclass(frozen=True)
class Event:
    """Something that happens to the household at an instant.

    ``rings`` says whether it leaves work for workers: a purchase with a card is complete at once and leaves none.
    """

    at: datetime
    happen: Callable[[Household], object]
    rings: bool = True
