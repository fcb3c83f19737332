import django.db.models.deletion
from django.db import migrations, models

from sequence.core.database.foreign_keys import of_same


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("cards", "0002_index_what_staff_search_for"),
    ]

    operations = [
        migrations.AlterField(
            model_name="cardtransaction",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.account",
            ),
        ),
        of_same("organization", "cards_cardtransaction", "account_id", "accounts_account", from_now_on=True),
    ]
