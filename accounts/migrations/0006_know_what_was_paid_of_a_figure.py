from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_begin_with_nothing")]

    operations = [
        migrations.AddField("account", "paid_since_minimum_cents", models.BigIntegerField(default=0, editable=False)),
        migrations.AddField("account", "paid_since_statement_cents", models.BigIntegerField(default=0, editable=False)),
    ]
