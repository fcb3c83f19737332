"""Rules and their runs; at the end what Django's models cannot say: rows that cross organizations are refused."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import rules.engine.vocabulary
import rules.models.rule
import sequence.core.api.ids
import sequence.core.clock
from django.db import migrations, models
from sequence.core.database.foreign_keys import of_same


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("apikeys", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        ("transfers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Rule",
            fields=[
                (
                    "id",
                    sequence.core.api.ids.PrefixedIdField("rule", editable=False, primary_key=True, serialize=False),
                ),
                ("nickname", models.CharField(max_length=100, null=True)),
                ("description", models.CharField(max_length=500, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("enabled", "Enabled"), ("disabled", "Disabled")], default="disabled", max_length=10
                    ),
                ),
                (
                    "trigger_type",
                    models.CharField(
                        choices=[
                            ("MANUAL", "Manual"),
                            ("ON_FUNDS_TRANSFERRED", "On Funds Transferred"),
                            ("SCHEDULED", "Scheduled"),
                        ],
                        max_length=25,
                    ),
                ),
                ("definition", rules.models.rule.OrderedJSONField()),
                ("account_ids", models.JSONField(default=list)),
                ("version", models.PositiveIntegerField(default=1)),
                ("enabled_at", models.DateTimeField(null=True)),
                ("enabled_by", models.CharField(max_length=200, null=True)),
                ("enabled_version", models.PositiveIntegerField(null=True)),
                ("next_slot_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now)),
                ("updated_at", models.DateTimeField(default=sequence.core.clock.now)),
                ("deleted_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rules",
                        to="apikeys.organization",
                    ),
                ),
                (
                    "trigger_account",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "permissions": [("enable_rule", "Can enable and disable rule"), ("simulate_rule", "Can simulate rule")],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["organization", "created_at", "id"], name="rule_list"),
                    django.contrib.postgres.indexes.GinIndex(fields=["account_ids"], name="rule_accounts"),
                    models.Index(
                        condition=models.Q(("status", "enabled")), fields=["next_slot_at", "id"], name="rule_due"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="rule_within_organization"),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("status", "enabled"),
                            ("trigger_type", rules.engine.vocabulary.TriggerType["ON_FUNDS_TRANSFERRED"]),
                        ),
                        fields=("trigger_account",),
                        name="rule_one_enabled_for_arriving_funds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("deleted_at", None), ("status", "disabled"), _connector="OR"),
                        name="rule_deleted_is_disabled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status", "disabled"),
                            models.Q(("enabled_at__isnull", False), ("enabled_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="rule_enabled_by_somebody",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="status_follows_its_path",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE _is_valid_transition BOOLEAN;",
                            func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{disabled:enabled,enabled:disabled}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                            hash="c00799212b5660572cf9aeb7c9e07fa32b3f035e",
                            operation="UPDATE",
                            pgid="pgtrigger_status_follows_its_path_8c898",
                            table="rules_rule",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="b9ce0ee25fabd2a9fe0297dfb9ab78d11899cdf1",
                            operation="DELETE",
                            pgid="pgtrigger_is_never_deleted_e8406",
                            table="rules_rule",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="changes_only_while_disabled",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (\n    OLD.deleted_at IS NOT NULL\n    OR NEW.version < OLD.version\n    OR NEW.organization_id <> OLD.organization_id\n    OR NEW.status = 'enabled' AND NEW.enabled_version IS DISTINCT FROM NEW.version\n)",
                            func="\n    RAISE EXCEPTION 'Rule % is deleted, or its change passes the review by.', OLD.id USING ERRCODE = '23514';\n",
                            hash="f7e7640518a8f4eedfe427913359f1daec3ac55b",
                            operation="UPDATE",
                            pgid="pgtrigger_changes_only_while_disabled_0a07c",
                            table="rules_rule",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_it",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'rule.created' AS event, jsonb_build_object('rule_id', NEW.id) AS data, NEW.created_at AS at) AS news;\n RETURN NULL;",
                            hash="8cce3abd588a0e67657b9e51421135eaef2396ee",
                            operation="INSERT",
                            pgid="pgtrigger_tells_of_it_a3687",
                            table="rules_rule",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_it_is_replaced",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.version > OLD.version)",
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'rule.replaced' AS event, jsonb_build_object('rule_id', NEW.id) AS data, NEW.updated_at AS at) AS news;\n RETURN NULL;",
                            hash="89b9f2ba1c562be57ce85312c0e990e49a61249a",
                            operation="UPDATE",
                            pgid="pgtrigger_tells_it_is_replaced_6a41f",
                            table="rules_rule",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_it_is_enabled",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.status = 'disabled' AND NEW.status = 'enabled')",
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'rule.enabled' AS event, jsonb_build_object('rule_id', NEW.id) AS data, NEW.updated_at AS at) AS news;\n RETURN NULL;",
                            hash="3b38f71d600bdce708ad6b28ef82679488de2f8c",
                            operation="UPDATE",
                            pgid="pgtrigger_tells_it_is_enabled_605b3",
                            table="rules_rule",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_it_is_disabled",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.status = 'enabled' AND NEW.status = 'disabled' AND NEW.deleted_at IS NULL)",
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'rule.disabled' AS event, jsonb_build_object('rule_id', NEW.id) AS data, NEW.updated_at AS at) AS news;\n RETURN NULL;",
                            hash="177df3f0737be133e0a66cc7b39e897e035d9d59",
                            operation="UPDATE",
                            pgid="pgtrigger_tells_it_is_disabled_e21e7",
                            table="rules_rule",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_it_is_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)",
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'rule.deleted' AS event, jsonb_build_object('rule_id', NEW.id) AS data, NEW.updated_at AS at) AS news;\n RETURN NULL;",
                            hash="5f2628840e95ab2067dafcbc861062ec84ee2fae",
                            operation="UPDATE",
                            pgid="pgtrigger_tells_it_is_deleted_1a4b6",
                            table="rules_rule",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "rules_ruleidnicknamedescriptionstatusversionenabledbyenable823f" ("deleted_at", "description", "enabled_by", "enabled_version", "id", "nickname", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "updated_at", "version") VALUES (NEW."deleted_at", NEW."description", NEW."enabled_by", NEW."enabled_version", NEW."id", NEW."nickname", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."status", NEW."updated_at", NEW."version"); RETURN NULL;',
                            hash="8522eb721d785d14dfbe085f0c49b1418906db2d",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_8cb96",
                            table="rules_rule",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."deleted_at" IS DISTINCT FROM (NEW."deleted_at") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."enabled_by" IS DISTINCT FROM (NEW."enabled_by") OR OLD."enabled_version" IS DISTINCT FROM (NEW."enabled_version") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."nickname" IS DISTINCT FROM (NEW."nickname") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."updated_at" IS DISTINCT FROM (NEW."updated_at") OR OLD."version" IS DISTINCT FROM (NEW."version"))',
                            func='INSERT INTO "rules_ruleidnicknamedescriptionstatusversionenabledbyenable823f" ("deleted_at", "description", "enabled_by", "enabled_version", "id", "nickname", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "updated_at", "version") VALUES (NEW."deleted_at", NEW."description", NEW."enabled_by", NEW."enabled_version", NEW."id", NEW."nickname", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."status", NEW."updated_at", NEW."version"); RETURN NULL;',
                            hash="96ac735689579c54e9cb1d2c56ce767fb517244e",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_29cd2",
                            table="rules_rule",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("nickname", models.CharField(max_length=100, null=True)),
                ("description", models.CharField(max_length=500, null=True)),
                ("definition", rules.models.rule.OrderedJSONField()),
                ("created_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now)),
                (
                    "rule",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="rules.rule",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["rule", "-created_at", "-id"], name="rule_version_list")],
                "constraints": [models.UniqueConstraint(fields=("rule", "number"), name="rule_version_number_once")],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="is_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="f9d70a3cf2f994a5c5f9356b9d14740c2150bff7",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_is_append_only_28eba",
                            table="rules_ruleversion",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleExecution",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("rex", editable=False, primary_key=True, serialize=False)),
                ("rule_name", models.CharField(max_length=100, null=True)),
                (
                    "mode",
                    models.CharField(
                        choices=[("live", "Live"), ("simulation", "Simulation")], default="live", max_length=10
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("in_progress", "In Progress"),
                            ("executed", "Executed"),
                            ("partial", "Partial"),
                            ("failed", "Failed"),
                        ],
                        default="in_progress",
                        max_length=15,
                    ),
                ),
                (
                    "trigger_type",
                    models.CharField(
                        choices=[
                            ("MANUAL", "Manual"),
                            ("ON_FUNDS_TRANSFERRED", "On Funds Transferred"),
                            ("SCHEDULED", "Scheduled"),
                        ],
                        max_length=25,
                    ),
                ),
                ("incoming_cents", models.BigIntegerField(null=True)),
                ("pretends_balance", models.BooleanField(db_default=False, default=False)),
                ("scheduled_at", models.DateTimeField(null=True)),
                ("request_id", models.CharField(max_length=128, null=True)),
                ("started_by", models.CharField(max_length=200, null=True)),
                ("hops", models.PositiveIntegerField(default=1)),
                ("chain_runs", models.PositiveIntegerField(default=1)),
                ("chain_number", models.PositiveIntegerField(default=1)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("decided_at", models.DateTimeField(null=True)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("step_index_matched", models.PositiveIntegerField(null=True)),
                ("conditions_not_met", models.BooleanField(default=False)),
                ("attempted", models.PositiveIntegerField(default=0)),
                ("failed_without_transfer", models.PositiveIntegerField(default=0)),
                ("error_message", models.TextField(null=True)),
                ("trace", rules.models.rule.OrderedJSONField(default=dict)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now)),
                (
                    "chain_root",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rules.ruleexecution",
                    ),
                ),
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
                        related_name="executions",
                        to="rules.rule",
                    ),
                ),
                (
                    "trigger_transfer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="transfers.transfer",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="rules.ruleversion"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="status_follows_its_path",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE _is_valid_transition BOOLEAN;",
                            func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{in_progress:executed,in_progress:partial,in_progress:failed}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                            hash="bbde6c758a95908963740c3f4f5d4d753285e755",
                            operation="UPDATE",
                            pgid="pgtrigger_status_follows_its_path_e3003",
                            table="rules_ruleexecution",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="b4e28cb4caa96cd6095a8f007156cd3f1c3761b6",
                            operation="DELETE",
                            pgid="pgtrigger_is_never_deleted_9168e",
                            table="rules_ruleexecution",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="stays_what_was_started",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."rule_id" IS DISTINCT FROM (NEW."rule_id") OR OLD."version_id" IS DISTINCT FROM (NEW."version_id") OR OLD."rule_name" IS DISTINCT FROM (NEW."rule_name") OR OLD."mode" IS DISTINCT FROM (NEW."mode") OR OLD."trigger_type" IS DISTINCT FROM (NEW."trigger_type") OR OLD."trigger_transfer_id" IS DISTINCT FROM (NEW."trigger_transfer_id") OR OLD."incoming_cents" IS DISTINCT FROM (NEW."incoming_cents") OR OLD."pretends_balance" IS DISTINCT FROM (NEW."pretends_balance") OR OLD."scheduled_at" IS DISTINCT FROM (NEW."scheduled_at") OR OLD."request_id" IS DISTINCT FROM (NEW."request_id") OR OLD."started_by" IS DISTINCT FROM (NEW."started_by") OR OLD."hops" IS DISTINCT FROM (NEW."hops") OR OLD."chain_root_id" IS DISTINCT FROM (NEW."chain_root_id") OR OLD."chain_number" IS DISTINCT FROM (NEW."chain_number") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at"))',
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="5337bf5fc87b86d0e48b2f9cd48b05aedca53c5f",
                            operation="UPDATE",
                            pgid="pgtrigger_stays_what_was_started_48090",
                            table="rules_ruleexecution",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_ended_ones",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT fresh.organization_id, 'rule_execution.finished' AS event, jsonb_build_object(\n    'rule_execution_id', fresh.id, 'rule_id', fresh.rule_id, 'status', fresh.status,\n    'conditions_not_met', fresh.conditions_not_met\n) AS data, now() AS at\nFROM fresh WHERE fresh.mode = 'live' AND fresh.status <> 'in_progress' AND true) AS news;\n RETURN NULL;",
                            hash="5296a0216664c9082ecfb2145c08e70be22cd7a2",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_tells_of_ended_ones_3735d",
                            referencing="REFERENCING NEW TABLE AS fresh ",
                            table="rules_ruleexecution",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_its_end",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT fresh.organization_id, 'rule_execution.finished' AS event, jsonb_build_object(\n    'rule_execution_id', fresh.id, 'rule_id', fresh.rule_id, 'status', fresh.status,\n    'conditions_not_met', fresh.conditions_not_met\n) AS data, now() AS at\nFROM fresh JOIN stale USING (id) WHERE fresh.mode = 'live' AND fresh.status <> 'in_progress' AND stale.status = 'in_progress') AS news;\n RETURN NULL;",
                            hash="4c427b7137b696f0b5ee8e161f2bf2805a82c58d",
                            level="STATEMENT",
                            operation="UPDATE",
                            pgid="pgtrigger_tells_of_its_end_11f53",
                            referencing="REFERENCING OLD TABLE AS stale  NEW TABLE AS fresh ",
                            table="rules_ruleexecution",
                            when="AFTER",
                        ),
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("trigger_transfer",), name="execution_once_for_a_deposit"),
                    models.UniqueConstraint(fields=("rule", "scheduled_at"), name="execution_once_for_a_slot"),
                    models.CheckConstraint(
                        condition=models.Q(("status", "in_progress"), ("decided_at__isnull", False), _connector="OR"),
                        name="execution_ends_decided",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["rule", "-created_at", "-id"], name="execution_list"),
                    models.Index(fields=["-created_at", "-id"], name="execution_of_any_rule"),
                    models.Index(
                        condition=models.Q(("status", "in_progress")), fields=["created_at", "id"], name="execution_due"
                    ),
                    models.Index(fields=["request_id"], name="execution_by_request"),
                    models.Index(
                        condition=models.Q(("status__in", ("partial", "failed"))),
                        fields=["decided_at"],
                        name="execution_failed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleIdNicknameDescriptionStatusVersionEnabledByEnabledVersionDeletedAtEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("updated_at", models.DateTimeField(null=True)),
                ("id", sequence.core.api.ids.PrefixedIdField("rule", editable=False, serialize=False)),
                ("nickname", models.CharField(max_length=100, null=True)),
                ("description", models.CharField(max_length=500, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("enabled", "Enabled"), ("disabled", "Disabled")], default="disabled", max_length=10
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("enabled_by", models.CharField(max_length=200, null=True)),
                ("enabled_version", models.PositiveIntegerField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="rules.rule",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="e04199d8850d5f733e8e844cc594efadba89b965",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_419cb",
                            table="rules_ruleidnicknamedescriptionstatusversionenabledbyenable823f",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("step_index", models.PositiveIntegerField()),
                ("action_index", models.PositiveIntegerField()),
                ("group_index", models.PositiveIntegerField()),
                ("limit_period", models.CharField(max_length=15, null=True)),
                ("action_key", models.CharField(max_length=150)),
                ("made_at", models.DateTimeField()),
                ("counted_at", models.DateTimeField()),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="moves", to="rules.ruleexecution"
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="rules.rule"
                    ),
                ),
                (
                    "transfer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="transfers.transfer"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["rule", "counted_at"], name="rule_move_by_count")],
            },
        ),
        # Not among the model's own, since a table with a default of the database's gets those at the end of a migration.
        migrations.AddConstraint(
            model_name="ruleexecution",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="execution_within_organization"),
        ),
        of_same("organization", "rules_rule", "trigger_account_id", "accounts_account"),
        of_same("organization", "rules_ruleexecution", "rule_id", "rules_rule"),
        of_same("organization", "rules_ruleexecution", "trigger_transfer_id", "transfers_transfer"),
        of_same("organization", "transfers_transfer", "rule_id", "rules_rule"),
        of_same("organization", "transfers_transfer", "rule_execution_id", "rules_ruleexecution"),
    ]
