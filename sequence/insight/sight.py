"""Sight of a person: whose names, beside an account's, their pages of money may tell."""

from dataclasses import dataclass, replace
from typing import TypeVar

from django.http import HttpRequest

from apikeys.models import ApiKey
from cards.models import CardTransaction
from rules.models import RuleExecution
from sequence.core.admin.timeline import may_see
from sequence.insight.movements import Cause, Movement, Party
from transfers.models import Transfer

# A movement, or one that the ledger posted.
M = TypeVar("M", bound=Movement)
A_MERCHANT = "A merchant"


@dataclass(frozen=True)
class Sight:
    """Which kinds of things are told by name and led to. Of others it is told what they are."""

    runs: bool = True
    cards: bool = True
    keys: bool = True
    transfers: bool = True

    def veil(self, movement: M) -> M:
        """Return the movement without what this person may not know."""
        if not self.transfers:
            movement = replace(movement, transfer_id=None, description="")
        if movement.cause.card_transaction_id and not self.cards:
            movement = replace(movement, party=Party(A_MERCHANT))
        return replace(movement, cause=self.veil_cause(movement.cause))

    def veil_cause(self, cause: Cause) -> Cause:
        """Return why something moved, by kind alone where this person may know no more."""
        if cause.card_transaction_id and not self.cards:
            return Cause("A card")
        if cause.execution_id and not self.runs:
            return Cause("A rule")
        return Cause("A key") if cause.key_id and not self.keys else cause


def sight_of(request: HttpRequest) -> Sight:
    """Return what the person who asks may see."""
    return Sight(
        runs=may_see(request, RuleExecution),
        cards=may_see(request, CardTransaction),
        keys=may_see(request, ApiKey),
        transfers=may_see(request, Transfer),
    )
