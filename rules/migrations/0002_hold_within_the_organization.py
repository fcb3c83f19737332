import django.db.models.deletion
from django.db import migrations, models

from sequence.core.database.foreign_keys import of_same


class Migration(migrations.Migration):
    dependencies = [
        ("rules", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ruleexecution",
            name="chain_root",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="rules.ruleexecution",
            ),
        ),
        of_same("organization", "rules_ruleexecution", "chain_root_id", "rules_ruleexecution", from_now_on=True),
    ]
