"""Rows of executions and moves by hand-written SQL: one statement for a batch, whatever its size.

The one place of this app that has any. Tests hold each equal to the plain way: saving the rows one by one, adding up
the moves one by one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from rules.models import MOVED, RuleExecution, RuleMove
from sequence.core.api.ids import parse_id


def write_outcomes(executions: Sequence[RuleExecution]) -> None:
    """Write all that mutators of these executions may have changed. The caller holds their rows' locks."""
    if not executions:
        return
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
            WHERE execution.id = outcome.id
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
            ],
        )


@dataclass(frozen=True)
class Window:
    """A time in which a version of a rule counts what the rule has moved: from ``begins_at`` on, before ``ends_at``."""

    rule_id: str
    version_id: int
    begins_at: datetime
    ends_at: datetime


def sum_moved(windows: Sequence[Window]) -> list[tuple[Window, str, int | None, int]]:
    """Return what each window's rule moved in it by each action's key and group; what failed does not count.

    The group is None of what another version of the rule moved.
    """
    if not windows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.number::int, move.action_key,
                CASE WHEN execution.version_id = asked.version_id THEN move.group_index END AS group_index,
                sum(transfer.amount_cents)::bigint
            FROM unnest(%s::uuid[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
                WITH ORDINALITY AS asked (rule_id, version_id, begins_at, ends_at, number)
            JOIN rules_rulemove move ON move.rule_id = asked.rule_id
                AND move.counted_at >= asked.begins_at AND move.counted_at < asked.ends_at
            JOIN rules_ruleexecution execution ON execution.id = move.execution_id
            JOIN transfers_transfer transfer ON transfer.id = move.transfer_id AND transfer.status = ANY (%s)
            GROUP BY 1, 2, 3
            """,
            [
                [parse_id("rule", window.rule_id) for window in windows],
                [window.version_id for window in windows],
                [window.begins_at for window in windows],
                [window.ends_at for window in windows],
                [str(status) for status in MOVED],
            ],
        )
        return [(windows[number - 1], key, group, cents) for number, key, group, cents in cursor.fetchall()]


def insert_moves(moves: Sequence[RuleMove]) -> None:
    """Insert the moves, which have no ids afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rules_rulemove (execution_id, transfer_id, rule_id, step_index, action_index, group_index,
                limit_period, action_key, made_at, counted_at)
            SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::int[], %s::text[],
                %s::text[], %s::timestamptz[], %s::timestamptz[])
            """,
            [
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
