"""Keys, what they may do, and what they did; at the end what Django's models cannot say."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import sequence.core.api.ids
import sequence.core.clock
import uuid
from django.db import migrations, models
from sequence.core.database.foreign_keys import of_same, refers


def is_custodian(column: str) -> migrations.RunSQL:
    """No code that names somebody on a key can forget to make them its custodian."""
    return refers(
        "apikeys_apikey",
        ("organization_id", "lineage_id", column),
        "apikeys_keycustodian",
        ("organization_id", "lineage_id", "actor"),
        f"apikeys_apikey_{column}_is_custodian",
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("org", editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                (
                    "legal_name",
                    models.CharField(
                        help_text="The beneficiary of the accounts that are opened from now on.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("suspended", "Suspended")],
                        default="active",
                        help_text="Suspending it closes all its keys at their next request, and its rules start nothing.",
                        max_length=10,
                    ),
                ),
                ("suspended_at", models.DateTimeField(editable=False, null=True)),
                ("active_since", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "permissions": [("stop_organization", "Can stop organization")],
                "default_permissions": ("view", "add", "change"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["active", "suspended"])), name="organization_status_is_known"
                    )
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "apikeys_organizationevent" ("active_since", "created_at", "id", "legal_name", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "suspended_at", "updated_at") VALUES (NEW."active_since", NEW."created_at", NEW."id", NEW."legal_name", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."status", NEW."suspended_at", NEW."updated_at"); RETURN NULL;',
                            hash="f330040c4ae748b7382e138e3f0b4f2b9ce2ffe6",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_66549",
                            table="apikeys_organization",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func='INSERT INTO "apikeys_organizationevent" ("active_since", "created_at", "id", "legal_name", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "suspended_at", "updated_at") VALUES (NEW."active_since", NEW."created_at", NEW."id", NEW."legal_name", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."status", NEW."suspended_at", NEW."updated_at"); RETURN NULL;',
                            hash="b65c7edd17c721585bec2e883144352f01ebc38e",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_e8cbc",
                            table="apikeys_organization",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("key", editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(help_text="What uses this key, for people.", max_length=100)),
                ("prefix", models.CharField(editable=False, help_text="How the key begins.", max_length=20)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("lineage_id", sequence.core.api.ids.PrefixedIdField("key", db_index=True, editable=False)),
                (
                    "rate_limit_per_minute",
                    models.PositiveIntegerField(
                        blank=True, help_text="Requests a minute; empty means the default.", null=True
                    ),
                ),
                ("created_by", models.CharField(editable=False, max_length=200)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                ("expires_at", models.DateTimeField(blank=True, help_text="UTC; empty means never.", null=True)),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                ("paused_at", models.DateTimeField(editable=False, null=True)),
                ("paused_by", models.CharField(editable=False, max_length=200, null=True)),
                ("pause_note", models.CharField(editable=False, max_length=200, null=True)),
                ("permissions_changed_by", models.CharField(editable=False, max_length=200)),
                ("permissions_changed_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                (
                    "replaces",
                    models.OneToOneField(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="successor",
                        to="apikeys.apikey",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to="apikeys.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
                "permissions": [
                    ("stop_apikey", "Can pause and revoke API key"),
                    ("rotate_apikey", "Can rotate API key"),
                ],
                "default_permissions": ("view", "add", "change"),
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="tells_it_is_paused",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.paused_at IS NULL AND NEW.paused_at IS NOT NULL)",
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'key.paused' AS event, jsonb_build_object('api_key_id', NEW.id) AS data, coalesce(NEW.paused_at, now()) AS at) AS news;\n RETURN NULL;",
                            hash="e946f8f75f47eb455ae2cb9180a726ad45283b4b",
                            operation='UPDATE OF "paused_at"',
                            pgid="pgtrigger_tells_it_is_paused_f92e2",
                            table="apikeys_apikey",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_it_is_resumed",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL)",
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'key.resumed' AS event, jsonb_build_object('api_key_id', NEW.id) AS data, coalesce(NEW.paused_at, now()) AS at) AS news;\n RETURN NULL;",
                            hash="70fb934e9301070b554e76a21090a3a2b381f265",
                            operation='UPDATE OF "paused_at"',
                            pgid="pgtrigger_tells_it_is_resumed_bf0f5",
                            table="apikeys_apikey",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_it_is_revoked",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)",
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'key.revoked' AS event, jsonb_build_object('api_key_id', NEW.id) AS data, coalesce(NEW.revoked_at, now()) AS at) AS news;\n RETURN NULL;",
                            hash="9c34f32f2fda0f674150863d0c31e24a89325d0a",
                            operation='UPDATE OF "revoked_at"',
                            pgid="pgtrigger_tells_it_is_revoked_806ed",
                            table="apikeys_apikey",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "apikeys_apikeyevent" ("created_at", "created_by", "expires_at", "id", "lineage_id", "name", "organization_id", "pause_note", "paused_at", "paused_by", "permissions_changed_at", "permissions_changed_by", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "rate_limit_per_minute", "replaces_id", "revoked_at") VALUES (NEW."created_at", NEW."created_by", NEW."expires_at", NEW."id", NEW."lineage_id", NEW."name", NEW."organization_id", NEW."pause_note", NEW."paused_at", NEW."paused_by", NEW."permissions_changed_at", NEW."permissions_changed_by", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."prefix", NEW."rate_limit_per_minute", NEW."replaces_id", NEW."revoked_at"); RETURN NULL;',
                            hash="66c9f4f2d0449b8a276f62d7183f18a192338ac1",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_890e0",
                            table="apikeys_apikey",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by" IS DISTINCT FROM (NEW."created_by") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."lineage_id" IS DISTINCT FROM (NEW."lineage_id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."pause_note" IS DISTINCT FROM (NEW."pause_note") OR OLD."paused_at" IS DISTINCT FROM (NEW."paused_at") OR OLD."paused_by" IS DISTINCT FROM (NEW."paused_by") OR OLD."permissions_changed_at" IS DISTINCT FROM (NEW."permissions_changed_at") OR OLD."permissions_changed_by" IS DISTINCT FROM (NEW."permissions_changed_by") OR OLD."prefix" IS DISTINCT FROM (NEW."prefix") OR OLD."rate_limit_per_minute" IS DISTINCT FROM (NEW."rate_limit_per_minute") OR OLD."replaces_id" IS DISTINCT FROM (NEW."replaces_id") OR OLD."revoked_at" IS DISTINCT FROM (NEW."revoked_at"))',
                            func='INSERT INTO "apikeys_apikeyevent" ("created_at", "created_by", "expires_at", "id", "lineage_id", "name", "organization_id", "pause_note", "paused_at", "paused_by", "permissions_changed_at", "permissions_changed_by", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "rate_limit_per_minute", "replaces_id", "revoked_at") VALUES (NEW."created_at", NEW."created_by", NEW."expires_at", NEW."id", NEW."lineage_id", NEW."name", NEW."organization_id", NEW."pause_note", NEW."paused_at", NEW."paused_by", NEW."permissions_changed_at", NEW."permissions_changed_by", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."prefix", NEW."rate_limit_per_minute", NEW."replaces_id", NEW."revoked_at"); RETURN NULL;',
                            hash="5719b1170d14ca85fc37b6c9fd4d1a56879bbe1b",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_58a9e",
                            table="apikeys_apikey",
                            when="AFTER",
                        ),
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("rate_limit_per_minute", None), ("rate_limit_per_minute__gte", 1), _connector="OR"
                        ),
                        name="api_key_rate_limit_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("pause_note", None), ("paused_at", None), ("paused_by", None)),
                            models.Q(("paused_at__isnull", False), ("paused_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="api_key_paused_by_somebody",
                    ),
                    models.UniqueConstraint(fields=("organization", "id"), name="api_key_within_organization"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RateWindow",
            fields=[
                (
                    "api_key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="apikeys.apikey",
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("requests", models.PositiveIntegerField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lineage_id", sequence.core.api.ids.PrefixedIdField("key", editable=False)),
                ("key", models.CharField(max_length=255)),
                ("endpoint", models.CharField(db_default="", default="", max_length=100)),
                ("request_id", models.CharField(max_length=128)),
                ("method", models.CharField(max_length=10)),
                ("path", models.TextField()),
                ("request_body", models.TextField(help_text="Canonical JSON.")),
                ("response_status", models.PositiveSmallIntegerField(null=True)),
                ("response_body", models.TextField()),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "api_key",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="apikeys.apikey",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="apikeys.organization",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view", "delete"),
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="stays_in_one_dialect",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n                    IF EXISTS (\n                        SELECT FROM apikeys_idempotencyrecord other\n                        WHERE other.lineage_id = NEW.lineage_id AND other.key = NEW.key\n                            AND (other.endpoint = '') <> (NEW.endpoint = '') AND other.expires_at > NEW.created_at\n                    ) THEN\n                        RAISE EXCEPTION 'The key was used in another dialect.'\n                            USING ERRCODE = 'SQ003';\n                    END IF;\n                    RETURN NEW;\n                ",
                            hash="cd706bbda54adb6e2a15d99afd77be4f88ef0569",
                            operation="INSERT",
                            pgid="pgtrigger_stays_in_one_dialect_74047",
                            table="apikeys_idempotencyrecord",
                            when="BEFORE",
                        ),
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("lineage_id", "key", "endpoint"), name="idempotency_key_used_once"),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))), name="idempotency_record_lives"
                    ),
                ],
                "indexes": [
                    django.contrib.postgres.indexes.HashIndex(fields=["key"], name="idempotency_record_by_key"),
                    models.Index(fields=["request_id"], name="idempotency_record_by_request"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyRecordEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("lineage_id", sequence.core.api.ids.PrefixedIdField("key", editable=False)),
                ("key", models.CharField(max_length=255)),
                ("endpoint", models.CharField(db_default="", default="", max_length=100)),
                ("request_id", models.CharField(max_length=128)),
                ("method", models.CharField(max_length=10)),
                ("path", models.TextField()),
                ("response_status", models.PositiveSmallIntegerField(null=True)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now)),
                ("expires_at", models.DateTimeField()),
                (
                    "api_key",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="apikeys.apikey",
                    ),
                ),
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
                        to="apikeys.idempotencyrecord",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="apikeys.organization",
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
                            hash="10a05a2300f0289d7b73ec0baffcc8dcb43ba9a3",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_e882d",
                            table="apikeys_idempotencyrecordevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKeyEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", sequence.core.api.ids.PrefixedIdField("key", editable=False, serialize=False)),
                ("name", models.CharField(help_text="What uses this key, for people.", max_length=100)),
                ("prefix", models.CharField(editable=False, help_text="How the key begins.", max_length=20)),
                ("lineage_id", sequence.core.api.ids.PrefixedIdField("key", editable=False)),
                (
                    "rate_limit_per_minute",
                    models.PositiveIntegerField(
                        blank=True, help_text="Requests a minute; empty means the default.", null=True
                    ),
                ),
                ("created_by", models.CharField(editable=False, max_length=200)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                ("expires_at", models.DateTimeField(blank=True, help_text="UTC; empty means never.", null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                ("paused_at", models.DateTimeField(editable=False, null=True)),
                ("paused_by", models.CharField(editable=False, max_length=200, null=True)),
                ("pause_note", models.CharField(editable=False, max_length=200, null=True)),
                ("permissions_changed_by", models.CharField(editable=False, max_length=200)),
                ("permissions_changed_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
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
                        to="apikeys.apikey",
                    ),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="apikeys.apikey",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="apikeys.organization",
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
                            hash="31782580c291999c41fb7c8c4b69aff49acadd61",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_570a9",
                            table="apikeys_apikeyevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OrganizationEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", sequence.core.api.ids.PrefixedIdField("org", editable=False, serialize=False)),
                ("name", models.CharField(max_length=100)),
                (
                    "legal_name",
                    models.CharField(
                        help_text="The beneficiary of the accounts that are opened from now on.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("suspended", "Suspended")],
                        default="active",
                        help_text="Suspending it closes all its keys at their next request, and its rules start nothing.",
                        max_length=10,
                    ),
                ),
                ("suspended_at", models.DateTimeField(editable=False, null=True)),
                ("active_since", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
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
                        to="apikeys.organization",
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
                            hash="428760f12635ccaa705857b8f5485b9b4967a18b",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_43aa7",
                            table="apikeys_organizationevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PermissionEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("LIST_ACCOUNTS", "list all accounts"),
                            ("READ_ACCOUNTS", "full details and balance of an account"),
                            ("LIST_RULES", "list all rules"),
                            ("READ_RULES", "full rule: trigger, steps, conditions, actions"),
                            ("TRIGGER_RULES", "trigger an execution"),
                            ("READ_RULE_EXECUTIONS", "execution history of a rule"),
                            ("READ_TRANSFERS", "transfer history of an account"),
                            ("MANUAL_TRANSFER", "create a manual transfer"),
                            ("READ_CARDS", "cards and card transactions of an account"),
                            ("CREATE_ACCOUNTS", "create accounts"),
                            ("EDIT_ACCOUNTS", "rename and delete accounts"),
                            ("CREATE_AND_EDIT_RULES", "create, replace and delete rules; never enable them"),
                            ("READ_EVENTS", "events of the organization and their deliveries"),
                            ("READ_AUDIT_LOGS", "the audit log: who asked for what, and how it ended"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "resources",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), blank=True, default=list, size=None
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=64, null=True)),
                ("target", models.CharField(blank=True, max_length=64, null=True)),
                (
                    "max_amount_cents",
                    models.BigIntegerField(blank=True, help_text="At most this much in one transfer.", null=True),
                ),
                (
                    "max_amount_per_day_cents",
                    models.BigIntegerField(blank=True, help_text="At most this much in one day, UTC.", null=True),
                ),
                (
                    "max_amount_per_week_cents",
                    models.BigIntegerField(
                        blank=True, help_text="At most this much in one week, from Monday, UTC.", null=True
                    ),
                ),
                (
                    "max_amount_per_month_cents",
                    models.BigIntegerField(
                        blank=True, help_text="At most this much in one calendar month, UTC.", null=True
                    ),
                ),
                (
                    "approval_above_cents",
                    models.BigIntegerField(blank=True, help_text="A larger transfer waits for a person.", null=True),
                ),
                (
                    "max_execute_amount_cents",
                    models.BigIntegerField(
                        blank=True, help_text="The most that a trigger may say has arrived; 0: nothing.", null=True
                    ),
                ),
                (
                    "max_count_per_day",
                    models.BigIntegerField(blank=True, help_text="Transfers or runs in one day, UTC.", null=True),
                ),
                (
                    "max_count_per_week",
                    models.BigIntegerField(
                        blank=True, help_text="Transfers or runs in one week, from Monday, UTC.", null=True
                    ),
                ),
                (
                    "max_count_per_month",
                    models.BigIntegerField(
                        blank=True, help_text="Transfers or runs in one calendar month, UTC.", null=True
                    ),
                ),
                (
                    "requires_reason",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Each transfer must say why, in the header X-Called-Reason.",
                    ),
                ),
                ("spend_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "api_key",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="apikeys.apikey",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="apikeys.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "permission entry",
                "verbose_name_plural": "permission entries",
                "ordering": ["id"],
                "indexes": [models.Index(fields=["spend_id"], name="permission_entry_by_spend_id")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "scope__in",
                                [
                                    "LIST_ACCOUNTS",
                                    "READ_ACCOUNTS",
                                    "LIST_RULES",
                                    "READ_RULES",
                                    "TRIGGER_RULES",
                                    "READ_RULE_EXECUTIONS",
                                    "READ_TRANSFERS",
                                    "MANUAL_TRANSFER",
                                    "READ_CARDS",
                                    "CREATE_ACCOUNTS",
                                    "EDIT_ACCOUNTS",
                                    "CREATE_AND_EDIT_RULES",
                                    "READ_EVENTS",
                                    "READ_AUDIT_LOGS",
                                ],
                            )
                        ),
                        name="permission_entry_scope_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("scope__in", ["MANUAL_TRANSFER"]),
                                ("resources__len", 0),
                                ("source__isnull", False),
                                ("target__isnull", False),
                                ("max_execute_amount_cents", None),
                            ),
                            models.Q(
                                ("resources__len", 0),
                                (
                                    "scope__in",
                                    [
                                        "LIST_ACCOUNTS",
                                        "LIST_RULES",
                                        "CREATE_ACCOUNTS",
                                        "CREATE_AND_EDIT_RULES",
                                        "READ_EVENTS",
                                        "READ_AUDIT_LOGS",
                                    ],
                                ),
                                ("source", None),
                                ("target", None),
                                ("approval_above_cents", None),
                                ("max_amount_cents", None),
                                ("max_amount_per_day_cents", None),
                                ("max_amount_per_month_cents", None),
                                ("max_amount_per_week_cents", None),
                                ("max_count_per_day", None),
                                ("max_count_per_month", None),
                                ("max_count_per_week", None),
                                ("max_execute_amount_cents", None),
                                ("requires_reason", False),
                            ),
                            models.Q(
                                ("resources__len__gte", 1),
                                (
                                    "scope__in",
                                    [
                                        "READ_ACCOUNTS",
                                        "READ_RULES",
                                        "TRIGGER_RULES",
                                        "READ_RULE_EXECUTIONS",
                                        "READ_TRANSFERS",
                                        "READ_CARDS",
                                        "EDIT_ACCOUNTS",
                                    ],
                                ),
                                ("source", None),
                                ("target", None),
                                models.Q(
                                    models.Q(
                                        ("scope", "TRIGGER_RULES"),
                                        ("approval_above_cents", None),
                                        ("max_amount_cents", None),
                                        ("max_amount_per_day_cents", None),
                                        ("max_amount_per_month_cents", None),
                                        ("max_amount_per_week_cents", None),
                                        ("requires_reason", False),
                                    ),
                                    models.Q(
                                        ("approval_above_cents", None),
                                        ("max_amount_cents", None),
                                        ("max_amount_per_day_cents", None),
                                        ("max_amount_per_month_cents", None),
                                        ("max_amount_per_week_cents", None),
                                        ("max_count_per_day", None),
                                        ("max_count_per_month", None),
                                        ("max_count_per_week", None),
                                        ("max_execute_amount_cents", None),
                                        ("requires_reason", False),
                                    ),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="permission_entry_fits_its_scope",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("max_amount_cents", None),
                                models.Q(("max_amount_cents__gte", 1), ("max_amount_cents__lte", 9007199254740991)),
                                _connector="OR",
                            ),
                            models.Q(
                                ("max_amount_per_day_cents", None),
                                models.Q(
                                    ("max_amount_per_day_cents__gte", 1),
                                    ("max_amount_per_day_cents__lte", 9007199254740991),
                                ),
                                _connector="OR",
                            ),
                            models.Q(
                                ("max_amount_per_week_cents", None),
                                models.Q(
                                    ("max_amount_per_week_cents__gte", 1),
                                    ("max_amount_per_week_cents__lte", 9007199254740991),
                                ),
                                _connector="OR",
                            ),
                            models.Q(
                                ("max_amount_per_month_cents", None),
                                models.Q(
                                    ("max_amount_per_month_cents__gte", 1),
                                    ("max_amount_per_month_cents__lte", 9007199254740991),
                                ),
                                _connector="OR",
                            ),
                            models.Q(
                                ("max_count_per_day", None),
                                models.Q(("max_count_per_day__gte", 1), ("max_count_per_day__lte", 9007199254740991)),
                                _connector="OR",
                            ),
                            models.Q(
                                ("max_count_per_week", None),
                                models.Q(("max_count_per_week__gte", 1), ("max_count_per_week__lte", 9007199254740991)),
                                _connector="OR",
                            ),
                            models.Q(
                                ("max_count_per_month", None),
                                models.Q(
                                    ("max_count_per_month__gte", 1), ("max_count_per_month__lte", 9007199254740991)
                                ),
                                _connector="OR",
                            ),
                            models.Q(
                                ("approval_above_cents", None),
                                models.Q(
                                    ("approval_above_cents__gte", 0), ("approval_above_cents__lte", 9007199254740991)
                                ),
                                _connector="OR",
                            ),
                            models.Q(
                                ("max_execute_amount_cents", None),
                                models.Q(
                                    ("max_execute_amount_cents__gte", 0),
                                    ("max_execute_amount_cents__lte", 9007199254740991),
                                ),
                                _connector="OR",
                            ),
                        ),
                        name="permission_entry_limits_in_range",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "apikeys_permissionentryevent" ("api_key_id", "approval_above_cents", "id", "max_amount_cents", "max_amount_per_day_cents", "max_amount_per_month_cents", "max_amount_per_week_cents", "max_count_per_day", "max_count_per_month", "max_count_per_week", "max_execute_amount_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "requires_reason", "resources", "scope", "source", "spend_id", "target") VALUES (NEW."api_key_id", NEW."approval_above_cents", NEW."id", NEW."max_amount_cents", NEW."max_amount_per_day_cents", NEW."max_amount_per_month_cents", NEW."max_amount_per_week_cents", NEW."max_count_per_day", NEW."max_count_per_month", NEW."max_count_per_week", NEW."max_execute_amount_cents", NEW."organization_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."requires_reason", NEW."resources", NEW."scope", NEW."source", NEW."spend_id", NEW."target"); RETURN NULL;',
                            hash="8666fe149e0ea17666e5e555fa17eda1d04d0216",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_a105b",
                            table="apikeys_permissionentry",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func='INSERT INTO "apikeys_permissionentryevent" ("api_key_id", "approval_above_cents", "id", "max_amount_cents", "max_amount_per_day_cents", "max_amount_per_month_cents", "max_amount_per_week_cents", "max_count_per_day", "max_count_per_month", "max_count_per_week", "max_execute_amount_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "requires_reason", "resources", "scope", "source", "spend_id", "target") VALUES (NEW."api_key_id", NEW."approval_above_cents", NEW."id", NEW."max_amount_cents", NEW."max_amount_per_day_cents", NEW."max_amount_per_month_cents", NEW."max_amount_per_week_cents", NEW."max_count_per_day", NEW."max_count_per_month", NEW."max_count_per_week", NEW."max_execute_amount_cents", NEW."organization_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."requires_reason", NEW."resources", NEW."scope", NEW."source", NEW."spend_id", NEW."target"); RETURN NULL;',
                            hash="fb6b503b92325cc95fe0b79eafdb05a255c41e58",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_c2e07",
                            table="apikeys_permissionentry",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="delete_delete",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "apikeys_permissionentryevent" ("api_key_id", "approval_above_cents", "id", "max_amount_cents", "max_amount_per_day_cents", "max_amount_per_month_cents", "max_amount_per_week_cents", "max_count_per_day", "max_count_per_month", "max_count_per_week", "max_execute_amount_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "requires_reason", "resources", "scope", "source", "spend_id", "target") VALUES (OLD."api_key_id", OLD."approval_above_cents", OLD."id", OLD."max_amount_cents", OLD."max_amount_per_day_cents", OLD."max_amount_per_month_cents", OLD."max_amount_per_week_cents", OLD."max_count_per_day", OLD."max_count_per_month", OLD."max_count_per_week", OLD."max_execute_amount_cents", OLD."organization_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."requires_reason", OLD."resources", OLD."scope", OLD."source", OLD."spend_id", OLD."target"); RETURN NULL;',
                            hash="44c9da4bd7acb59c5b5a2fe0ac55cf1dd1e5cc83",
                            operation="DELETE",
                            pgid="pgtrigger_delete_delete_b9051",
                            table="apikeys_permissionentry",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PermissionEntryEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("LIST_ACCOUNTS", "list all accounts"),
                            ("READ_ACCOUNTS", "full details and balance of an account"),
                            ("LIST_RULES", "list all rules"),
                            ("READ_RULES", "full rule: trigger, steps, conditions, actions"),
                            ("TRIGGER_RULES", "trigger an execution"),
                            ("READ_RULE_EXECUTIONS", "execution history of a rule"),
                            ("READ_TRANSFERS", "transfer history of an account"),
                            ("MANUAL_TRANSFER", "create a manual transfer"),
                            ("READ_CARDS", "cards and card transactions of an account"),
                            ("CREATE_ACCOUNTS", "create accounts"),
                            ("EDIT_ACCOUNTS", "rename and delete accounts"),
                            ("CREATE_AND_EDIT_RULES", "create, replace and delete rules; never enable them"),
                            ("READ_EVENTS", "events of the organization and their deliveries"),
                            ("READ_AUDIT_LOGS", "the audit log: who asked for what, and how it ended"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "resources",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), blank=True, default=list, size=None
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=64, null=True)),
                ("target", models.CharField(blank=True, max_length=64, null=True)),
                (
                    "max_amount_cents",
                    models.BigIntegerField(blank=True, help_text="At most this much in one transfer.", null=True),
                ),
                (
                    "max_amount_per_day_cents",
                    models.BigIntegerField(blank=True, help_text="At most this much in one day, UTC.", null=True),
                ),
                (
                    "max_amount_per_week_cents",
                    models.BigIntegerField(
                        blank=True, help_text="At most this much in one week, from Monday, UTC.", null=True
                    ),
                ),
                (
                    "max_amount_per_month_cents",
                    models.BigIntegerField(
                        blank=True, help_text="At most this much in one calendar month, UTC.", null=True
                    ),
                ),
                (
                    "approval_above_cents",
                    models.BigIntegerField(blank=True, help_text="A larger transfer waits for a person.", null=True),
                ),
                (
                    "max_execute_amount_cents",
                    models.BigIntegerField(
                        blank=True, help_text="The most that a trigger may say has arrived; 0: nothing.", null=True
                    ),
                ),
                (
                    "max_count_per_day",
                    models.BigIntegerField(blank=True, help_text="Transfers or runs in one day, UTC.", null=True),
                ),
                (
                    "max_count_per_week",
                    models.BigIntegerField(
                        blank=True, help_text="Transfers or runs in one week, from Monday, UTC.", null=True
                    ),
                ),
                (
                    "max_count_per_month",
                    models.BigIntegerField(
                        blank=True, help_text="Transfers or runs in one calendar month, UTC.", null=True
                    ),
                ),
                (
                    "requires_reason",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Each transfer must say why, in the header X-Called-Reason.",
                    ),
                ),
                ("spend_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "api_key",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="apikeys.apikey",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="apikeys.organization",
                    ),
                ),
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
                        to="apikeys.permissionentry",
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
                            hash="2c8db7ac233b768a2fcbfe65914d41c108c1b67c",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_221e4",
                            table="apikeys_permissionentryevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpendCounter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("spend_id", models.UUIDField()),
                (
                    "period",
                    models.CharField(choices=[("day", "Day"), ("week", "Week"), ("month", "Month")], max_length=5),
                ),
                ("starts_on", models.DateField()),
                ("spent_cents", models.BigIntegerField(default=0)),
                ("uses", models.BigIntegerField(db_default=0, default=0)),
                ("told_percent", models.PositiveSmallIntegerField(db_default=0, default=0)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.organization"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("spend_id", "period", "starts_on"), name="spend_counter_of_one_period"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("spent_cents__gte", 0)), name="spend_counter_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("uses__gte", 0)), name="spend_counter_uses_not_negative"
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="tells_of_limits_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n    IF pg_trigger_depth() > 1 THEN\n        RETURN NULL;\n    END IF;\n    WITH mark AS (SELECT DISTINCT ON (counter.id) counter.id, counter.organization_id, counter.period, entry.api_key_id, entry.source,\n    entry.target, CASE\n        WHEN counter.spent_cents >= allowed.cents OR counter.uses >= allowed.uses THEN 100\n        WHEN counter.spent_cents * 5 >= allowed.cents * 4 OR counter.uses * 5 >= allowed.uses * 4 THEN 80\n        ELSE 0\n    END AS percent\nFROM fresh AS counter\nJOIN apikeys_permissionentry AS entry ON entry.spend_id = counter.spend_id\nJOIN apikeys_apikey AS key ON key.id = entry.api_key_id AND key.revoked_at IS NULL\nCROSS JOIN LATERAL (SELECT\n    CASE counter.period\n        WHEN 'day' THEN max_amount_per_day_cents WHEN 'week' THEN max_amount_per_week_cents\n        ELSE max_amount_per_month_cents\n    END AS cents,\n    CASE counter.period\n        WHEN 'day' THEN max_count_per_day WHEN 'week' THEN max_count_per_week ELSE max_count_per_month\n    END AS uses\n) AS allowed\nWHERE counter.uses > 0\nORDER BY counter.id, key.created_at DESC, key.id DESC, entry.id), reached AS (\n        UPDATE apikeys_spendcounter AS counter SET told_percent = mark.percent\n        FROM mark WHERE counter.id = mark.id AND mark.percent > counter.told_percent\n        RETURNING mark.*\n    )\n    \nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT organization_id, 'key.limit_reached' AS event, jsonb_build_object(\n    'api_key_id', api_key_id, 'source', source, 'target', target, 'period', period, 'percent', percent\n) AS data, now() AS at FROM reached) AS news;\n\n    RETURN NULL;\n",
                            hash="c44b3ba8d85a61114680da3d075142e34003372b",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_tells_of_limits_insert_42ae9",
                            referencing="REFERENCING NEW TABLE AS fresh ",
                            table="apikeys_spendcounter",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_limits_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n    IF pg_trigger_depth() > 1 THEN\n        RETURN NULL;\n    END IF;\n    WITH mark AS (SELECT DISTINCT ON (counter.id) counter.id, counter.organization_id, counter.period, entry.api_key_id, entry.source,\n    entry.target, CASE\n        WHEN counter.spent_cents >= allowed.cents OR counter.uses >= allowed.uses THEN 100\n        WHEN counter.spent_cents * 5 >= allowed.cents * 4 OR counter.uses * 5 >= allowed.uses * 4 THEN 80\n        ELSE 0\n    END AS percent\nFROM fresh AS counter\nJOIN apikeys_permissionentry AS entry ON entry.spend_id = counter.spend_id\nJOIN apikeys_apikey AS key ON key.id = entry.api_key_id AND key.revoked_at IS NULL\nCROSS JOIN LATERAL (SELECT\n    CASE counter.period\n        WHEN 'day' THEN max_amount_per_day_cents WHEN 'week' THEN max_amount_per_week_cents\n        ELSE max_amount_per_month_cents\n    END AS cents,\n    CASE counter.period\n        WHEN 'day' THEN max_count_per_day WHEN 'week' THEN max_count_per_week ELSE max_count_per_month\n    END AS uses\n) AS allowed\nWHERE counter.uses > 0\nORDER BY counter.id, key.created_at DESC, key.id DESC, entry.id), reached AS (\n        UPDATE apikeys_spendcounter AS counter SET told_percent = mark.percent\n        FROM mark WHERE counter.id = mark.id AND mark.percent > counter.told_percent\n        RETURNING mark.*\n    )\n    \nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT organization_id, 'key.limit_reached' AS event, jsonb_build_object(\n    'api_key_id', api_key_id, 'source', source, 'target', target, 'period', period, 'percent', percent\n) AS data, now() AS at FROM reached) AS news;\n\n    RETURN NULL;\n",
                            hash="8a9275c999e44f86f12d628bc6cbe1b0d9b03417",
                            level="STATEMENT",
                            operation="UPDATE",
                            pgid="pgtrigger_tells_of_limits_update_faf13",
                            referencing="REFERENCING NEW TABLE AS fresh ",
                            table="apikeys_spendcounter",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpentPair",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lineage_id", sequence.core.api.ids.PrefixedIdField("key", editable=False)),
                ("source", models.CharField(max_length=64)),
                ("target", models.CharField(max_length=64)),
                ("spend_id", models.UUIDField(default=uuid.uuid4, unique=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.organization"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["lineage_id", "source", "target"], name="spent_pair_of_a_lineage")],
            },
        ),
        migrations.CreateModel(
            name="KeyCustodian",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lineage_id", sequence.core.api.ids.PrefixedIdField("key", editable=False)),
                ("actor", models.CharField(max_length=200)),
                (
                    "how",
                    models.CharField(
                        choices=[("created", "Created"), ("rotated", "Rotated"), ("changed", "Changed")], max_length=10
                    ),
                ),
                ("since", models.DateTimeField(default=sequence.core.clock.now)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="apikeys.organization",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "lineage_id", "actor"), name="key_custodian_once"),
                    models.CheckConstraint(
                        condition=models.Q(("how__in", ["created", "rotated", "changed"])),
                        name="key_custodian_how_is_known",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="is_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="421b8953c529096fbf8cd45d629f7c4e3bb1f216",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_is_append_only_688c4",
                            table="apikeys_keycustodian",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        refers(
            "apikeys_permissionentry",
            ("organization_id", "api_key_id"),
            "apikeys_apikey",
            ("organization_id", "id"),
            "apikeys_permissionentry_key_of_same_organization",
        ),
        refers(
            "apikeys_idempotencyrecord",
            ("organization_id", "api_key_id"),
            "apikeys_apikey",
            ("organization_id", "id"),
            "apikeys_idempotencyrecord_key_of_same_organization",
        ),
        of_same("organization", "apikeys_apikey", "replaces_id", "apikeys_apikey"),
        of_same("organization", "apikeys_apikey", "lineage_id", "apikeys_apikey"),
        of_same("organization", "apikeys_idempotencyrecord", "lineage_id", "apikeys_apikey"),
        of_same("organization", "apikeys_spentpair", "lineage_id", "apikeys_apikey"),
        of_same("organization", "apikeys_keycustodian", "lineage_id", "apikeys_apikey"),
        is_custodian("created_by"),
        is_custodian("permissions_changed_by"),
        migrations.RunSQL("ALTER TABLE apikeys_ratewindow SET UNLOGGED", "ALTER TABLE apikeys_ratewindow SET LOGGED"),
    ]
