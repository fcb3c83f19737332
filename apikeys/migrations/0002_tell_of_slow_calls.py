import django.db.models.deletion
import sequence.core.api.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="CallInProgress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lineage_id", sequence.core.api.ids.PrefixedIdField("key", editable=False)),
                ("key", models.CharField(max_length=255)),
                ("endpoint", models.CharField(max_length=100)),
                ("method", models.CharField(max_length=10)),
                ("path", models.TextField()),
                ("request_id", models.CharField(max_length=128)),
                ("told_at", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="apikeys.organization",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("lineage_id", "key", "endpoint"), name="call_in_progress_told_once")
                ],
            },
        ),
        migrations.RunSQL(
            "ALTER TABLE apikeys_callinprogress SET UNLOGGED", "ALTER TABLE apikeys_callinprogress SET LOGGED"
        ),
    ]
