from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transfers", "0011_fill_in_why_transfers_were_cancelled")]

    operations = [
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("cancel_reason__in", ["by_key", "rejected", "expired", "key_stopped", "organization_stopped"]),
                        ("cancel_reason__isnull", False),
                        ("status", "cancelled"),
                    ),
                    models.Q(models.Q(("status", "cancelled"), _negated=True), ("cancel_reason", None)),
                    _connector="OR",
                ),
                name="transfer_cancel_reason_when_cancelled",
            ),
        ),
    ]
