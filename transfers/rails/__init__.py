"""What moves money, behind one interface. A real provider is one more class in this package and one more name below."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from transfers.models import Transfer
from transfers.rails.base import End, OutsideRail, Rail, RailUnreachable, Report, ReportKind
from transfers.rails.ledger import BookRail, IncomingRail
from transfers.rails.simulated import SimulatedRail

# In the order in which they are asked: the first that carries a pair of accounts has it.
RAILS: dict[str, Rail] = {rail.name: rail for rail in (BookRail(), IncomingRail(), SimulatedRail())}


def rail_between(source: End, destination: End) -> Rail | None:
    """Return the rail from ``source`` to ``destination``; None where none goes."""
    return next((rail for rail in RAILS.values() if rail.carries(source, destination)), None)


def rail_of(transfer: Transfer) -> Rail | None:
    """Return the rail that the transfer was given; None where this server does not know it (any more)."""
    return RAILS.get(transfer.rail)


def outside_rails() -> list[OutsideRail]:
    """Return the rails that payments are submitted to."""
    return [rail for rail in RAILS.values() if isinstance(rail, OutsideRail)]


def news_of_rails(at: datetime) -> "list[QuerySet[Any]] | None":
    """Return rows of which one is there while a rail has news; None where only the rails themselves can tell."""
    news = [rail.rows_with_news(at) for rail in outside_rails()]
    known = [rows for rows in news if rows is not None]
    return known if len(known) == len(news) else None


def names_with_ach_limits() -> set[str]:
    """Return the names of the rails whose payments count towards the ACH limits."""
    return {rail.name for rail in RAILS.values() if rail.has_ach_limits}


def names_that_settle_at_once() -> set[str]:
    """Return the names of the rails on which the ledger alone moves the money."""
    return {rail.name for rail in RAILS.values() if rail.settles_at_once}


def is_simulated(transfer: Transfer) -> bool:
    """Return whether people may say how the payment ends."""
    return isinstance(rail_of(transfer), SimulatedRail)


__all__ = [
    "RAILS",
    "End",
    "OutsideRail",
    "Rail",
    "RailUnreachable",
    "Report",
    "ReportKind",
    "is_simulated",
    "names_that_settle_at_once",
    "names_with_ach_limits",
    "news_of_rails",
    "outside_rails",
    "rail_between",
    "rail_of",
]
