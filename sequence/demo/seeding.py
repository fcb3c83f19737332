"""Seeding of the demo: all of it in one transaction, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from apikeys.services import create_organization
from sequence.core import clock
from sequence.core.audit import set_context
from sequence.core.transactions import run_in_transaction
from sequence.core.typing import JsonObject
from sequence.core.worker import run_once
from sequence.demo.accounts import bring_money_along, open_accounts
from sequence.demo.household import LEGAL_NAME, NAME, Household
from sequence.demo.keys import make_agent_key, make_demo_key
from sequence.demo.life import live
from sequence.demo.period import YEAR_DAYS, Period
from sequence.demo.rules import write_rules
from sequence.demo.staff import make_administrator, make_reviewer

# Any number will do that nothing else locks.
_ADVISORY_LOCK = 4_700_301


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other process makes a demo in this database, and keep others waiting until the block ends.

    Two that start at the same time would both find the database empty.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])


def make_demo(*, actor: str, days: int = YEAR_DAYS, tell: Callable[[str], None]) -> JsonObject:
    """Make a household with a history that ends now, and return its id and what opens its doors.

    One transaction: an interrupted demo leaves nothing behind, no worker meddles with a household that still lives in
    the past, and nobody waits for it, since nobody knows its rows yet. ``tell`` gets a line for each month.
    """
    # The sweeps below are those of every worker: they would take up whatever is due, whosever it is, as if it were a
    # year ago. So what is due now is done now, and what comes later stays out of sight.
    run_once()
    return run_in_transaction(lambda: _make(actor, days, tell))


def _make(actor: str, days: int, tell: Callable[[str], None]) -> JsonObject:
    _see_nothing_new()
    set_context(actor=actor)
    run_once()
    period = Period.until(clock.now().replace(microsecond=0), days=days)
    with clock.stopped_at(period.begin):
        household = _begin(actor, period)
    live(household, period, tell=tell)
    set_context(actor=actor)
    _, token = make_demo_key(household)
    staff_username, staff_password = make_administrator()
    return {
        "organization": household.organization.id,
        "api_key": token,
        "agent_api_key": household.agent_token,
        "staff_username": staff_username,
        "staff_password": staff_password,
    }


def _see_nothing_new() -> None:
    """Let the transaction see the database as it is now, until it ends.

    Where it meets a row that somebody changed meanwhile, PostgreSQL refuses, and the whole is done again.
    """
    if not connection.savepoint_ids:  # PostgreSQL takes it only as the first word of a transaction.
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _begin(actor: str, period: Period) -> Household:
    """Return the household as it is on its first morning: with accounts, an agent's key, some money, and rules."""
    household = Household(create_organization(name=NAME, legal_name=LEGAL_NAME), actor)
    make_reviewer()
    open_accounts(household)
    make_agent_key(household)
    bring_money_along(household)
    run_once(period.begin)  # Before there are rules, which would split what was brought along.
    write_rules(household, period)
    return household
