from django.db import migrations

# Nothing arrives and nothing is numbered while what was marked becomes a cursor.
HOLD = "LOCK TABLE transfers_transfer, sequence_event, sequence_eventcounter IN SHARE ROW EXCLUSIVE MODE"
# So that no event of an arrival that was noticed comes after the cursor.
NUMBER = """
WITH counters AS (
    INSERT INTO sequence_eventcounter AS counter (organization_id, last_sequence)
    SELECT organization_id, count(*) FROM sequence_event WHERE sequence IS NULL GROUP BY organization_id
    ON CONFLICT (organization_id) DO UPDATE SET last_sequence = counter.last_sequence + excluded.last_sequence
    RETURNING organization_id, last_sequence
), numbered AS (
    SELECT event.id, counters.last_sequence + 1 - row_number() OVER (
        PARTITION BY event.organization_id ORDER BY event.position DESC
    ) AS sequence
    FROM sequence_event AS event JOIN counters USING (organization_id) WHERE event.sequence IS NULL
)
UPDATE sequence_event AS event SET sequence = numbered.sequence FROM numbered WHERE event.id = numbered.id
"""
READERS = """
INSERT INTO sequence_eventreader (organization_id, name, after_sequence)
SELECT organization_id, 'rules', coalesce(counter.last_sequence, 0)
FROM (SELECT DISTINCT organization_id FROM rules_rule WHERE enabled_at IS NOT NULL) AS routed
LEFT JOIN sequence_eventcounter AS counter USING (organization_id)
"""
# What nobody has noticed yet waits by itself, as what a worker has set aside does.
UNNOTICED = """
INSERT INTO rules_arrivallook (transfer_id, organization_id, looked_at)
SELECT id, organization_id, NULL FROM transfers_transfer
WHERE completed_at IS NOT NULL AND destination_id IS NOT NULL AND arrival_noticed_at IS NULL
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("rules", "0006_keep_when_arrivals_were_looked_at"),
        ("sequence", "0005_read_events_by_cursors"),
    ]

    operations = [migrations.RunSQL([HOLD, NUMBER, READERS, UNNOTICED])]
