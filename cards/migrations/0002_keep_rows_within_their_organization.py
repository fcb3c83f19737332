"""Composite foreign keys, which Django's models cannot say: a row that crosses organizations cannot be inserted.

Nor can a transaction that names another pod than its card's, or a refund of another card's purchase.
"""

from django.db import migrations


def same(owner: str, table: str, column: str, target: str) -> migrations.RunSQL:
    """What ``column`` of ``table`` refers to belongs to the row's ``owner``."""
    name = f"{table}_{column}_of_same_{owner}"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({owner}_id, {column})"
        f" REFERENCES {target} ({owner}_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("cards", "0001_initial"),
        ("transfers", "0002_keep_rows_within_their_organization"),
    ]

    operations = [
        same("organization", "cards_card", "account_id", "accounts_account"),
        same("organization", "cards_cardtransaction", "card_id", "cards_card"),
        same("account", "cards_cardtransaction", "card_id", "cards_card"),
        same("card", "cards_cardtransaction", "purchase_id", "cards_cardtransaction"),
        same("organization", "cards_cardtransaction", "entry_set_id", "transfers_entryset"),
        same("organization", "cards_carddecline", "card_id", "cards_card"),
    ]
