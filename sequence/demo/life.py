"""Living through a period: what happens, happens at its moment, and workers run whenever something is due."""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import connection

from accounts.models import Account
from cards.models import CardTransaction
from rules.models import Rule, RuleExecution, RuleMove
from sequence.core import clock
from sequence.core.audit import set_context
from sequence.core.events.models import Event as ToldEvent
from sequence.demo.agent import decisions, routine, troubles
from sequence.demo.household import Event, Household
from sequence.demo.income import money_in
from sequence.demo.institutions import refused_rent, statements
from sequence.demo.period import Period
from sequence.demo.rules import changes_of_rules
from sequence.demo.spending import money_out
from sequence.demo.work import Work
from transfers.models import EntrySet, Posting, SimulatedPayment, Transfer

_CHAPTERS: tuple[Callable[[Period], Iterable[Event]], ...] = (
    money_in,
    troubles,
    money_out,
    statements,
    refused_rent,
    routine,
    decisions,
    changes_of_rules,
)


# About a month's: every table has rows by then, and no table many.
EVENTS_BEFORE_COUNTING = 40
_GROWING = (
    *(Account, Transfer, EntrySet, Posting, SimulatedPayment, CardTransaction, Rule, RuleExecution, RuleMove),
    ToldEvent,
)


def events_of(period: Period) -> list[Event]:
    """Return all that happens in the period, in its order; at one instant as the chapters have it."""
    events = [event for chapter in _CHAPTERS for event in chapter(period) if period.holds(event.at)]
    return sorted(events, key=lambda event: event.at)


def live(household: Household, period: Period, *, tell: Callable[[str], None]) -> None:
    """Let everything happen to the household that happens in the period. ``tell`` gets a line for each month."""
    life = _Life(household, tell)
    for number, event in enumerate(events_of(period)):
        if number == EVENTS_BEFORE_COUNTING:
            _count_rows()
        life.let_workers_run(until=event.at)
        life.let_happen(event)
    life.let_workers_run(until=period.end)


def _count_rows() -> None:
    """Let PostgreSQL see how many rows there are, and keep it from looking again until the transaction ends.

    Autovacuum counts committed rows alone: in the middle of a long transaction it finds none where there are hundreds,
    and every later statement is planned for an empty table, which takes minutes.
    """
    tables = [model._meta.db_table for model in _GROWING]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sequence_analyze(%s)", [tables])


class _Life:
    def __init__(self, household: Household, tell: Callable[[str], None]) -> None:
        self._household = household
        self._tell = tell
        self._month = ""
        self._work = Work(household.organization.id)
        self._next_work_at = self._work.next_at()

    def let_happen(self, event: Event) -> None:
        self._move_to(event.at)
        with clock.stopped_at(event.at):
            event.happen(self._household)
        if event.rings:
            self._let_workers_run_at(event.at)

    def let_workers_run(self, *, until: datetime) -> None:
        """Run workers at each moment at which they find something to do, and at no other."""
        while self._next_work_at is not None and self._next_work_at <= until:
            self._let_workers_run_at(self._next_work_at)

    def _let_workers_run_at(self, moment: datetime) -> None:
        self._move_to(moment)
        with clock.stopped_at(moment):
            self._next_work_at = self._work.do(moment)

    def _move_to(self, moment: datetime) -> None:
        """Tell a new month, and let the audit trail name it as the reason of what changes in it."""
        month = f"{moment:%B %Y}"
        if month != self._month:
            self._month = month
            self._tell(f"  {month}")
            set_context(actor=self._household.actor, reason=f"{month} in the demo")
