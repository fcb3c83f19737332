"""Trigger limits: how often a key may set rules off, and what it may say has arrived."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db import connection

from apikeys.authentication import AuthenticatedKey
from apikeys.entries import Permission
from apikeys.errors import TriggerLimitExceeded
from apikeys.limits import SpendPeriod, ends_on, starts_on
from apikeys.scopes import EVERYTHING, Scope
from sequence.core.api.ids import parse_id
from sequence.core.errors import Detail

Uses = Mapping[SpendPeriod, int]


def charge_trigger(
    key: AuthenticatedKey, rule_id: str, *, execute_amount_cents: int | None, at: datetime, is_counted: bool = True
) -> None:
    """Count that the key sets the rule off, if one of its entries lets it.

    One entry whose every limit holds is enough. Counts belong to the lineage and the rule, so that no rewriting of
    entries refills one; an entry for several rules counts all of them. The counters stay locked until the transaction
    ends, and a refusal undoes the count with it. A simulation is not counted. Raises TriggerLimitExceeded.
    """
    entries = [entry for entry in key.permissions if entry.scope is Scope.TRIGGER_RULES and entry.allows(rule_id)]
    if is_counted:
        _count(key, rule_id, at)
    obstacles = [list(_obstacles(key, entry, execute_amount_cents, at, is_counted)) for entry in entries]
    if obstacles and all(obstacles):
        what = " ".join(of_entry[0]["message"] for of_entry in obstacles)
        raise TriggerLimitExceeded(what=what, details=[each for of_entry in obstacles for each in of_entry])


def _obstacles(
    key: AuthenticatedKey, entry: Permission, execute_amount_cents: int | None, at: datetime, is_counted: bool
) -> Iterator[Detail]:
    """Yield the limits of the entry that stand in the way, in words."""
    most = entry.max_execute_amount
    if most is not None and execute_amount_cents is not None and (most == 0 or execute_amount_cents > most):
        message = f"may be at most {most} cents." if most else "may not be given."
        message = f"manual_execute_amount {message}"
        yield {"field": "manual_execute_amount", "code": "max_execute_amount", "message": message}
    limits = {
        SpendPeriod.DAY: entry.max_count_per_day,
        SpendPeriod.WEEK: entry.max_count_per_week,
        SpendPeriod.MONTH: entry.max_count_per_month,
    }
    if not is_counted or not any(limits.values()):
        return
    uses = _uses(key, entry.resources, at)
    for period, limit in limits.items():
        if limit is not None and uses[period] > limit:
            reset = f"{ends_on(period, at):%Y-%m-%d}T00:00:00Z"
            message = f"{limit} of {limit} runs a {period.value} are used; the next one is possible from {reset}."
            yield {"field": "rule_id", "code": f"count_{period.value}", "message": message}


def _counter_id(key: AuthenticatedKey, rule_id: str) -> UUID:
    """Return the id under which a lineage's runs of a rule are counted, or with ``*`` all of its runs."""
    return uuid5(NAMESPACE_OID, f"{Scope.TRIGGER_RULES}:{key.lineage_id}:{rule_id}")


def _count(key: AuthenticatedKey, rule_id: str, at: datetime) -> None:
    """Raise the counters of the rule and of all rules. The latter let one trigger of a lineage look at a time."""
    rows = sorted((_counter_id(key, id), period) for id in (rule_id, EVERYTHING) for period in SpendPeriod)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO apikeys_spendcounter AS counter
                (organization_id, spend_id, period, starts_on, spent_cents, uses)
            SELECT %s, spend_id, period, starts_on, 0, 1
            FROM unnest(%s::uuid[], %s::text[], %s::date[]) AS wanted (spend_id, period, starts_on)
            ORDER BY spend_id, period
            ON CONFLICT (spend_id, period, starts_on, organization_id) DO UPDATE SET uses = counter.uses + 1
            """,
            [
                parse_id("org", key.organization_id),
                [id for id, _ in rows],
                [period.value for _, period in rows],
                [starts_on(period, at) for _, period in rows],
            ],
        )


def _uses(key: AuthenticatedKey, rule_ids: Iterable[str], at: datetime) -> Uses:
    """Return how often the lineage has set these rules off in the periods around ``at``, this time included."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT period, sum(uses)::bigint FROM apikeys_spendcounter
            WHERE spend_id = ANY(%s) AND (period, starts_on) IN (SELECT * FROM unnest(%s::text[], %s::date[]))
            GROUP BY period
            """,
            [
                [_counter_id(key, id) for id in rule_ids],
                [period.value for period in SpendPeriod],
                [starts_on(period, at) for period in SpendPeriod],
            ],
        )
        found = {SpendPeriod(period): uses for period, uses in cursor.fetchall()}
    return {period: found.get(period, 0) for period in SpendPeriod}
