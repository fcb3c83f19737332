"""Counters that knew cents alone learn how many transfers those were: what failed or was cancelled is given back."""

from django.db import migrations

COUNT = """
UPDATE apikeys_spendcounter counter SET uses = made.uses
FROM (
    SELECT counter.id, count(*) AS uses
    FROM apikeys_spendcounter counter JOIN transfers_transfer transfer ON transfer.spend_id = counter.spend_id
    WHERE transfer.status NOT IN ('incomplete', 'error', 'cancelled')
      AND date_trunc(counter.period, transfer.created_at AT TIME ZONE 'UTC')::date = counter.starts_on
    GROUP BY counter.id
) made
WHERE made.id = counter.id
"""


class Migration(migrations.Migration):
    dependencies = [("transfers", "0007_serve_the_lists_of_staff"), ("apikeys", "0008_keep_what_entries_used")]

    operations = [migrations.RunSQL(COUNT, migrations.RunSQL.noop)]
