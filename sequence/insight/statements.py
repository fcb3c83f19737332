"""Statement of an account for a period: what it held before, each movement, what it held at the end, to the cent."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import BigIntegerField, Count, Q, Sum, Window

from accounts.models import Account, AccountType
from sequence.core.admin.exports import in_chunks
from sequence.core.admin.periods import Period
from sequence.core.errors import InvalidRequest
from sequence.core.typing import Rows
from sequence.insight.movements import AMOUNT, Posted, columns, held_before, movements_of, read
from transfers.errors import AccountTypeNotAllowed

# A year, a leap year too: what is longer is two statements.
MAX_DAYS = 366
# What is read of an account; bank numbers, which a statement never shows in full, are not decrypted for it.
SHOWN = (
    *("name", "type", "external_account_type", "balance_cents", "created_at", "deleted_at", "organization_id"),
    *("organization__name", "organization__legal_name", "bank_account_number_last_four", "routing_number_last_four"),
)


@dataclass(frozen=True)
class Statement:
    """An account's period. ``number`` and all sums are of every movement, however many of them are listed."""

    account: Account
    period: Period
    opening_cents: int
    came_in_cents: int
    went_out_cents: int
    number: int
    movements: list[Posted]

    @property
    def closing_cents(self) -> int:
        return self.opening_cents + self.came_in_cents - self.went_out_cents

    @property
    def left_out(self) -> int:
        """How many movements are not listed, all of them at the end."""
        return self.number - len(self.movements)


@dataclass(frozen=True)
class Course:
    """A statement as it is read on: its opening balance, then the movements in batches, all as of one instant."""

    opening_cents: int
    batches: Iterator[list[Posted]]


def check_account(account: Account) -> None:
    """Raise AccountTypeNotAllowed for an account that the ledger does not hold."""
    if account.type == AccountType.EXTERNAL_ACCOUNT:
        raise AccountTypeNotAllowed(
            name=account.private_name,
            kind="an external account",
            advice="Its institution prints its statements; the ledger has those of income sources and pods.",
        )


def check_period(period: Period) -> None:
    """Raise InvalidRequest for a period that is none, or longer than a statement may be."""
    if period.last < period.first:
        raise InvalidRequest.of("to", "order", "The last day is before the first one.")
    if period.days > MAX_DAYS:
        raise InvalidRequest.of("from", "too_long", too_long(period))


def too_long(period: Period) -> str:
    """Return what is said of a period that is longer than a statement may be."""
    return f"A statement covers at most {MAX_DAYS} days, and these are {period.days}. Make several of it."


def read_statement(account: Account, period: Period, *, first: int) -> Statement:
    """Return the statement with its first movements, oldest first, in one statement that sees one instant."""
    rows = _in(account, period).annotate(
        held=held_before(account, period.since),
        number=_over_all(Count("id")),
        came_in=_over_all(Sum("amount_cents", filter=Q(amount_cents__gt=0))),
        went_out=_over_all(Sum("amount_cents", filter=Q(amount_cents__lt=0))),
    )
    found = list(columns(rows, held="held", number="number", came_in="came_in", went_out="went_out")[:first])
    if not found:
        return Statement(account, period, _held_before(account, period), 0, 0, 0, [])
    held, number, came_in, went_out = found[0][-4:]
    movements = list(_onwards(found, account, held))
    return Statement(account, period, held, came_in or 0, -(went_out or 0), number, movements)


def stream_statement(account: Account, period: Period) -> Course:
    """Return the statement to be read on in constant memory, over a connection of its own."""
    rows = columns(_in(account, period).annotate(held=held_before(account, period.since)), held="held")
    chunks = in_chunks(rows)
    found = next(chunks, None)
    if found is None:
        return Course(_held_before(account, period), iter(()))
    return Course(found[0][-1], _batches(found, chunks, account))


def _batches(found: list, chunks: Iterator[list], account: Account) -> Iterator[list[Posted]]:
    balance_cents = found[0][-1]
    while found:
        batch = list(_onwards(found, account, balance_cents))
        balance_cents = batch[-1].balance_cents
        yield batch
        found = next(chunks, [])


def _in(account: Account, period: Period) -> Rows:
    return movements_of(account).filter(**period.within("posted_at")).order_by("posted_at", "id")


def _over_all(aggregate: Count | Sum) -> Window:
    return Window(aggregate, output_field=BigIntegerField())


def _held_before(account: Account, period: Period) -> int:
    """Return the opening balance of a period without movements."""
    return Account.objects.filter(pk=account.pk).values_list(held_before(account, period.since), flat=True).get()


def _onwards(rows: list, account: Account, balance_cents: int) -> Iterator[Posted]:
    for row in rows:
        balance_cents += row[AMOUNT]
        yield read(row, account=account, balance_cents=balance_cents)
