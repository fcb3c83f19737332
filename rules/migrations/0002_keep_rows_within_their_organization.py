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
        ("rules", "0001_initial"),
        ("transfers", "0002_keep_rows_within_their_organization"),
    ]

    operations = [
        same_organization("rules_rule", "trigger_account_id", "accounts_account"),
        same_organization("rules_ruleexecution", "rule_id", "rules_rule"),
        same_organization("rules_ruleexecution", "trigger_transfer_id", "transfers_transfer"),
        same_organization("transfers_transfer", "rule_id", "rules_rule"),
        same_organization("transfers_transfer", "rule_execution_id", "rules_ruleexecution"),
    ]
