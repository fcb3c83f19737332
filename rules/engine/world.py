"""World: the accounts that runs see one after the other, each as those before it left them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum

from rules.engine.definition import Definition
from rules.engine.snapshot import AccountState, AchRoom, CarrierFinder, Snapshot


class Pretence(Enum):
    """What a run is to take its incoming amount for, of the trigger's account."""

    NOTHING = "nothing"
    BASE = "base"  # what percentages are taken of; what moves is there
    BALANCE = "balance"  # all that the account holds


class World:
    """Accounts by their ids, and what carries money between them. It changes only when it is told what was moved."""

    def __init__(self, accounts: dict[str, AccountState], carrier_between: CarrierFinder) -> None:
        self.accounts = accounts
        self.carrier_between = carrier_between

    def snapshot(
        self,
        definition: Definition,
        *,
        due_at: datetime,
        incoming_cents: int | None,
        moved_cents: dict[tuple[str, int | None, str], int],
        pretends: Pretence = Pretence.NOTHING,
        ach_rooms: Sequence[AchRoom] = (),
    ) -> Snapshot:
        """Return what a run of the definition sees that is judged by the instant."""
        states = {id: self.accounts[id] for id in definition.account_ids() if id in self.accounts}
        triggering = states.get(definition.trigger.account_id or "")
        if triggering is not None and incoming_cents is not None:
            states[triggering.id] = _pretended(triggering, incoming_cents, pretends)
        return Snapshot(
            accounts=states,
            today=due_at.astimezone(UTC).date(),
            carrier_between=self.carrier_between,
            trigger_account_id=definition.trigger.account_id,
            incoming_cents=incoming_cents,
            moved_cents=moved_cents,
            ach_rooms=list(ach_rooms),
        )

    def move(self, source_id: str, destination_id: str, cents: int) -> None:
        """Move the cents at once."""
        self.accounts[source_id].settle(-cents)
        self.accounts[destination_id].settle(cents)

    def send(self, source_id: str | None, destination_id: str | None, cents: int) -> None:
        """Hand the cents to a rail, which has them until it brings them. An end out of this world is passed by."""
        if source_id in self.accounts:
            self.accounts[source_id].held_cents += cents
        if destination_id in self.accounts:
            self.accounts[destination_id].incoming_cents += cents

    def take_off(self, source_id: str | None, destination_id: str | None, cents: int) -> None:
        """Take from a rail what it was handed; nothing has moved by that."""
        self.send(source_id, destination_id, -cents)


def _pretended(state: AccountState, cents: int, pretends: Pretence) -> AccountState:
    if pretends is Pretence.BASE:
        return replace(state, pretended_cents=cents)
    if pretends is Pretence.BALANCE:
        return replace(state, balance_cents=cents, held_cents=0, outgoing_cents=0)
    return state
