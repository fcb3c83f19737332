import django.db.models.deletion
from django.db import migrations, models

from sequence.core.database.foreign_keys import of_same


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0003_count_without_overflow"),
        ("sequence", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="pendingdelivery",
            name="endpoint",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="sequence.webhookendpoint",
            ),
        ),
        migrations.AlterField(
            model_name="webhookdelivery",
            name="endpoint",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="sequence.webhookendpoint",
            ),
        ),
        migrations.AlterField(
            model_name="webhookendpoint",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.organization"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.UniqueConstraint(
                fields=("organization", "id"), name="webhook_endpoint_within_organization"
            ),
        ),
        of_same(
            "organization", "sequence_pendingdelivery", "endpoint_id", "sequence_webhookendpoint", from_now_on=True
        ),
        of_same(
            "organization", "sequence_webhookdelivery", "endpoint_id", "sequence_webhookendpoint", from_now_on=True
        ),
    ]
