"""Seeding of the demo: all of it in one transaction, or nothing."""

from collections.abc import Callable

from django.db import connection

from apikeys.services import create_organization
from rules.sweeps import notice_deposits
from sequence.core import clock
from sequence.core.audit import set_context
from sequence.core.events.numbering import number_events
from sequence.core.sweeps import only_for
from sequence.core.transactions import transactional
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


def take_turn(*, tell: Callable[[str], None]) -> None:
    """Let no other process make a demo in this database until the transaction ends; wait for one that does.

    Two that start at the same time would both find the database empty. The lock is the transaction's: a pooler would
    strand one that is the session's.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
        if cursor.fetchone() == (True,):
            return
        tell("Another seed_demo is making a demo here; waiting until it is there …")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])


@transactional
def make_demo(*, actor: str, days: int = YEAR_DAYS, tell: Callable[[str], None]) -> JsonObject:
    """Make a household with a history that ends now, and return its id and what opens its doors.

    One transaction: an interrupted demo leaves nothing behind, no worker meddles with a household that still lives in
    the past, and nobody waits for it: it locks the household's rows alone. ``tell`` gets a line for each month.
    """
    set_context(actor=actor)
    period = Period.until(clock.now().replace(microsecond=0), days=days)
    with clock.stopped_at(period.begin):
        household = _begin(actor, period)
    # The sweeps are those of every worker: they would take up whatever is due, whosever it is, as if it were then.
    with only_for(household.organization.id):
        live(household, period, tell=tell)
    set_context(actor=actor)
    _, token = make_demo_key(household)
    with only_for(household.organization.id):
        while number_events(period.end) + notice_deposits(period.end):
            pass
    staff_username, staff_password = make_administrator()
    return {
        "organization": household.organization.id,
        "api_key": token,
        "agent_api_key": household.agent_token,
        "staff_username": staff_username,
        "staff_password": staff_password,
    }


def _begin(actor: str, period: Period) -> Household:
    """Return the household as it is on its first morning: with accounts, an agent's key, some money, and rules."""
    household = Household(create_organization(name=NAME, legal_name=LEGAL_NAME), actor)
    make_reviewer()
    open_accounts(household)
    make_agent_key(household)
    bring_money_along(household)
    with only_for(household.organization.id):
        run_once(period.begin)  # Before there are rules, which would split what was brought along.
    write_rules(household, period)
    return household
