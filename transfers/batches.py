"""A batch: what becomes of some locked transfers, gathered in memory and written in one statement a table."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from accounts.models import Account
from apikeys.caps import Spend, add_spent
from sequence.core.database.owned import within
from sequence.core.money import MAX_CENTS
from transfers.ledger import Leg, Movement, post
from transfers.models import CancelReason, Clearing, EntrySetKind, ErrorCode, Status, Transfer
from transfers.rails import rail_of
from transfers.sql.sweeps import add_to_accounts, write_outcomes


def lock_accounts_of(transfers: Collection[Transfer]) -> dict[str, Account]:
    """Return the accounts at the ends of the transfers, deleted ones too, locked in id order."""
    ids = {id for transfer in transfers for id in (transfer.source_id, transfer.destination_id) if id}
    known = within(Account.objects.filter(id__in=ids), {transfer.organization_id for transfer in transfers})
    rows = known.order_by("id").select_for_update(no_key=True)
    return {account.id: account for account in rows}


class SettlementBatch:
    """Outcomes of transfers that the caller has locked, with ``accounts`` locked too. ``write`` puts them down.

    Balances that later decisions of the same batch need are kept in ``available_cents``.
    """

    def __init__(self, accounts: dict[str, Account], *, now: datetime) -> None:
        self.accounts = accounts
        self.now = now
        self._changed: dict[str, Transfer] = {}
        self._movements: list[Movement] = []
        self._held: defaultdict[str, int] = defaultdict(int)
        self._gained: defaultdict[str, int] = defaultdict(int)
        self._snapshots: defaultdict[str, int] = defaultdict(int)
        self._given_back: list[Spend] = []

    def available_cents(self, account_id: str) -> int | None:
        """Return what the account could pay now; None where no balance is known."""
        before = self.accounts[account_id].available_cents
        if before is None:
            return None
        return before + self._gained[account_id] + self._snapshots[account_id] - self._held[account_id]

    def set_off(self, transfer: Transfer) -> None:
        """Let an accepted transfer go the way of its rail. One whose rail nobody knows fails: it must not be taken for
        money that has moved."""
        rail = rail_of(transfer)
        if rail is None or not self.stays_countable(transfer):
            self.fail(transfer, Status.ERROR, ErrorCode.PAYMENT_NOT_SUPPORTED)
        elif rail.settles_at_once:
            self.complete(transfer)
        else:
            self.hand_to_rail(transfer)

    def stays_countable(self, transfer: Transfer) -> bool:
        """Whether the balances at both ends stay numbers that every JSON parser keeps exact."""
        ends = [(transfer.source_id, -transfer.amount_cents), (transfer.destination_id, transfer.amount_cents)]
        return all(abs(self._would_be_cents(id, cents)) <= MAX_CENTS for id, cents in ends if id)

    def _would_be_cents(self, account_id: str, change_cents: int) -> int:
        account = self.accounts[account_id]
        known = (account.balance_cents or 0) + self._gained[account_id] + self._snapshots[account_id]
        leaving = account.held_cents + self._held[account_id]
        return known - change_cents if account.is_liability else known - leaving + change_cents

    def hand_to_rail(self, transfer: Transfer) -> None:
        """Set the amount aside; the rail gets the transfer next."""
        if transfer.source_id:
            self._held[transfer.source_id] += transfer.amount_cents
        transfer.accepted_at = self.now
        self._change(transfer, Status.PENDING)

    def complete(self, transfer: Transfer) -> None:
        """Move the money."""
        self._release(transfer)
        self._move(transfer, EntrySetKind.SETTLEMENT, transfer.amount_cents)
        transfer.accepted_at = transfer.accepted_at or self.now
        transfer.completed_at = self.now
        self._change(transfer, Status.COMPLETE)

    def fail(self, transfer: Transfer, status: Status, code: ErrorCode) -> None:
        """Move nothing, release what was held, and give the amount back to the caps."""
        self._release(transfer)
        transfer.error_code = code
        self._give_back(transfer)
        self._change(transfer, status)

    def cancel(self, transfer: Transfer, reason: CancelReason) -> None:
        """Move nothing of one that no rail has, and give the amount back to the caps."""
        transfer.cancel_reason = reason
        self._give_back(transfer)
        self._change(transfer, Status.CANCELLED)

    def reverse(self, transfer: Transfer, code: ErrorCode) -> None:
        """Move a completed payment back."""
        self._move(transfer, EntrySetKind.REVERSAL, -transfer.amount_cents)
        transfer.error_code = code
        self._give_back(transfer)
        self._change(transfer, Status.ERROR)

    def write_new(self) -> None:
        """Put everything down where all of the transfers are new: each is inserted as it ends here."""
        Transfer.objects.bulk_create(self._changed.values())
        self._changed = {}
        self.write()

    def write(self) -> None:
        """Put everything down. Counters are locked last.

        A balance may not fall below what is held, at no moment: what is released goes before the postings, what is set
        aside goes after them, since it may be money that they bring.
        """
        released = {id: cents for id, cents in self._held.items() if cents < 0}
        set_aside = {id: cents for id, cents in self._held.items() if cents > 0}
        add_to_accounts(released, self._snapshots, self.accounts, self.now)
        if self._movements:
            post(self._movements, at=self.now)
        add_to_accounts(set_aside, {}, self.accounts, self.now)
        write_outcomes([*self._changed.values()], self.now)
        add_spent(self._given_back)

    def _change(self, transfer: Transfer, status: Status) -> None:
        transfer.status = status
        self._changed[transfer.id] = transfer

    def _release(self, transfer: Transfer) -> None:
        if transfer.holds_funds and transfer.source_id:
            self._held[transfer.source_id] -= transfer.amount_cents

    def _give_back(self, transfer: Transfer) -> None:
        if transfer.spend_id is not None:
            self._given_back.append(
                Spend(transfer.organization_id, transfer.spend_id, transfer.counted_at, -transfer.amount_cents)
            )

    def _move(self, transfer: Transfer, kind: EntrySetKind, amount_cents: int) -> None:
        legs = [
            *self._legs(transfer, transfer.source_id, -amount_cents),
            *self._legs(transfer, transfer.destination_id, amount_cents),
        ]
        self._movements.append(Movement(transfer.organization_id, kind, legs, transfer.id))

    def _legs(self, transfer: Transfer, account_id: str | None, amount_cents: int) -> list[Leg]:
        account = self.accounts[account_id] if account_id else None
        if account is None:
            outgoing = transfer.destination_id is None
            return [Leg(amount_cents, clearing=Clearing.EXTERNAL_PULLS if outgoing else Clearing.DEPOSITS)]
        if account.is_external:
            self._snapshots[account.id] += -amount_cents if account.is_liability else amount_cents
            return [Leg(amount_cents, clearing=Clearing.ACH)]
        return self._ledger_legs(account, amount_cents)

    def _ledger_legs(self, account: Account, amount_cents: int) -> list[Leg]:
        """The account takes what it can; the rest of a payment that came back waits in suspense, for a person."""
        if account.deleted_at is not None:
            return [Leg(amount_cents, clearing=Clearing.SUSPENSE)]
        can_pay = self.available_cents(account.id) or 0
        taken = max(amount_cents, -can_pay)
        self._gained[account.id] += taken
        legs = [Leg(taken, account_id=account.id)] if taken else []
        return legs if taken == amount_cents else [*legs, Leg(amount_cents - taken, clearing=Clearing.SUSPENSE)]
