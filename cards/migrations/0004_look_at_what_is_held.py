from django.db import migrations

from sequence.core.database.foreign_keys import validated


class Migration(migrations.Migration):
    dependencies = [("cards", "0003_hold_within_the_organization")]

    operations = [
        validated("organization", "cards_cardtransaction", "account_id"),
    ]
