"""Argument types that several commands share. A bad value ends the command with a line that says what is expected."""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from django.core.management.base import CommandParser
from django.utils.dateparse import parse_datetime

from sequence.core.texts import flaw_of

PERMISSION_HELP = (
    "SCOPE[:RESOURCES], repeated. RESOURCES: *, or ids joined by commas; for MANUAL_TRANSFER pairs source>target, "
    "several joined by commas, each with its limits: @ and the most of one transfer, ;day= ;week= ;month= and "
    ";approval= in cents, ;count_day= ;count_week= ;count_month= in transfers, ;reason=required, such as "
    "MANUAL_TRANSFER:acc_1>acc_2@50000;month=200000;approval=20000,*>acc_3; limits of TRIGGER_RULES follow its ids, "
    ";execute= in cents and the same counts: TRIGGER_RULES:rule_1;execute=5000;count_day=3"
)


def add_permission_argument(parser: CommandParser) -> None:
    """Let the command take ``--permission``, once or more."""
    parser.add_argument(
        "--permission", required=True, action="append", metavar="SCOPE[:RESOURCES]", help=PERMISSION_HELP
    )


def instant(text: str) -> datetime:
    """Read an RFC 3339 time; one without an offset is UTC."""
    refusal = ArgumentTypeError(f"{text!r} is no time. Write it like 2027-01-31T00:00:00Z.")
    try:
        moment = parse_datetime(text)
        if moment is None:
            raise refusal
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # The offset may lead out of the calendar.
        raise refusal from None


def line(max_length: int) -> Callable[[str], str]:
    """Return a reader of one line of text, trimmed, of 1 to ``max_length`` characters."""

    def read(text: str) -> str:
        trimmed = text.strip()
        if not 1 <= len(trimmed) <= max_length:
            raise ArgumentTypeError(f"Give 1 to {max_length} characters in one line, not {len(trimmed)}.")
        flaw = flaw_of(trimmed)
        if flaw is not None:
            raise ArgumentTypeError(f"Give 1 to {max_length} characters in one line. {flaw.message}")
        return trimmed

    return read


def day(text: str) -> date:
    """Read a date such as 2026-12-31."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date. Write it like 2026-12-31.") from None


def percent(text: str) -> Decimal:
    """Read a percentage from 0 to 999.999 with at most three places, exactly."""
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text):
        raise ArgumentTypeError(f"{text!r} is no percentage. Write it like 19.99.")
    return Decimal(text)


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from ``low`` to ``high``."""

    def read(text: str) -> int:
        digits = text.removeprefix("-") if low < 0 else text
        if not (text.isascii() and digits.isdigit()) or len(digits) > 18 or not low <= int(text) <= high:
            raise ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}.")
        return int(text)

    return read
