"""Composite foreign keys, which Django's models cannot say: a row that crosses organizations cannot be inserted."""

from django.db import migrations


def same_organization(table: str, column: str, target: str) -> migrations.RunSQL:
    """What ``column`` of ``table`` refers to belongs to the row's organization."""
    name = f"{table}_{column}_of_same_organization"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (organization_id, {column})"
        f" REFERENCES {target} (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("transfers", "0001_initial"),
        ("apikeys", "0002_keep_rows_within_their_organization"),
    ]

    operations = [
        same_organization("transfers_transfer", "source_id", "accounts_account"),
        same_organization("transfers_transfer", "destination_id", "accounts_account"),
        same_organization("transfers_transfer", "api_key_id", "apikeys_apikey"),
        same_organization("transfers_entryset", "transfer_id", "transfers_transfer"),
        same_organization("transfers_posting", "entry_set_id", "transfers_entryset"),
        same_organization("transfers_posting", "account_id", "accounts_account"),
    ]
