"""News of transfers: what their table tells of them, in SQL on a statement's rows. See ``sequence.core.events``."""

from transfers.models.states import APPROVAL_LIFETIME, Status

CREATED = f"""
SELECT organization_id, 'transfer.created' AS event, jsonb_build_object(
    'transfer_id', id, 'status', status, 'previous_status', NULL, 'rule_execution_id', rule_execution_id
) AS data, created_at AS at FROM fresh
UNION ALL
SELECT organization_id, 'transfer.approval_required', jsonb_build_object(
    'transfer_id', id, 'status', status, 'expires_at', created_at + interval '{APPROVAL_LIFETIME.days} days'
), created_at FROM fresh WHERE status = '{Status.PENDING_APPROVAL}'
"""  # noqa: S608 - only constants are put in

STATUS_CHANGED = """
SELECT fresh.organization_id, 'transfer.status_changed' AS event, jsonb_build_object(
    'transfer_id', fresh.id, 'status', fresh.status, 'previous_status', stale.status,
    'rule_execution_id', fresh.rule_execution_id
) AS data, fresh.updated_at AS at
FROM fresh JOIN stale USING (id) WHERE fresh.status <> stale.status
"""
