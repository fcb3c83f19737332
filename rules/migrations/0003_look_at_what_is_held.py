from django.db import migrations

from sequence.core.database.foreign_keys import validated


class Migration(migrations.Migration):
    dependencies = [("rules", "0002_hold_within_the_organization")]

    operations = [
        validated("organization", "rules_ruleexecution", "chain_root_id"),
    ]
