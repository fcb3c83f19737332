import rules.engine.vocabulary
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_read_the_trail_by_time"),
        ("apikeys", "0007_widen_keys_by_the_organization"),
        ("rules", "0008_name_the_organization"),
        ("transfers", "0008_name_the_organization"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="rule",
            name="rule_one_enabled_for_arriving_funds",
        ),
        migrations.RemoveConstraint(
            model_name="ruleexecution",
            name="execution_once_for_a_deposit",
        ),
        migrations.RemoveConstraint(
            model_name="ruleexecution",
            name="execution_once_for_a_slot",
        ),
        migrations.AddConstraint(
            model_name="rule",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("status", "enabled"), ("trigger_type", rules.engine.vocabulary.TriggerType["ON_FUNDS_TRANSFERRED"])
                ),
                fields=("trigger_account", "organization"),
                name="rule_one_enabled_for_arriving_funds",
            ),
        ),
        migrations.AddConstraint(
            model_name="ruleexecution",
            constraint=models.UniqueConstraint(
                fields=("trigger_transfer", "organization"), name="execution_once_for_a_deposit"
            ),
        ),
        migrations.AddConstraint(
            model_name="ruleexecution",
            constraint=models.UniqueConstraint(
                fields=("rule", "scheduled_at", "organization"), name="execution_once_for_a_slot"
            ),
        ),
    ]
