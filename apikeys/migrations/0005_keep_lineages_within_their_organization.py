"""What Django's models cannot say: a key, those before it, and what hangs on its lineage belong to one organization."""

from django.db import migrations


def same_organization(table: str, column: str) -> migrations.RunSQL:
    """``column`` of ``table`` names a key of the row's own organization; PostgreSQL refuses anything else."""
    name = f"{table}_{column}_of_same_organization"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (organization_id, {column})"
        " REFERENCES apikeys_apikey (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0004_add_staff_permissions_and_record_events")]

    operations = [
        same_organization("apikeys_apikey", "replaces_id"),
        same_organization("apikeys_apikey", "lineage_id"),
        same_organization("apikeys_idempotencyrecord", "lineage_id"),
    ]
