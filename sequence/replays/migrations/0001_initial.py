"""Replays; at the end what Django's models cannot say: a replay is of a rule of its organization."""

import django.db.models.deletion
import rules.models.rule
import sequence.core.api.ids
import sequence.core.clock
from django.db import migrations, models
from sequence.core.database.foreign_keys import of_same


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("apikeys", "0001_initial"),
        ("rules", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RuleReplay",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("rpl", editable=False, primary_key=True, serialize=False)),
                ("definition", rules.models.rule.OrderedJSONField()),
                ("account_ids", models.JSONField()),
                ("from_at", models.DateTimeField()),
                ("to_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[("in_progress", "In Progress"), ("done", "Done"), ("failed", "Failed")],
                        default="in_progress",
                        max_length=15,
                    ),
                ),
                (
                    "error_code",
                    models.CharField(
                        choices=[("too_many_events", "Too Many Events"), ("unexpected_error", "Unexpected Error")],
                        max_length=50,
                        null=True,
                    ),
                ),
                ("asked_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("claim", models.UUIDField(null=True)),
                ("heard_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("events_seen", models.PositiveIntegerField(default=0)),
                ("result", rules.models.rule.OrderedJSONField(null=True)),
                ("days", rules.models.rule.OrderedJSONField(null=True)),
                ("digest", models.CharField(max_length=64, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="apikeys.organization",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replays",
                        to="rules.rule",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="rules.ruleversion"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["rule", "-created_at", "-id"], name="replay_list"),
                    models.Index(fields=["created_at"], name="replay_by_age"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "in_progress")),
                        fields=("organization",),
                        name="replay_one_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("from_at__lt", models.F("to_at"))), name="replay_goes_forward"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("error_code__isnull", False), ("status", "failed")),
                            models.Q(models.Q(("status", "failed"), _negated=True), ("error_code", None)),
                            _connector="OR",
                        ),
                        name="replay_error_code_when_it_failed",
                    ),
                ],
            },
        ),
        of_same("organization", "replays_rulereplay", "rule_id", "rules_rule"),
    ]
