"""A batch: what becomes of some locked transfers, gathered in memory and written in one statement a table.

This is the hot path of settlement, and the one place of this app with hand-written SQL: a batch of a hundred costs what
one transfer would, and each round trip that is saved is time in which a hot account's lock is not held.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from accounts.models import Account
from apikeys.entries import MAX_CENTS
from apikeys.spending import Spend, add_spent
from sequence.core.api.ids import parse_id
from transfers.ledger import Leg, Movement, post
from transfers.models import CancelReason, Clearing, EntrySetKind, ErrorCode, Status, Transfer
from transfers.rails import rail_of


def lock_accounts_of(transfers: Iterable[Transfer]) -> dict[str, Account]:
    """Return the accounts at the ends of the transfers, deleted ones too, locked in id order."""
    ids = {id for transfer in transfers for id in (transfer.source_id, transfer.destination_id) if id}
    rows = Account.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True)
    return {account.id: account for account in rows}


class Batch:
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
        self._write_accounts({id: cents for id, cents in self._held.items() if cents < 0}, self._snapshots)
        if self._movements:
            post(self._movements, at=self.now)
        self._write_accounts({id: cents for id, cents in self._held.items() if cents > 0}, {})
        self._write_transfers()
        add_spent(self._given_back)

    def _change(self, transfer: Transfer, status: Status) -> None:
        transfer.status = status
        self._changed[transfer.id] = transfer

    def _release(self, transfer: Transfer) -> None:
        if transfer.holds_funds and transfer.source_id:
            self._held[transfer.source_id] -= transfer.amount_cents

    def _give_back(self, transfer: Transfer) -> None:
        if transfer.spend_id is not None:
            self._given_back.append(Spend(transfer.spend_id, transfer.created_at, -transfer.amount_cents))

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

    def _write_accounts(self, held: dict[str, int], snapshots: dict[str, int]) -> None:
        changed = sorted(id for id in self.accounts if held.get(id) or snapshots.get(id))
        if not changed:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE accounts_account account
                SET held_cents = account.held_cents + change.held,
                    balance_cents = account.balance_cents + change.snapshot,
                    paid_since_statement_cents = CASE WHEN account.external_account_type = 'LIABILITY'
                        THEN greatest(0, account.paid_since_statement_cents - change.snapshot) ELSE 0 END,
                    paid_since_minimum_cents = CASE WHEN account.external_account_type = 'LIABILITY'
                        THEN greatest(0, account.paid_since_minimum_cents - change.snapshot) ELSE 0 END,
                    balance_updated_at = CASE WHEN change.snapshot = 0 THEN account.balance_updated_at ELSE %s END
                FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS change (id, held, snapshot)
                WHERE account.id = change.id
                """,
                [
                    self.now,
                    [parse_id("acc", id) for id in changed],
                    [held.get(id, 0) for id in changed],
                    [snapshots.get(id, 0) for id in changed],
                ],
            )

    def _write_transfers(self) -> None:
        if not self._changed:
            return
        changed = self._changed.values()
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE transfers_transfer transfer
                SET status = change.status, error_code = change.error_code, cancel_reason = change.cancel_reason,
                    accepted_at = change.accepted_at, completed_at = change.completed_at,
                    stalled_at = NULL, updated_at = %s
                FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
                    AS change (id, status, error_code, cancel_reason, accepted_at, completed_at)
                WHERE transfer.id = change.id
                """,
                [
                    self.now,
                    [parse_id("txr", transfer.id) for transfer in changed],
                    [str(transfer.status) for transfer in changed],
                    [transfer.error_code and str(transfer.error_code) for transfer in changed],
                    [transfer.cancel_reason and str(transfer.cancel_reason) for transfer in changed],
                    [transfer.accepted_at for transfer in changed],
                    [transfer.completed_at for transfer in changed],
                ],
            )
