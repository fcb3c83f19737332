from django.db import migrations

# Of arrivals that a worker looked at later than they came and that started nothing: the look may have come after
# something that was why. Only where rules were ever enabled; whatever else there is was noticed as it came.
LOOKS = """
INSERT INTO rules_arrivallook (transfer_id, organization_id, looked_at)
SELECT id, organization_id, arrival_noticed_at FROM transfers_transfer AS transfer
WHERE arrival_noticed_at > completed_at
    AND organization_id IN (SELECT organization_id FROM rules_rule WHERE enabled_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM rules_ruleexecution WHERE trigger_transfer_id = transfer.id)
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("rules", "0005_keep_looks_at_arrivals"),
    ]

    operations = [migrations.RunSQL(LOOKS)]
