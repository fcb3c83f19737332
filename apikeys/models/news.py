"""News of limits: a counter tells when a limit of its entry is nearly used, and when all of it is, once a period each.

The entry is that of the lineage's newest key which has it. A counter that jumps over both marks tells of the last.
"""

from sequence.core.events.telling import record

# Four fifths by what is left of them: what was spent without a limit may be so much that no multiple of it is a bigint.
_MARKS = """
SELECT DISTINCT ON (counter.id) counter.id, counter.organization_id, counter.period, entry.api_key_id, entry.source,
    entry.target, CASE
        WHEN counter.spent_cents >= allowed.cents OR counter.uses >= allowed.uses THEN 100
        WHEN counter.spent_cents >= allowed.cents - allowed.cents / 5 OR counter.uses >= allowed.uses - allowed.uses / 5
        THEN 80
        ELSE 0
    END AS percent
FROM fresh AS counter
JOIN apikeys_permissionentry AS entry ON entry.spend_id = counter.spend_id
JOIN apikeys_apikey AS key ON key.id = entry.api_key_id AND key.revoked_at IS NULL
CROSS JOIN LATERAL (SELECT
    CASE counter.period
        WHEN 'day' THEN max_amount_per_day_cents WHEN 'week' THEN max_amount_per_week_cents
        ELSE max_amount_per_month_cents
    END AS cents,
    CASE counter.period
        WHEN 'day' THEN max_count_per_day WHEN 'week' THEN max_count_per_week ELSE max_count_per_month
    END AS uses
) AS allowed
WHERE counter.uses > 0
ORDER BY counter.id, key.created_at DESC, key.id DESC, entry.id
"""

_REACHED = """
SELECT organization_id, 'key.limit_reached' AS event, jsonb_build_object(
    'api_key_id', api_key_id, 'source', source, 'target', target, 'period', period, 'percent', percent
) AS data, now() AS at FROM reached
"""

# Its own UPDATE comes by here again, one level deeper, and has nothing to tell.
TELL_OF_LIMITS = f"""
    IF pg_trigger_depth() > 1 THEN
        RETURN NULL;
    END IF;
    WITH mark AS ({_MARKS.strip()}), reached AS (
        UPDATE apikeys_spendcounter AS counter SET told_percent = mark.percent
        FROM mark WHERE counter.id = mark.id AND mark.percent > counter.told_percent
        RETURNING mark.*
    )
    {record(_REACHED)}
    RETURN NULL;
"""  # noqa: S608 - only constants are put in
