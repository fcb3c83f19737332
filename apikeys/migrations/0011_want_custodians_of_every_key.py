"""Composite foreign keys, which Django's models cannot say: whoever a key names as its maker or changer is a custodian."""

from django.db import migrations


def refers(table: str, columns: str, target: str, target_columns: str, name: str) -> migrations.RunSQL:
    """PostgreSQL refuses a row of ``table`` whose columns are no row's of ``target``, when the transaction commits."""
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns})"
        f" REFERENCES {target} ({target_columns}) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def is_custodian(column: str) -> migrations.RunSQL:
    """No code that names somebody on a key can forget to make them its custodian."""
    return refers(
        "apikeys_apikey",
        f"organization_id, lineage_id, {column}",
        "apikeys_keycustodian",
        "organization_id, lineage_id, actor",
        f"apikeys_apikey_{column}_is_custodian",
    )


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0010_fill_in_custodians")]

    operations = [
        refers(
            "apikeys_keycustodian",
            "organization_id, lineage_id",
            "apikeys_apikey",
            "organization_id, id",
            "apikeys_keycustodian_lineage_id_of_same_organization",
        ),
        is_custodian("created_by"),
        is_custodian("permissions_changed_by"),
    ]
