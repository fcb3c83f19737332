"""Rows of executions and moves by hand-written SQL: one statement for a batch, whatever its size.

The one place of this app that has any. Tests hold each equal to the plain way: saving the rows one by one, adding up
the moves one by one.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from rules.engine.usage import Sum, Window
from rules.models import MOVED, RuleExecution, RuleMove
from sequence.core.api.ids import parse_id
from sequence.core.swept_sql import swept_sql

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def write_outcomes(executions: Sequence[RuleExecution]) -> None:
    """Write all that mutators of these executions may have changed. The caller holds their rows' locks."""
    if not executions:
        return
    owners = list({parse_id("org", execution.organization_id) for execution in executions})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE rules_ruleexecution execution
            SET status = outcome.status, attempts = outcome.attempts, decided_at = outcome.decided_at,
                next_attempt_at = outcome.next_attempt_at, step_index_matched = outcome.step_index_matched,
                conditions_not_met = outcome.conditions_not_met, attempted = outcome.attempted,
                failed_without_transfer = outcome.failed_without_transfer, error_message = outcome.error_message,
                trace = outcome.trace
            FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::int[],
                    %s::boolean[], %s::int[], %s::int[], %s::text[], %s::text[])
                AS outcome (id, status, attempts, decided_at, next_attempt_at, step_index_matched,
                    conditions_not_met, attempted, failed_without_transfer, error_message, trace)
            WHERE execution.id = outcome.id AND execution.organization_id = ANY(%s::uuid[])
            """,
            [
                [parse_id("rex", execution.id) for execution in executions],
                [str(execution.status) for execution in executions],
                [execution.attempts for execution in executions],
                [execution.decided_at for execution in executions],
                [execution.next_attempt_at for execution in executions],
                [execution.step_index_matched for execution in executions],
                [execution.conditions_not_met for execution in executions],
                [execution.attempted for execution in executions],
                [execution.failed_without_transfer for execution in executions],
                [execution.error_message for execution in executions],
                [json.dumps(row.trace, ensure_ascii=False, separators=(",", ":")) for row in executions],
                owners,
            ],
        )


def _fetch(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def sum_moved(
    windows: Sequence[Window],
    *,
    made_until: datetime | None = None,
    fetch: Callable[[str, Sequence[Any]], list[tuple[Any, ...]]] = _fetch,
) -> list[Sum]:
    """Return what each window's rule moved in it by each action's key and group; what failed does not count.

    The group is None of what another version of the rule moved. ``made_until`` leaves out what was moved later, and
    ``fetch`` reads it from somewhere else.
    """
    if not windows:
        return []
    rows = fetch(
        f"""
        SELECT asked.number::int, move.action_key,
            CASE WHEN execution.version_id = asked.version_id THEN move.group_index END AS group_index,
            sum(transfer.amount_cents)
        FROM unnest(%s::uuid[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
            WITH ORDINALITY AS asked (rule_id, version_id, begins_at, ends_at, number)
        JOIN rules_rulemove move ON move.rule_id = asked.rule_id
            AND move.counted_at >= asked.begins_at AND move.counted_at < asked.ends_at AND move.made_at <= %s
            {swept_sql("move.organization_id")}
        JOIN rules_ruleexecution execution ON execution.id = move.execution_id
            {swept_sql("execution.organization_id")}
        JOIN transfers_transfer transfer ON transfer.id = move.transfer_id AND transfer.status = ANY (%s)
            {swept_sql("transfer.organization_id")}
        GROUP BY 1, 2, 3
        """,  # noqa: S608 - an id of ours
        [
            [parse_id("rule", window.rule_id) for window in windows],
            [window.version_id for window in windows],
            [window.begins_at for window in windows],
            [window.ends_at for window in windows],
            made_until or END_OF_TIME,
            [str(status) for status in MOVED],
        ],
    )
    # The sum is a numeric: a thousand of the largest transfers are more than a bigint.
    return [(windows[number - 1], key, group, int(cents)) for number, key, group, cents in rows]


def insert_moves(moves: Sequence[RuleMove]) -> None:
    """Insert the moves, which have no ids afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rules_rulemove (organization_id, execution_id, transfer_id, rule_id, step_index, action_index,
                group_index, limit_period, action_key, made_at, counted_at)
            SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::int[],
                %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
            """,
            [
                [parse_id("org", move.organization_id) for move in moves],
                [parse_id("rex", move.execution_id) for move in moves],
                [parse_id("txr", move.transfer_id) for move in moves],
                [parse_id("rule", move.rule_id) for move in moves],
                [move.step_index for move in moves],
                [move.action_index for move in moves],
                [move.group_index for move in moves],
                [move.limit_period for move in moves],
                [move.action_key for move in moves],
                [move.made_at for move in moves],
                [move.counted_at for move in moves],
            ],
        )
