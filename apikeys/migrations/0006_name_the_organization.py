import django.db.models.deletion
from django.db import migrations, models

from sequence.core.database.foreign_keys import of_same


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0005_read_the_trail_by_time"),
    ]

    operations = [
        # What a key asked for in this minute, which is forgotten.
        migrations.RunSQL("TRUNCATE apikeys_ratewindow", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="ratewindow",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="apikeys.organization",
            ),
        ),
        migrations.AlterField(
            model_name="ratewindow",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.organization"
            ),
        ),
        migrations.AlterField(
            model_name="ratewindow",
            name="api_key",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="+",
                serialize=False,
                to="apikeys.apikey",
            ),
        ),
        of_same("organization", "apikeys_ratewindow", "api_key_id", "apikeys_apikey"),
        # To the model its key is the primary one.
        migrations.RunSQL(
            "ALTER TABLE apikeys_ratewindow DROP CONSTRAINT apikeys_ratewindow_pkey,"
            " ADD PRIMARY KEY (api_key_id, organization_id)",
            "ALTER TABLE apikeys_ratewindow DROP CONSTRAINT apikeys_ratewindow_pkey, ADD PRIMARY KEY (api_key_id)",
        ),
    ]
