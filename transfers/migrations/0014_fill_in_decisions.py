"""The decisions that the trail did not keep, noted as what they are: read from the transfers, by an upgrade."""

from django.db import migrations

FILL_IN = """
SELECT set_config('pghistory.context_id', gen_random_uuid()::text, true),
       set_config('pghistory.context_metadata',
                  '{"actor": "command:migrate", "reason": "decided before the trail kept decisions"}', true);
INSERT INTO transfers_transferdecision
    (pgh_created_at, pgh_label, pgh_obj_id, pgh_context_id, id, status, cancel_reason, decided_by, cancelled_by,
     decision_note, organization_id, amount_cents, source_id, destination_id)
SELECT now(), 'record', id, _pgh_attach_context(), id, status, cancel_reason, decided_by, cancelled_by,
       decision_note, organization_id, amount_cents, source_id, destination_id
FROM transfers_transfer transfer
WHERE (decided_by IS NOT NULL OR cancel_reason IS NOT NULL)
  AND (decided_by, cancelled_by, cancel_reason, decision_note) IS DISTINCT FROM (
      SELECT (event.decided_by, event.cancelled_by, event.cancel_reason, event.decision_note)
      FROM transfers_transferdecision event WHERE event.pgh_obj_id = transfer.id ORDER BY pgh_id DESC LIMIT 1
  )
ORDER BY decided_at, id;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("pghistory", "0007_auto_20250421_0444"),
        ("transfers", "0013_keep_what_was_asked_and_decided"),
    ]

    operations = [migrations.RunSQL(FILL_IN, migrations.RunSQL.noop)]
