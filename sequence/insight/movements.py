"""Movements of an account: what came and went, from or to whom, why, and what it held then. From the ledger alone.

All that is told of a movement comes with its posting in one statement, so that a page asks as much for many rows as for
one, and a file can be streamed: whatever is read sees one instant.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import BigIntegerField, DateTimeField, F, OuterRef, Q, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject

from accounts.models import Account
from apikeys.models import Organization
from cards.models import CardDirection, CardTransaction
from rules.models import RuleExecution
from sequence.core.api.ids import show_id
from sequence.core.money import BULLETS
from sequence.core.typing import Context, JsonObject, Rows
from transfers.expressions import LAST_NUMBER, BalanceAfter
from transfers.models import Clearing, EntrySetKind, ErrorCode, Origin, Posting

# What is read of each posting: the path from it, by the name that ``Movement`` reads.
_COLUMNS = {
    "id": "id",
    "at": "posted_at",
    "amount_cents": "amount_cents",
    "kind": "entry_set__kind",
    "transfer_id": "entry_set__transfer_id",
    "origin": "entry_set__transfer__origin",
    "description": "entry_set__transfer__description",
    "error_code": "entry_set__transfer__error_code",
    "decided_by": "entry_set__transfer__decided_by",
    "source_id": "entry_set__transfer__source_id",
    "source_name": "entry_set__transfer__source__name",
    "destination_id": "entry_set__transfer__destination_id",
    "destination_name": "entry_set__transfer__destination__name",
    "key_id": "entry_set__transfer__api_key_id",
    "key_name": "entry_set__transfer__api_key__name",
    "execution_id": "entry_set__transfer__rule_execution_id",
    "run": "run",
    "card": "card",
    "across": "across",
}
NAMES = tuple(_COLUMNS)
_AN_INSTANT = timedelta(microseconds=1)
AMOUNT = NAMES.index("amount_cents")
_CAUSES = {
    Origin.PAYCHECK: "Paycheck",
    Origin.CHECK_DEPOSIT: "Check deposit",
    Origin.CASHBACK: "Cashback",
    Origin.USER_PULL: "Pull from outside",
    Origin.RULE: "Rule",
    Origin.USER: "Transfer",
    Origin.EXTERNAL_PULL: "Drawn by somebody outside",
}


@dataclass(frozen=True)
class Party:
    """Who is at the other end: an account where there is an id, else somebody outside."""

    name: str
    account_id: str | None = None


@dataclass(frozen=True)
class Cause:
    """Why it moved, in words. One id at most leads to what tells more."""

    words: str
    execution_id: str | None = None
    card_transaction_id: str | None = None
    key_id: str | None = None


@dataclass(frozen=True)
class Movement:
    """What came to an account (positive cents) or went from it. ``id`` is the posting's, or else the transfer's."""

    id: int | str
    at: datetime
    amount_cents: int
    party: Party
    cause: Cause
    transfer_id: str | None
    description: str


@dataclass(frozen=True)
class Posted(Movement):
    """A posting. ``balance_cents`` is what the account held after it."""

    balance_cents: int

    @property
    def before_cents(self) -> int:
        return self.balance_cents - self.amount_cents


def movements_of(account: Account) -> Rows:
    """Return the account's postings with all that is told of them; ``NAMES`` are the columns."""
    bought = CardTransaction.objects.filter(entry_set=OuterRef("entry_set"))
    across = Posting.objects.filter(entry_set=OuterRef("entry_set")).exclude(account=account.pk).order_by("id")
    return Posting.objects.filter(account=account.pk).annotate(
        run=run_of("entry_set__transfer__rule_execution_id"),
        card=Subquery(bought.values(told=_CARD)),
        across=Subquery(across.values(told=JSONObject(id="account_id", name="account__name", clearing="clearing"))[:1]),
    )


def run_of(execution_id: str) -> Subquery:
    """Return what is told of a run, beside a row with its id."""
    runs = RuleExecution.objects.filter(id=OuterRef(execution_id))
    return Subquery(runs.values(told=JSONObject(name="rule_name", version="version__number")))


_CARD = JSONObject(
    id="id",
    merchant="merchant_name",
    direction="direction",
    holder="card__holder_name",
    last_four="card__last_four",
)


def columns(rows: Rows, **more: str) -> Rows:
    """Return the rows as tuples of ``NAMES``, and of what else is to be read."""
    return rows.values_list(*_COLUMNS.values(), *more.values())


