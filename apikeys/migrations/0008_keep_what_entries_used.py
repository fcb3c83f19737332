"""Every pair that a key has or had an entry for goes on counting under the id it was counted by."""

from django.db import migrations

KEEP = """
INSERT INTO apikeys_spentpair (organization_id, lineage_id, source, target, spend_id)
SELECT DISTINCT ON (entry.spend_id) key.organization_id, key.lineage_id, entry.source, entry.target, entry.spend_id
FROM (
    SELECT api_key_id, source, target, spend_id, 0 AS age, id AS number FROM apikeys_permissionentry
    WHERE source IS NOT NULL
    UNION ALL
    SELECT api_key_id, source, target, spend_id, 1, pgh_id FROM apikeys_permissionentryevent WHERE source IS NOT NULL
) entry JOIN apikeys_apikey key ON key.id = entry.api_key_id
ORDER BY entry.spend_id, entry.age, entry.number DESC
"""
WITHIN = "apikeys_spentpair_lineage_id_of_same_organization"


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0007_limit_triggers")]

    operations = [
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
        migrations.RunSQL(
            f"ALTER TABLE apikeys_spentpair ADD CONSTRAINT {WITHIN} FOREIGN KEY (organization_id, lineage_id)"
            " REFERENCES apikeys_apikey (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            f"ALTER TABLE apikeys_spentpair DROP CONSTRAINT {WITHIN}",
        ),
    ]
