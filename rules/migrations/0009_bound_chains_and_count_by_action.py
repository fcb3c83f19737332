import django.db.models.deletion
from django.db import migrations, models

_EVENT = "ruleidnicknamedescriptionstatusversionenabledbyenabledversiondeletedatevent"


class Migration(migrations.Migration):
    dependencies = [("rules", "0008_say_what_moved_by_which_action")]

    operations = [
        migrations.AlterField("rulemove", "action_key", models.CharField(max_length=150)),
        migrations.AlterField("rulemove", "counted_at", models.DateTimeField()),
        migrations.RemoveIndex("rulemove", "rule_move_by_time"),
        migrations.AddIndex("rulemove", models.Index(fields=["rule", "counted_at"], name="rule_move_by_count")),
        migrations.AddField("ruleexecution", "chain_number", models.PositiveIntegerField(default=1)),
        migrations.AddField("ruleexecution", "chain_runs", models.PositiveIntegerField(default=1)),
        migrations.AddField(
            "ruleexecution",
            "chain_root",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="rules.ruleexecution",
            ),
        ),
        migrations.AlterField("rule", "enabled_by", models.CharField(max_length=200, null=True)),
        migrations.AlterField(_EVENT, "enabled_by", models.CharField(max_length=200, null=True)),
        migrations.AlterField("ruleversion", "created_by", models.CharField(max_length=200)),
    ]
