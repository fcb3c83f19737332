"""Working off suspense: one person proposes where an item goes, another one posts it there, once.

The item's row is locked first, then the account. Whoever locks accounts never waits for items.
"""

from accounts.models import Account, AccountType
from sequence.core import clock
from sequence.core.money import MAX_CENTS, dollars
from sequence.core.transactions import transactional
from transfers.errors import SuspenseItemNotFound, SuspenseNotPostable
from transfers.ledger import Leg, Movement, post
from transfers.models import Clearing, EntrySetKind, SuspenseItem


@transactional
def propose_suspense(*, item_id: int, account_id: str | None, by: str, note: str) -> SuspenseItem:
    """Propose to post an item to an account, or to write it off where that is None. It replaces an earlier proposal.

    Raises SuspenseItemNotFound, and SuspenseNotPostable where the item is posted or the account cannot take it now.
    """
    item = _lock_item(item_id)
    account = None if account_id is None else find_taker(item, account_id)
    item.account, item.proposed_by, item.proposed_at, item.proposal_note = account, by, clock.now(), note
    item.save(update_fields=["account", "proposed_by", "proposed_at", "proposal_note"])
    return item


@transactional
def withdraw_suspense(*, item_id: int) -> SuspenseItem:
    """Drop what was proposed for an item. Raises SuspenseItemNotFound, SuspenseNotPostable."""
    item = _lock_item(item_id)
    if not item.is_proposed:
        raise SuspenseNotPostable(why="Nobody has proposed where it goes.")
    item.account = item.proposed_by = item.proposed_at = item.proposal_note = None
    item.save(update_fields=["account", "proposed_by", "proposed_at", "proposal_note"])
    return item


@transactional
def confirm_suspense(*, item_id: int, by: str, note: str | None = None) -> SuspenseItem:
    """Post an item where somebody else proposed. The ledger moves it out of suspense; nothing else notices.

    Raises SuspenseItemNotFound, and SuspenseNotPostable where nobody proposed it or the same person did, it is posted,
    or the account cannot take it any more.
    """
    item = _lock_item(item_id)
    if item.proposed_by is None:
        raise SuspenseNotPostable(why="Nobody has proposed where it goes.")
    if person_of(item.proposed_by) == person_of(by):
        raise SuspenseNotPostable(why=f"{item.proposed_by} proposed it, so somebody else must post it.")
    account = None if item.account_id is None else find_taker(item, item.account_id, locked=True)
    taker = Leg(item.amount_cents, clearing=Clearing.WRITE_OFF)
    if account is not None:
        taker = Leg(item.amount_cents, account_id=account.id)
    now = clock.now()
    legs = [Leg(-item.amount_cents, clearing=Clearing.SUSPENSE), taker]
    [item.entry_set] = post([Movement(item.organization_id, EntrySetKind.RELEASE, legs)], at=now)
    item.posted_by, item.posted_at, item.posting_note = by, now, note
    item.save(update_fields=["posted_by", "posted_at", "posting_note", "entry_set"])
    return item


def find_taker(item: SuspenseItem, account_id: str, *, locked: bool = False) -> Account:
    """Return the account if it can take the item now. Raises SuspenseNotPostable in words that say why not."""
    rows = Account.objects.for_organization(item.organization_id).filter(id=account_id)
    account = (rows.select_for_update(no_key=True) if locked else rows).first()
    if account is None:
        raise SuspenseNotPostable(why="Its organization has no such account.")
    if account.deleted_at is not None:
        raise SuspenseNotPostable(why=f"{account.name} is deleted.")
    if account.type == AccountType.EXTERNAL_ACCOUNT:
        raise SuspenseNotPostable(why=f"{account.name} is an external account: the ledger holds none of its money.")
    if item.amount_cents < 0 and (account.available_cents or 0) < -item.amount_cents:
        raise SuspenseNotPostable(why=f"{account.name} holds too little to pay what is owed.")
    if (account.balance_cents or 0) + item.amount_cents > MAX_CENTS:
        raise SuspenseNotPostable(why=f"{account.name} can hold no more.")
    return account


def find_taker_called(item: SuspenseItem, text: str) -> str:
    """Return the id of the account that can be meant: by its id, or by its name among those of the ledger.

    Raises SuspenseNotPostable where none or several are.
    """
    rows = Account.objects.for_organization(item.organization_id).not_deleted()
    named = rows.exclude(type=AccountType.EXTERNAL_ACCOUNT).filter(name__iexact=text)
    found = list(rows.filter(id=text).values_list("id", flat=True) or named.values_list("id", flat=True)[:2])
    if len(found) != 1:
        why = "Several accounts have this name: give the id." if found else "Its organization has no such account."
        raise SuspenseNotPostable(why=why)
    return str(found[0])


def cause_of(item: SuspenseItem) -> str:
    """Return how an item that was read ``with_cause`` came into suspense, as a sentence."""
    entry_set = item.posting.entry_set
    transfer, amount = entry_set.transfer, dollars(abs(item.amount_cents))
    if transfer is None:
        return f"{amount} of a card refund came back to a pod that is deleted."
    came_back = entry_set.kind == EntrySetKind.REVERSAL
    end = transfer.source if came_back == (item.amount_cents > 0) else transfer.destination
    account = f"“{end.name}”" if end is not None else "its account"
    what = f"{transfer.id} came back ({transfer.get_error_code_display()})" if came_back else f"{transfer.id} settled"
    if item.amount_cents > 0:
        return f"{what}: {amount} belong on {account}, which is deleted."
    return f"{what}: {amount} are owed by {account}, which had spent them or is deleted."


def person_of(actor: str) -> str:
    """Return who an actor of the trail is: of a command whoever ran it, whichever command that was."""
    kind, _, rest = actor.partition(":")
    return f"{kind}:{rest.partition(':')[2]}" if kind == "command" else actor


def _lock_item(item_id: int) -> SuspenseItem:
    """Return the item, locked and still open. Raises SuspenseItemNotFound, SuspenseNotPostable."""
    item = SuspenseItem.objects.select_for_update(no_key=True, of=("self",)).filter(id=item_id).first()
    if item is None:
        raise SuspenseItemNotFound()
    if not item.is_open:
        raise SuspenseNotPostable(why=f"It was posted by {item.posted_by}.")
    return item
