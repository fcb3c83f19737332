"""Why transfers were cancelled, from who decided it: a program, a worker when nobody had, else a person."""

from django.db import migrations

FILL_IN = """
UPDATE transfers_transfer
SET cancel_reason = CASE WHEN decided_by LIKE 'key:%' THEN 'by_key'
                         WHEN decided_by = 'expired undecided' THEN 'expired' ELSE 'rejected' END
WHERE status = 'cancelled'
"""


class Migration(migrations.Migration):
    dependencies = [("transfers", "0010_say_why_transfers_are_cancelled")]

    operations = [migrations.RunSQL(FILL_IN, migrations.RunSQL.noop)]
