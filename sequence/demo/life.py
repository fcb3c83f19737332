"""Living through a period: what happens, happens at its moment, and workers run whenever something is due."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django.db.models import DateTimeField, ExpressionWrapper, F

from rules.models import ExecutionStatus, Rule, RuleExecution
from sequence import clock
from sequence.audit import set_context
from sequence.demo.agent import decisions, routine, troubles
from sequence.demo.household import Event, Household
from sequence.demo.income import money_in
from sequence.demo.institutions import refused_rent, statements
from sequence.demo.period import Period
from sequence.demo.rules import changes_of_rules
from sequence.demo.spending import money_out
from sequence.worker import run_once
from transfers.models import SimulatedPayment, Status, Transfer
from transfers.settlement import APPROVAL_LIFETIME

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


def events_of(period: Period) -> list[Event]:
    """Return all that happens in the period, in its order; at one instant as the chapters have it."""
    events = [event for chapter in _CHAPTERS for event in chapter(period) if period.holds(event.at)]
    return sorted(events, key=lambda event: event.at)


def live(household: Household, period: Period, *, tell: Callable[[str], None]) -> None:
    """Let everything happen to the household that happens in the period. ``tell`` gets a line for each month."""
    life = _Life(household, period.begin, tell)
    for event in events_of(period):
        life.let_workers_run(until=event.at)
        life.let_happen(event)
    life.let_workers_run(until=period.end)
    life.work(period.end)


class _Life:
    def __init__(self, household: Household, begin: datetime, tell: Callable[[str], None]) -> None:
        self._household = household
        self._moment = begin
        self._tell = tell
        self._due: list[datetime] | None = None

    def let_happen(self, event: Event) -> None:
        self._move_to(event.at)
        with clock.stopped_at(event.at):
            set_context(actor=self._household.actor, reason=f"The demo's {event.at:%Y-%m-%d %H:%M}")
            event.happen(self._household)
        if event.rings:
            self.work(event.at)

    def let_workers_run(self, *, until: datetime) -> None:
        """Run a worker at each moment at which it finds something to do, and at no other."""
        while (moment := self._next_due()) is not None and moment <= until:
            self.work(moment)

    def work(self, moment: datetime) -> None:
        self._move_to(moment)
        with clock.stopped_at(moment):
            run_once(moment)
        self._due = None

    def _next_due(self) -> datetime | None:
        """Look it up only after something may have changed it."""
        if self._due is None:
            self._due = sorted(_due_moments(self._household.organization.id))
        return next((moment for moment in self._due if moment > self._moment), None)

    def _move_to(self, moment: datetime) -> None:
        if (moment.year, moment.month) != (self._moment.year, self._moment.month):
            self._tell(f"  {moment:%B %Y}")
        self._moment = moment


def _due_moments(organization_id: str) -> Iterator[datetime]:
    """Yield when workers will have something to do for the organization, as far as it is known already."""
    transfers = Transfer.objects.of(organization_id)
    ours = transfers.values("id")
    payments = SimulatedPayment.objects.filter(transfer_id__in=ours)
    runs = RuleExecution.objects.filter(organization_id=organization_id, status=ExecutionStatus.IN_PROGRESS)
    expires_at = ExpressionWrapper(F("created_at") + APPROVAL_LIFETIME, output_field=DateTimeField())
    found = (
        Rule.objects.of(organization_id)
        .enabled()
        .values_list("next_slot_at", flat=True)
        .union(
            runs.filter(decided_at=None).values_list("next_attempt_at", flat=True),
            payments.filter(settled_at=None).values_list("settles_at", flat=True),
            payments.filter(returned_at=None).values_list("returns_at", flat=True),
            transfers.filter(status=Status.PENDING_APPROVAL).values_list(expires_at, flat=True),
        )
    )
    return (moment for moment in found if moment is not None)
