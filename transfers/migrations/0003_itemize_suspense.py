from django.db import migrations

# Triggers make the items of postings from now on.
FILL_IN = """
    INSERT INTO transfers_suspenseitem (organization_id, posting_id, amount_cents, arose_at)
    SELECT organization_id, id, amount_cents, posted_at FROM transfers_posting WHERE clearing = 'suspense'
"""


class Migration(migrations.Migration):
    dependencies = [("transfers", "0002_work_off_what_waits")]

    operations = [migrations.RunSQL(FILL_IN, migrations.RunSQL.noop)]
