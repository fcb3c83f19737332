from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rules", "0006_remember_who_asked")]

    operations = [
        migrations.AddField("rulemove", "action_key", models.CharField(max_length=150, null=True)),
        migrations.AddField("rulemove", "counted_at", models.DateTimeField(null=True)),
    ]
