from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rules", "0005_serve_the_lists_of_staff"),
    ]

    operations = [
        migrations.AddField(
            model_name="ruleexecution",
            name="started_by",
            field=models.CharField(max_length=200, null=True),
        ),
    ]
