"""What Django's models cannot say: composite foreign keys, and a table that skips the write-ahead log."""

from django.db import migrations


def same_organization(table: str) -> migrations.RunSQL:
    """A row of ``table`` and its key belong to one organization; PostgreSQL refuses anything else."""
    name = f"{table}_key_of_same_organization"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (organization_id, api_key_id)"
        " REFERENCES apikeys_apikey (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0001_initial")]

    operations = [
        same_organization("apikeys_permissionentry"),
        same_organization("apikeys_idempotencyrecord"),
        migrations.RunSQL("ALTER TABLE apikeys_ratewindow SET UNLOGGED", "ALTER TABLE apikeys_ratewindow SET LOGGED"),
    ]