def read(values: Iterable[object], *, account: Account, balance_cents: int) -> Posted:
    """Return the movement that stands in a row, after which the account held so much."""
    told: Context = dict(zip(NAMES, values, strict=False))
    return Posted(
        id=told["id"],
        at=told["at"],
        amount_cents=told["amount_cents"],
        balance_cents=balance_cents,
        party=party_of(told, account.pk),
        cause=_cause(told),
        transfer_id=told["transfer_id"],
        description=told["description"] or "",
    )


def party_of(told: Context, account_id: str) -> Party:
    """Return who is at the other end of what moved on the account."""
    if told["card"]:
        return Party(told["card"]["merchant"])
    if "across" in told and account_id not in (told["source_id"], told["destination_id"]):
        # What waited in suspense belongs to another account than the transfer's.
        across: JsonObject = told["across"] or {}
        return Party(across.get("name") or _clearing(across.get("clearing")), _shown("acc", across.get("id")))
    end = "destination" if told["source_id"] == account_id else "source"
    if told[f"{end}_id"] is None:
        return Party("Outside")
    return Party(told[f"{end}_name"], told[f"{end}_id"])


def _shown(prefix: str, stored: str | None) -> str | None:
    """Return the id that PostgreSQL has put into JSON as it stores it."""
    return show_id(prefix, UUID(stored)) if stored else None


def _clearing(name: str | None) -> str:
    return Clearing(name).label if name else "Outside"


def _cause(told: Context) -> Cause:
    if told["card"]:
        return _card_cause(told["card"])
    if told["kind"] == EntrySetKind.RELEASE:
        return Cause("Posted out of suspense by two persons")
    cause = cause_of_transfer(told)
    if told["kind"] != EntrySetKind.REVERSAL:
        return cause
    why = f": {ErrorCode(told['error_code']).label}" if told["error_code"] else ""
    return Cause(f"Came back{why}. {cause.words}", cause.execution_id, None, cause.key_id)


def _card_cause(card: JsonObject) -> Cause:
    what = "Purchase" if card["direction"] == CardDirection.DEBIT else "Refund"
    return Cause(
        f"{what}, card of {card['holder']} {BULLETS} {card['last_four']}", card_transaction_id=_shown("ctx", card["id"])
    )


def cause_of_transfer(told: Context) -> Cause:
    """Return what caused a transfer: a rule's run, a key and who approved it, or a person."""
    if told["run"]:
        return Cause(name_of_run(told["run"]["name"], told["run"]["version"]), execution_id=told["execution_id"])
    by = told["decided_by"]
    if told["key_id"]:
        return Cause(f"Key {told['key_name']}{f', approved by {by}' if by else ''}", key_id=told["key_id"])
    return Cause(f"{_CAUSES.get(told['origin'], 'Moved by hand')}{f', by {by}' if by else ''}")


def name_of_run(rule_name: str | None, version: int) -> str:
    """Return what set transfers off, in words: a rule as it was."""
    return f"Rule {rule_name or 'without a name'}, version {version}"


def held_before(account: Account, at: datetime) -> Combinable:
    """Return what the account held just before the instant, to be read beside its postings."""
    return _held(account, Value(at - _AN_INSTANT, DateTimeField()), LAST_NUMBER)


def held_after(account: Account, last: Posting | None) -> Combinable:
    """Return what the account held before the posting ``last`` and all later ones; what it holds now without one."""
    if last is None:
        return F("account__balance_cents")
    return _held(account, Value(last.posted_at, DateTimeField()), last.pk - 1)


def _held(account: Account, at: Value, number: int) -> Combinable:
    owner = Value(account.organization_id, Organization._meta.pk)
    return BalanceAfter(owner, Value(account.pk, Account._meta.pk), at, Value(number, BigIntegerField()))


def older_than(posting: Posting) -> Q:
    """Return the condition of the postings before one, in the order of the ledger."""
    return Q(posted_at__lte=posting.posted_at) & (Q(posted_at__lt=posting.posted_at) | Q(id__lt=posting.pk))


def newest_first(account: Account, *, before: Posting | None, first: int) -> list[Posted]:
    """Return the newest movements, or those before a posting, in one statement that sees one instant."""
    rows = movements_of(account).annotate(held=held_after(account, before))
    if before is not None:
        rows = rows.filter(older_than(before))
    found = columns(rows.order_by("-posted_at", "-id"), held="held")[:first]
    return list(_backwards(found, account))


def _backwards(rows: Iterable[tuple], account: Account) -> Iterator[Posted]:
    balance_cents: int | None = None
    for row in rows:
        balance_cents = row[-1] if balance_cents is None else balance_cents
        movement = read(row, account=account, balance_cents=balance_cents)
        balance_cents = movement.before_cents
        yield movement
