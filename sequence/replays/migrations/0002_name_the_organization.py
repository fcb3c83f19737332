import django.db.models.deletion
from django.db import migrations, models

from sequence.core.database.foreign_keys import of_same


class Migration(migrations.Migration):
    dependencies = [
        ("replays", "0001_initial"),
        ("rules", "0008_name_the_organization"),
    ]

    operations = [
        migrations.AlterField(
            model_name="rulereplay",
            name="version",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="rules.ruleversion",
            ),
        ),
        of_same("organization", "replays_rulereplay", "version_id", "rules_ruleversion"),
    ]
