from django.db import migrations, transaction

# Triggers make the marks of postings from now on, and whoever posts locks the account: so does this, one at a time.
LOCK = "SELECT FROM accounts_account WHERE id = %s FOR NO KEY UPDATE"
FILL_IN = """
    INSERT INTO transfers_balancemark (posting_id, organization_id, account_id, posted_at, balance_cents)
    SELECT id, organization_id, account_id, posted_at, cents FROM (
        SELECT *, SUM(amount_cents) OVER (ORDER BY posted_at, id) AS cents FROM transfers_posting WHERE account_id = %s
    ) posted
    WHERE hashint8(id) %% 500 = 0
    ON CONFLICT DO NOTHING
"""


def fill_in(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT account_id FROM transfers_posting WHERE account_id IS NOT NULL AND hashint8(id) % 500 = 0"
        )
        for account in cursor.fetchall():
            with transaction.atomic(using=schema_editor.connection.alias):
                cursor.execute(LOCK, account)
                cursor.execute(FILL_IN, account)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("transfers", "0004_mark_balances")]

    operations = [migrations.RunPython(fill_in, migrations.RunPython.noop)]
