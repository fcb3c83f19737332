"""Work of one organization, and when it is due: asked in one statement, so that a year costs seconds.

A worker finds out by trying every sweep, again and again. Here only those run that find something, at the moment at
which they would.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from rules.arrivals import READER, TOLD_BY
from rules.models import ExecutionMode, ExecutionStatus, Rule, RuleExecution
from rules.sweeps import carry_out, finish, notice_deposits, notice_slots
from sequence.core.events.models import Event, EventReader
from sequence.core.events.numbering import number_events
from sequence.core.sweeps import Sweep
from sequence.core.typing import Rows
from sequence.core.wired import wired
from transfers.models import APPROVAL_LIFETIME, SimulatedPayment, Status, Transfer
from transfers.settlement import accept, collect, expire_approvals, submit

_TELLS_OF_AN_ARRIVAL = Q(event__in=TOLD_BY, data__status=Status.COMPLETE)
# No event has such a number.
_NEVER = 2**62


class Work:
    """The work of one organization. Its rows may be this transaction's own: nobody else need see them."""

    def __init__(self, organization_id: str) -> None:
        # Django takes longer to write this statement than PostgreSQL to run it: once is enough. The driver prepares it
        # where it may.
        self._statement = connection.ops.compose_sql(*_due(organization_id).query.sql_with_params())  # type: ignore[attr-defined]

    def next_at(self) -> datetime | None:
        """Return the moment of the first work that is known so far."""
        return min((moment for _, moment in self._find()), default=None)

    def do(self, now: datetime) -> datetime | None:
        """Do all that is due at ``now``, what becomes due by doing it included, and return when there is more."""
        while True:
            found = self._find()
            due = {number for number, moment in found if moment <= now}
            if not due:
                return min((moment for _, moment in found), default=None)
            sweeps: Sequence[Sweep] = wired("SWEEPS")
            for number in sorted(due):
                sweeps[number](now)

    def _find(self) -> list[tuple[int, datetime]]:
        with connection.cursor() as cursor:
            cursor.execute(self._statement)
            return cursor.fetchall()


def _due(organization_id: str) -> Rows:
    """Return the numbers of sweeps, each with a moment at which it finds something."""
    transfers = Transfer.objects.for_organization(organization_id)
    payments = SimulatedPayment.objects.filter(organization_id=organization_id)
    runs = RuleExecution.objects.filter(organization_id=organization_id, mode=ExecutionMode.LIVE)
    waiting = runs.filter(status=ExecutionStatus.IN_PROGRESS, decided_at=None)
    unsettled, returning = payments.filter(settled_at=None), payments.filter(returned_at=None)
    undecided = transfers.filter(status=Status.PENDING_APPROVAL)
    # Other events can wait for a worker.
    arrivals = Event.objects.for_organization(organization_id).filter(_TELLS_OF_AN_ARRIVAL)
    reader = EventReader.objects.filter(organization_id=organization_id, name=READER)
    unread = arrivals.numbered().filter(sequence__gt=Coalesce(Subquery(reader.values("after_sequence")), _NEVER))
    expires_at = ExpressionWrapper(F("created_at") + APPROVAL_LIFETIME, output_field=DateTimeField())
    first, *others = (
        _finds(expire_approvals, undecided, expires_at),
        _finds(accept, transfers.accepted(), Coalesce("not_before", "created_at")),
        _finds(submit, transfers.unsubmitted(), F("accepted_at")),
        _finds(collect, unsettled.exclude(settles_at=None), F("settles_at")),
        _finds(collect, returning.exclude(returns_at=None), F("returns_at")),
        _finds(number_events, arrivals.unnumbered(), F("created_at")),
        _finds(notice_deposits, unread, F("created_at")),
        _finds(
            notice_slots,
            Rule.objects.for_organization(organization_id).enabled().exclude(next_slot_at=None),
            F("next_slot_at"),
        ),
        _finds(carry_out, waiting, Coalesce("next_attempt_at", "created_at")),
        _finds(finish, runs.unfinished(), F("decided_at")),
    )
    return first.union(*others, all=True)


def _finds(sweep: Sweep, rows: Rows, moment: Combinable) -> Rows:
    return rows.order_by().annotate(moment=moment).values_list(Value(wired("SWEEPS").index(sweep)), "moment")
