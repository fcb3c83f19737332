"""Period caps: counters that are locked, looked at and raised in the transaction of the transfer they count."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection
from psycopg.types.numeric import Int8

from apikeys.entries import Permission
from apikeys.models import SpendPeriod
from sequence.core.api.ids import parse_id
from sequence.core.periods import day_of, first_day, next_first_day

# A fragment for the statement that inserts what an entry lets through: the count of it in the same breath, so that the
# transfers of one key wait for each other's commits alone. It reads ``asked``, the row that was inserted, and with it
# makes PostgreSQL insert before it counts: counters are the last thing that a transaction locks. A counter whose cap
# no longer holds is not raised and returns nothing: a caller that gets fewer than three raises TryAgain.
# Parameters: count_parameters().
COUNT_ASKED = """
INSERT INTO apikeys_spendcounter AS counter (organization_id, spend_id, period, starts_on, spent_cents, uses)
SELECT asked.organization_id, asked.spend_id, wanted.period,
       date_trunc(wanted.period, asked.created_at AT TIME ZONE 'UTC')::date, asked.amount_cents, 1
FROM asked CROSS JOIN (VALUES ('day'), ('month'), ('week')) AS wanted (period)
ON CONFLICT (spend_id, period, starts_on) DO UPDATE
SET spent_cents = counter.spent_cents + excluded.spent_cents, uses = counter.uses + 1
WHERE counter.spent_cents + excluded.spent_cents
      <= CASE excluded.period WHEN 'day' THEN %s WHEN 'week' THEN %s ELSE %s END
RETURNING counter.id
"""


@dataclass(frozen=True)
class Spend:
    """Cents that went through a permission entry at an instant."""

    spend_id: UUID
    at: datetime
    amount_cents: int


def starts_on(period: SpendPeriod, at: datetime) -> date:
    """Return the first day (UTC) of the period that holds the instant."""
    return first_day(period.value, day_of(at))


def lock_spent(organization_id: str, spend_ids: Iterable[UUID], at: datetime) -> dict[tuple[UUID, SpendPeriod], int]:
    """Return what went through each entry in the three periods around ``at``, locked until the transaction ends.

    A counter is created before it is counted: two first transfers of a day then wait for each other like all others.
    """
    keys = [(spend_id, period) for spend_id in sorted(set(spend_ids)) for period in sorted(SpendPeriod)]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO apikeys_spendcounter AS counter (organization_id, spend_id, period, starts_on, spent_cents)
            SELECT %s, spend_id, period, starts_on, 0
            FROM unnest(%s::uuid[], %s::text[], %s::date[]) AS wanted (spend_id, period, starts_on)
            ORDER BY spend_id, period
            ON CONFLICT (spend_id, period, starts_on) DO UPDATE SET spent_cents = counter.spent_cents
            RETURNING spend_id, period, spent_cents
            """,
            [
                parse_id("org", organization_id),
                [spend_id for spend_id, _ in keys],
                [period.value for _, period in keys],
                [starts_on(period, at) for _, period in keys],
            ],
        )
        return {(spend_id, SpendPeriod(period)): cents for spend_id, period, cents in cursor.fetchall()}


def read_spent(spend_ids: Iterable[UUID], at: datetime) -> dict[tuple[UUID, SpendPeriod], int]:
    """Return what ``lock_spent`` does, without a lock and without creating a counter.

    To tell a person of it, or to choose an entry: ``COUNT_ASKED`` then looks again under the lock.
    """
    ids = list(set(spend_ids))
    spent = {(spend_id, period): 0 for spend_id in ids for period in SpendPeriod}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT spend_id, period, spent_cents FROM apikeys_spendcounter
            WHERE spend_id = ANY(%s::uuid[])
              AND (period, starts_on) IN (SELECT * FROM unnest(%s::text[], %s::date[]))
            """,
            [ids, [period.value for period in SpendPeriod], [starts_on(period, at) for period in SpendPeriod]],
        )
        spent.update({(spend_id, SpendPeriod(period)): cents for spend_id, period, cents in cursor.fetchall()})
    return spent


def count_parameters(permission: Permission) -> list[Int8]:
    """Return the parameters of ``COUNT_ASKED``: what the entry lets through in each period."""
    caps = period_caps(permission)
    return [Int8(_most(caps[period])) for period in SpendPeriod]


def _most(cap: int | None) -> int:
    return cap if cap is not None else 2**63 - 1


def add_spent(spends: Iterable[Spend]) -> None:
    """Raise the counters of the entries' three periods; negative amounts give back.

    Counters are the last thing that a transaction locks, in one order, so that nobody waits in a circle.
    """
    rows: dict[tuple[UUID, str, date], list[int]] = {}
    for spend in spends:
        for period in SpendPeriod:
            row = rows.setdefault((spend.spend_id, period.value, starts_on(period, spend.at)), [0, 0])
            row[0] += spend.amount_cents
            row[1] += 1 if spend.amount_cents > 0 else -1
    if not rows:
        return
    keys = sorted(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH change AS (
                SELECT * FROM unnest(%s::uuid[], %s::text[], %s::date[], %s::bigint[], %s::bigint[])
                    AS change (spend_id, period, starts_on, cents, uses)
            ), locked AS (
                SELECT counter.id, change.cents, change.uses FROM apikeys_spendcounter counter JOIN change
                    USING (spend_id, period, starts_on)
                ORDER BY spend_id, period, starts_on FOR NO KEY UPDATE OF counter
            )
            UPDATE apikeys_spendcounter counter
            SET spent_cents = counter.spent_cents + locked.cents, uses = counter.uses + locked.uses
            FROM locked WHERE counter.id = locked.id
            """,
            [*map(list, zip(*keys, strict=True)), [rows[key][0] for key in keys], [rows[key][1] for key in keys]],
        )


def ends_on(period: SpendPeriod, at: datetime) -> date:
    """Return the first day (UTC) after the period that holds the instant: on it the cap begins anew."""
    return next_first_day(period.value, day_of(at))


def period_caps(permission: Permission) -> dict[SpendPeriod, int | None]:
    """Return the entry's cap of each period, in cents; None is no cap."""
    return {
        SpendPeriod.DAY: permission.max_amount_per_day,
        SpendPeriod.WEEK: permission.max_amount_per_week,
        SpendPeriod.MONTH: permission.max_amount_per_month,
    }


def has_period_cap(permission: Permission) -> bool:
    """Say whether the entry has a cap that its counters are looked at for."""
    return any(cap is not None for cap in period_caps(permission).values())


def broken_cap(
    permission: Permission, amount_cents: int, spent: dict[tuple[UUID, SpendPeriod], int]
) -> tuple[str, int] | None:
    """Return the name and the cents of the first limit that the amount would break, or None."""
    if permission.max_amount is not None and amount_cents > permission.max_amount:
        return "transfer", permission.max_amount
    for period, cap in period_caps(permission).items():
        if cap is not None and permission.spend_id and spent[permission.spend_id, period] + amount_cents > cap:
            return period.value, cap
    return None
