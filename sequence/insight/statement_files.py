"""Statements as files: CSV for spreadsheets, OFX for bookkeeping, tables for a terminal. Streamed, never held whole."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from accounts.models import Account, AccountType
from sequence.core import clock
from sequence.core.admin.exports import csv_text, write_value
from sequence.core.admin.periods import Period
from sequence.core.money import dollars
from sequence.insight.movements import Posted
from sequence.insight.statements import Course

# A text, and how many movements are in it.
Part = tuple[int, str]

CSV_COLUMNS = (
    *("row", "posted_at", "amount_in_cents", "balance_in_cents", "currency", "counterparty", "why", "description"),
    *("posting_id", "counterparty_account_id", "transfer_id", "rule_execution_id", "card_transaction_id", "api_key_id"),
)
_INSTANT = timedelta(microseconds=1)


def csv_parts(account: Account, period: Period, course: Course) -> Iterator[Part]:
    """Yield the lines of the CSV: opening balance, movements, closing balance; all amounts in cents."""
    closing = course.opening_cents
    yield 0, csv_text([CSV_COLUMNS, _balance_cells("opening_balance", period.since, closing)])
    for batch in course.batches:
        yield len(batch), csv_text(_cells(movement) for movement in batch)
        closing = batch[-1].balance_cents
    yield 0, csv_text([_balance_cells("closing_balance", _end_of(period), closing)])


def _balance_cells(row: str, at: datetime, cents: int) -> list[str]:
    cells = [row, at, None, cents, "USD"]
    return [write_value(cell) for cell in [*cells, *([None] * (len(CSV_COLUMNS) - len(cells)))]]


def _cells(movement: Posted) -> list[str]:
    cause, party = movement.cause, movement.party
    ends = (movement.id, party.account_id, movement.transfer_id)
    because = (cause.execution_id, cause.card_transaction_id, cause.key_id)
    told = (party.name, cause.words, movement.description, *ends, *because)
    amounts = (movement.amount_cents, movement.balance_cents, "USD")
    return [write_value(cell) for cell in ("movement", movement.at, *amounts, *told)]


def table_parts(account: Account, period: Period, course: Course) -> Iterator[Part]:
    """Yield the lines of a table for a terminal, with columns of a fixed width: nobody knows what comes."""
    closing = course.opening_cents
    yield 0, f"{account}, {period} (UTC)\n{_row('', '', closing, 'opening balance')}"
    for batch in course.batches:
        yield (
            len(batch),
            "".join(
                _row(
                    f"{movement.at:%Y-%m-%d %H:%M:%S}",
                    dollars(movement.amount_cents),
                    movement.balance_cents,
                    f"{movement.party.name}: {movement.cause.words}",
                )
                for movement in batch
            ),
        )
        closing = batch[-1].balance_cents
    yield 0, _row("", "", closing, "closing balance")


def _row(at: str, amount: str, balance_cents: int, words: str) -> str:
    return f"{at:19}  {amount:>16}  {dollars(balance_cents):>16}  {words}\n"


# OFX 2.2. An account's number there has 22 characters at most: the end of its ULID, whose random part is whole.
ACCOUNT_NUMBER_LENGTH = 22
BANK = "SEQUENCE"
_NAME_LENGTH, _MEMO_LENGTH = 32, 255
_KINDS: Mapping[str, str] = {AccountType.INCOME_SOURCE: "CHECKING", AccountType.POD: "SAVINGS"}
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<?OFX OFXHEADER="200" VERSION="220" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n'
)
_FINE = "<STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>"


def ofx_parts(account: Account, period: Period, course: Course) -> Iterator[Part]:
    """Yield an OFX file: the movements as bank transactions, the closing balance as that of the ledger."""
    closing = course.opening_cents
    named = "<NAME>Opening balance</NAME><DESC>Before the first day</DESC><BALTYPE>DOLLAR</BALTYPE>"
    opening = f"<BAL>{named}<VALUE>{_decimal(closing)}</VALUE>"
    yield 0, _HEAD + _beginning(account, period)
    for batch in course.batches:
        yield len(batch), "".join(_transaction(movement) for movement in batch)
        closing = batch[-1].balance_cents
    ledger = f"<LEDGERBAL><BALAMT>{_decimal(closing)}</BALAMT><DTASOF>{_time(_end_of(period))}</DTASOF></LEDGERBAL>"
    first = f"<BALLIST>{opening}<DTASOF>{_time(period.since)}</DTASOF></BAL></BALLIST>"
    yield 0, f"</BANKTRANLIST>{ledger}{first}</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"


def _beginning(account: Account, period: Period) -> str:
    signed = f"<SONRS>{_FINE}<DTSERVER>{_time(clock.now())}</DTSERVER><LANGUAGE>ENG</LANGUAGE></SONRS>"
    number = account.pk[-ACCOUNT_NUMBER_LENGTH:]
    named = f"<BANKID>{BANK}</BANKID><ACCTID>{number}</ACCTID><ACCTTYPE>{_KINDS[account.type]}</ACCTTYPE>"
    days = f"<DTSTART>{_time(period.since)}</DTSTART><DTEND>{_time(_end_of(period))}</DTEND>"
    return (
        f"<OFX><SIGNONMSGSRSV1>{signed}</SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS><TRNUID>0</TRNUID>{_FINE}"
        f"<STMTRS><CURDEF>USD</CURDEF><BANKACCTFROM>{named}</BANKACCTFROM><BANKTRANLIST>{days}\n"
    )


def _transaction(movement: Posted) -> str:
    name = _text(movement.party.name, _NAME_LENGTH)
    described = f"{movement.cause.words}: {movement.description}" if movement.description else movement.cause.words
    return (
        f"<STMTTRN><TRNTYPE>{_type(movement)}</TRNTYPE><DTPOSTED>{_time(movement.at)}</DTPOSTED>"
        f"<TRNAMT>{_decimal(movement.amount_cents)}</TRNAMT><FITID>{movement.id}</FITID>"
        f"<NAME>{name}</NAME><MEMO>{_text(described, _MEMO_LENGTH)}</MEMO></STMTTRN>\n"
    )


def _type(movement: Posted) -> str:
    if movement.cause.card_transaction_id and movement.amount_cents < 0:
        return "POS"
    if movement.party.account_id:
        return "XFER"
    return "CREDIT" if movement.amount_cents > 0 else "DEBIT"


def _text(text: str, length: int) -> str:
    """Return a text that XML may hold: no control characters, cut, nothing in it a tag."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return escape(plain.strip()[:length].strip()) or "-"


def _decimal(cents: int) -> str:
    """Return cents as dollars with a point, such as ``-12.34``; no float ever rounds them."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02}"


def _time(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S}.{at.microsecond // 1000:03}[0:GMT]"


def _end_of(period: Period) -> datetime:
    """Return the last instant of the period; now, where it is not over."""
    return min(period.until - _INSTANT, clock.now())
