from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0007_widen_keys_by_the_organization"),
        ("sequence", "0005_read_events_by_cursors"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="callsbeyondlimit",
            name="calls_beyond_limit_of_one_minute",
        ),
        migrations.RemoveConstraint(
            model_name="pendingdelivery",
            name="webhook_pending_once",
        ),
        migrations.AddConstraint(
            model_name="callsbeyondlimit",
            constraint=models.UniqueConstraint(
                fields=("actor", "ends_at", "organization"), name="calls_beyond_limit_of_one_minute"
            ),
        ),
        migrations.AddConstraint(
            model_name="pendingdelivery",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "event_id", "organization"), name="webhook_pending_once"
            ),
        ),
    ]
