from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0006_name_the_organization"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="callinprogress",
            name="call_in_progress_told_once",
        ),
        migrations.RemoveConstraint(
            model_name="idempotencyrecord",
            name="idempotency_key_used_once",
        ),
        migrations.RemoveConstraint(
            model_name="spendcounter",
            name="spend_counter_of_one_period",
        ),
        migrations.AddConstraint(
            model_name="callinprogress",
            constraint=models.UniqueConstraint(
                fields=("lineage_id", "key", "endpoint", "organization"), name="call_in_progress_told_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="idempotencyrecord",
            constraint=models.UniqueConstraint(
                fields=("lineage_id", "key", "endpoint", "organization"), name="idempotency_key_used_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="spendcounter",
            constraint=models.UniqueConstraint(
                fields=("spend_id", "period", "starts_on", "organization"), name="spend_counter_of_one_period"
            ),
        ),
    ]
