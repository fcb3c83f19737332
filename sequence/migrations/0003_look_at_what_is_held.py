from django.db import migrations

from sequence.core.database.foreign_keys import validated


class Migration(migrations.Migration):
    dependencies = [("sequence", "0002_hold_within_the_organization")]

    operations = [
        validated("organization", "sequence_pendingdelivery", "endpoint_id"),
        validated("organization", "sequence_webhookdelivery", "endpoint_id"),
    ]
