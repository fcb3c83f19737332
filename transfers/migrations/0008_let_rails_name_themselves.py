from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transfers", "0007_serve_the_lists_of_staff")]

    operations = [
        migrations.AlterField("transfer", "rail", models.CharField(max_length=30)),
        migrations.AlterField("transfer", "decided_by", models.CharField(max_length=200, null=True)),
        migrations.AlterField("ledgercheck", "by", models.CharField(max_length=200)),
    ]
