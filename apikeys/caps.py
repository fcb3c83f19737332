"""Period caps: counters that are locked, looked at and raised in the transaction of the transfer they count."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from apikeys.entries import Permission
from apikeys.limits import PERIOD_LIMITS, SpendPeriod, Used, starts_on
from sequence.core.api.ids import parse_id
from sequence.core.periods import day_of

# A fragment for the statement that inserts what an entry lets through: the count of it in the same breath, so that the
# transfers of one key wait for each other's commits alone. It reads ``asked``, the row that was inserted, and with it
# makes PostgreSQL insert before it counts: counters are the last thing that a transaction locks. A counter whose cap
# no longer holds is not raised and returns nothing: a caller that gets fewer than three raises TryAgain.
# Parameters: count_parameters().
COUNT_ASKED = """
INSERT INTO apikeys_spendcounter AS counter (organization_id, spend_id, period, starts_on, spent_cents, uses)
SELECT asked.organization_id, asked.spend_id, wanted.period,
       date_trunc(wanted.period, coalesce(asked.not_before, asked.created_at) AT TIME ZONE 'UTC')::date,
       asked.amount_cents, 1
FROM asked CROSS JOIN (VALUES ('day'), ('month'), ('week')) AS wanted (period)
ON CONFLICT (spend_id, period, starts_on, organization_id) DO UPDATE
SET spent_cents = counter.spent_cents + excluded.spent_cents, uses = counter.uses + 1
WHERE counter.spent_cents + excluded.spent_cents
      <= CASE excluded.period WHEN 'day' THEN %s WHEN 'week' THEN %s ELSE %s END
  AND counter.uses < CASE excluded.period WHEN 'day' THEN %s WHEN 'week' THEN %s ELSE %s END
RETURNING counter.id
"""


# More than any counter holds.
_NO_CAP = 10**30


@dataclass(frozen=True)
class Spend:
    """Cents that went through an organization's entry in the periods that hold an instant; negative ones come back."""

    organization_id: str
    spend_id: UUID
    at: datetime
    amount_cents: int


def lock_usage(organization_id: str, spend_ids: Iterable[UUID], at: datetime) -> dict[tuple[UUID, SpendPeriod], Used]:
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
            ON CONFLICT (spend_id, period, starts_on, organization_id) DO UPDATE SET spent_cents = counter.spent_cents
            RETURNING spend_id, period, spent_cents, uses
            """,
            [
                parse_id("org", organization_id),
                [spend_id for spend_id, _ in keys],
                [period.value for _, period in keys],
                [starts_on(period, at) for _, period in keys],
            ],
        )
        return _usage(cursor.fetchall())


def read_usage(organization_id: str, spend_ids: Iterable[UUID], at: datetime) -> dict[tuple[UUID, SpendPeriod], Used]:
    """Return what ``lock_usage`` does, without a lock and without creating a counter.

    To tell a person of it, or to choose an entry: ``COUNT_ASKED`` then looks again under the lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT spend_id, period, spent_cents, uses FROM apikeys_spendcounter
            WHERE organization_id = %s AND spend_id = ANY(%s::uuid[])
              AND (period, starts_on) IN (SELECT * FROM unnest(%s::text[], %s::date[]))
            """,
            [
                parse_id("org", organization_id),
                list(set(spend_ids)),
                [period.value for period in SpendPeriod],
                [starts_on(period, at) for period in SpendPeriod],
            ],
        )
        return _usage(cursor.fetchall())


def read_usage_until(
    organization_ids: Iterable[str], spend_ids: Iterable[UUID], since: datetime, until: datetime
) -> Callable[[datetime], dict[tuple[UUID, SpendPeriod], Used]]:
    """Return a function that tells for any instant from ``since`` to ``until`` what ``read_usage`` would.

    Counters of the future hold what is to move then. Without a lock.
    """
    ids = list(set(spend_ids))
    owners = [parse_id("org", organization_id) for organization_id in organization_ids]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT spend_id, period, spent_cents, uses, starts_on FROM apikeys_spendcounter
            WHERE organization_id = ANY(%s::uuid[]) AND spend_id = ANY(%s::uuid[]) AND starts_on BETWEEN %s AND %s
            """,
            [owners, ids, min(starts_on(period, since) for period in SpendPeriod), day_of(until)],
        )
        counters = {(row[0], row[1], row[4]): Used(int(row[2]), row[3]) for row in cursor.fetchall()}

    def at(instant: datetime) -> dict[tuple[UUID, SpendPeriod], Used]:
        wanted = {(id, period): (id, period.value, starts_on(period, instant)) for id in ids for period in SpendPeriod}
        return {name: counters[counter] for name, counter in wanted.items() if counter in counters}

    return at


def _usage(rows: Iterable[tuple[UUID, str, Decimal, int]]) -> dict[tuple[UUID, SpendPeriod], Used]:
    return {(spend_id, SpendPeriod(period)): Used(int(cents), count) for spend_id, period, cents, count in rows}


def count_parameters(permission: Permission) -> list[Decimal]:
    """Return the parameters of ``COUNT_ASKED``: the cents, then the transfers, that the entry lets through a period."""
    return [Decimal(_NO_CAP if (most := limit.of(permission)) is None else most) for limit in PERIOD_LIMITS]


def lock_counters(wanted: Iterable[tuple[UUID, datetime]]) -> None:
    """Lock what is counted of the entries in the periods around the instants, in the order that all lock them in.

    For whoever is about to change the counters of several transfers, one after the other.
    """
    keys = sorted({(id, period.value, starts_on(period, at)) for id, at in wanted for period in SpendPeriod})
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT FROM apikeys_spendcounter counter
            JOIN unnest(%s::uuid[], %s::text[], %s::date[]) AS wanted (spend_id, period, starts_on)
                USING (spend_id, period, starts_on)
            ORDER BY spend_id, period, starts_on FOR NO KEY UPDATE OF counter
            """,
            [list(column) for column in zip(*keys, strict=True)],
        )


def add_spent(spends: Iterable[Spend]) -> None:
    """Raise the counters of the entries' three periods; negative amounts give back.

    Counters are the last thing that a transaction locks, in one order, so that nobody waits in a circle.
    """
    rows: dict[tuple[UUID, str, date], list[int]] = {}
    owners: set[UUID | None] = set()
    for spend in spends:
        owners.add(parse_id("org", spend.organization_id))
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
                SELECT * FROM unnest(%s::uuid[], %s::text[], %s::date[], %s::numeric[], %s::bigint[])
                    AS change (spend_id, period, starts_on, cents, uses)
            ), locked AS (
                SELECT counter.id, change.cents, change.uses FROM apikeys_spendcounter counter JOIN change
                    USING (spend_id, period, starts_on)
                WHERE counter.organization_id = ANY(%s::uuid[])
                ORDER BY spend_id, period, starts_on FOR NO KEY UPDATE OF counter
            )
            UPDATE apikeys_spendcounter counter
            SET spent_cents = counter.spent_cents + locked.cents, uses = counter.uses + locked.uses
            FROM locked WHERE counter.id = locked.id AND counter.organization_id = ANY(%s::uuid[])
            """,
            [
                *map(list, zip(*keys, strict=True)),
                [rows[key][0] for key in keys],
                [rows[key][1] for key in keys],
                *[list(owners)] * 2,
            ],
        )
