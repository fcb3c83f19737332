"""Period caps: counters that are locked, looked at and raised in the transaction of the transfer they count."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db import connection

from apikeys.entries import Permission
from apikeys.models import SpendPeriod
from sequence.core.api.ids import parse_id
from sequence.core.transactions import TryAgain


@dataclass(frozen=True)
class Spend:
    """Cents that went through a permission entry at an instant."""

    spend_id: UUID
    at: datetime
    amount_cents: int


def starts_on(period: SpendPeriod, at: datetime) -> date:
    """Return the first day (UTC) of the period that holds the instant."""
    day = at.astimezone(UTC).date()
    if period is SpendPeriod.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period is SpendPeriod.MONTH else day


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

    To tell a person of it, or to choose an entry: ``count_spent`` then looks again under the lock.
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


def count_spent(permission: Permission, amount_cents: int, at: datetime, *, organization_id: str) -> None:
    """Count a new transfer by the entry that lets it through, if its caps still hold under the counters' locks.

    The last statement before the answer is kept, so that the transfers of one key wait for each other's commits alone.
    Raises TryAgain when somebody was faster.
    """
    if permission.spend_id is None:
        return
    caps = period_caps(permission)
    periods = sorted(SpendPeriod)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO apikeys_spendcounter AS counter
                (organization_id, spend_id, period, starts_on, spent_cents, uses)
            SELECT %s, %s, period, starts_on, %s, 1 FROM unnest(%s::text[], %s::date[]) AS wanted (period, starts_on)
            ON CONFLICT (spend_id, period, starts_on) DO UPDATE
            SET spent_cents = counter.spent_cents + excluded.spent_cents, uses = counter.uses + 1
            WHERE counter.spent_cents + excluded.spent_cents
                  <= (%s::bigint[])[array_position(%s::text[], excluded.period::text)]
            """,
            [
                parse_id("org", organization_id),
                permission.spend_id,
                amount_cents,
                [period.value for period in periods],
                [starts_on(period, at) for period in periods],
                [_most(caps[period]) for period in periods],
                [period.value for period in periods],
            ],
        )
        if cursor.rowcount < len(periods):
            raise TryAgain


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
    start = starts_on(period, at)
    if period is SpendPeriod.MONTH:
        return (start + timedelta(days=31)).replace(day=1)
    return start + timedelta(days=7 if period is SpendPeriod.WEEK else 1)


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
