"""Custodians of the keys that are there, from the keys themselves and from their part of the audit trail."""

from django.db import migrations

# Who made and rotated them, who ever changed what they may do, and who edited their name, expiry or limit. A rotation
# shortens the old key's expiry too, so that the same person's deeds are told by the one that showed them a secret.
FILL_IN = """
INSERT INTO apikeys_keycustodian (organization_id, lineage_id, actor, how, since)
SELECT DISTINCT ON (organization_id, lineage_id, actor) organization_id, lineage_id, actor, how, since
FROM (
    SELECT organization_id, lineage_id, created_by AS actor,
           CASE WHEN replaces_id IS NULL THEN 'created' ELSE 'rotated' END AS how, created_at AS since
    FROM apikeys_apikey
    UNION ALL
    SELECT organization_id, lineage_id, permissions_changed_by, 'changed', permissions_changed_at
    FROM apikeys_apikey
    UNION ALL
    SELECT organization_id, lineage_id, permissions_changed_by, 'changed', permissions_changed_at
    FROM apikeys_apikeyevent
    UNION ALL
    SELECT organization_id, lineage_id, actor, 'changed', pgh_created_at
    FROM (
        SELECT organization_id, lineage_id, pgh_created_at, pgh_label, metadata ->> 'actor' AS actor,
               ROW(name, expires_at, rate_limit_per_minute) AS fields,
               LAG(ROW(name, expires_at, rate_limit_per_minute)) OVER (PARTITION BY pgh_obj_id ORDER BY pgh_id) AS before
        FROM apikeys_apikeyevent LEFT JOIN pghistory_context ON pghistory_context.id = pgh_context_id
    ) AS edits
    WHERE pgh_label = 'update' AND fields IS DISTINCT FROM before AND actor IS NOT NULL
) AS deeds
ORDER BY organization_id, lineage_id, actor, how = 'changed', since
"""


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0009_keep_custodians_of_keys"), ("pghistory", "0007_auto_20250421_0444")]

    operations = [migrations.RunSQL(FILL_IN, migrations.RunSQL.noop)]
