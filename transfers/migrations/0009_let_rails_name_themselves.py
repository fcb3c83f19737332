from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transfers", "0008_count_what_entries_let_through")]

    operations = [
        migrations.AlterField("transfer", "rail", models.CharField(max_length=30)),
        migrations.AlterField("transfer", "decided_by", models.CharField(max_length=200, null=True)),
        migrations.AlterField("ledgercheck", "by", models.CharField(max_length=200)),
    ]
