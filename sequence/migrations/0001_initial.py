"""Staff, the outbox, the audit log, webhooks and workers; and indexes of the audit trail, whose table is a library's."""

import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import sequence.core.api.ids
import sequence.core.clock
import sequence.core.encryption
from django.conf import settings
from django.db import migrations, models


def index(name: str) -> migrations.RunSQL:
    """Find the changes of a person or of a request without reading the whole trail."""
    return migrations.RunSQL(
        # In the words of Django's own look-up into JSON, or the planner would not recognise it.
        f"CREATE INDEX audit_trail_{name} ON pghistory_context ((metadata -> '{name}'))",
        f"DROP INDEX audit_trail_{name}",
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("apikeys", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE sequence_event_position AS bigint", "DROP SEQUENCE sequence_event_position"),
        migrations.RunSQL("CREATE SEQUENCE sequence_audit_position AS bigint", "DROP SEQUENCE sequence_audit_position"),
        migrations.CreateModel(
            name="ApprovalReader",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="apikeys.organization",
                    ),
                ),
                ("after_sequence", models.BigIntegerField(default=0)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AuditSigningKey",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("private_key", sequence.core.encryption.EncryptedField(editable=False)),
                ("public_key", models.CharField(max_length=44)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now)),
            ],
            options={
                "verbose_name": "audit signing key",
                "default_permissions": (),
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="is_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="5774e9c0fcf7de7e48dad09f93dc091bdd3d6953",
                            operation="DELETE",
                            pgid="pgtrigger_is_kept_aa97d",
                            table="sequence_auditsigningkey",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EventCounter",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="apikeys.organization",
                    ),
                ),
                ("last_sequence", models.BigIntegerField(default=0)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SignInWindow",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField(db_index=True)),
                ("attempts", models.PositiveIntegerField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="TrackedUser",
            fields=[],
            options={
                "verbose_name": "staff user",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("auth.user",),
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="TrackedGroup",
            fields=[],
            options={
                "verbose_name": "group",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("auth.group",),
            managers=[
                ("objects", django.contrib.auth.models.GroupManager()),
            ],
        ),
        migrations.CreateModel(
            name="AuditTrail",
            fields=[],
            options={
                "verbose_name": "audit trail",
                "verbose_name_plural": "audit trail",
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("pghistory.context",),
        ),
        migrations.CreateModel(
            name="TrackedGroupPermission",
            fields=[],
            options={
                "verbose_name": "permission of a group",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("auth.group_permissions",),
        ),
        migrations.CreateModel(
            name="TrackedUserGroup",
            fields=[],
            options={
                "verbose_name": "group of a user",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("auth.user_groups",),
        ),
        migrations.CreateModel(
            name="TrackedUserPermission",
            fields=[],
            options={
                "verbose_name": "permission of a user",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("auth.user_user_permissions",),
        ),
        migrations.CreateModel(
            name="SecondFactor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret", sequence.core.encryption.EncryptedField(editable=False)),
                ("enrolled_at", models.DateTimeField(default=sequence.core.clock.now)),
                ("last_step", models.BigIntegerField()),
                ("failures", models.PositiveIntegerField(default=0)),
                ("closed_until", models.DateTimeField(null=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="second_factor",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "second factor",
                "default_permissions": (),
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="enrol_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "sequence_secondfactorevent" ("enrolled_at", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") VALUES (NEW."enrolled_at", NEW."id", _pgh_attach_context(), NOW(), \'enrol\', NEW."id", NEW."user_id"); RETURN NULL;',
                            hash="40403edfb6e5c61b4c043c6e1c3bf7a8eaf2cc49",
                            operation="INSERT",
                            pgid="pgtrigger_enrol_insert_3d5ff",
                            table="sequence_secondfactor",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="remove_delete",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "sequence_secondfactorevent" ("enrolled_at", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") VALUES (OLD."enrolled_at", OLD."id", _pgh_attach_context(), NOW(), \'remove\', OLD."id", OLD."user_id"); RETURN NULL;',
                            hash="ea5381baa1fb5394fa06ddcbd6848981805a817c",
                            operation="DELETE",
                            pgid="pgtrigger_remove_delete_d1fbc",
                            table="sequence_secondfactor",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SecondFactorEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("enrolled_at", models.DateTimeField(default=sequence.core.clock.now)),
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
                        to="sequence.secondfactor",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                            hash="b36ae04957ed1215e19d70677090a29d0167b662",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_70cb9",
                            table="sequence_secondfactorevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=sequence.core.clock.now)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("accepted", "Let in"),
                            ("wrong", "Wrong name or password"),
                            ("not_staff", "Right password of somebody who may not come in"),
                            ("wrong_code", "Right password, wrong code"),
                            ("too_many", "Too many attempts"),
                        ],
                        max_length=10,
                    ),
                ),
                ("person", models.CharField(blank=True, max_length=150)),
                ("name_digest", models.CharField(max_length=64)),
                ("address", models.GenericIPAddressField(null=True)),
                ("request_id", models.CharField(max_length=128, verbose_name="request id")),
                ("beyond_limit", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name": "sign-in",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        models.OrderBy(models.F("at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="sign_in_list",
                    ),
                    models.Index(fields=["name_digest", "at"], name="sign_in_by_name"),
                    models.Index(fields=["request_id"], name="sign_in_by_request"),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="is_never_changed",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="d28b80cb5539f5dd0fed4f04fcb49179a7bf702e",
                            operation="UPDATE",
                            pgid="pgtrigger_is_never_changed_3eb5c",
                            table="sequence_signin",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.at > NOW() - INTERVAL '400 days')",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="70176c54638d89ee32c0d2c59f049d7fbaf76a45",
                            operation="DELETE",
                            pgid="pgtrigger_is_kept_e3d0d",
                            table="sequence_signin",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_never_truncated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'Sign-ins are kept.' USING ERRCODE = '23514';",
                            hash="23dfaa118c191ac1d2a9e3a4d4a445c90e33d1a1",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_is_never_truncated_76d96",
                            table="sequence_signin",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrackedGroupPermissionEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.IntegerField()),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        db_tablespace="",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auth.group",
                    ),
                ),
                (
                    "permission",
                    models.ForeignKey(
                        db_constraint=False,
                        db_tablespace="",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auth.permission",
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
            ],
            options={
                "abstract": False,
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="d6ac48651a191efacdd6ce5721d2d0117aafc0ec",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_79bbe",
                            table="sequence_trackedgrouppermissionevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrackedUserGroupEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.IntegerField()),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        db_tablespace="",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auth.group",
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
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_tablespace="",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                            hash="546f270e9bf3c8d572bfbb3fdaf6ae27a65435e7",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_8237b",
                            table="sequence_trackedusergroupevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrackedUserPermissionEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.IntegerField()),
                (
                    "permission",
                    models.ForeignKey(
                        db_constraint=False,
                        db_tablespace="",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="auth.permission",
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
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_tablespace="",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                            hash="f46147e0863f3a374b684bc15a9bfad7010b8ff4",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_259be",
                            table="sequence_trackeduserpermissionevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("whk", editable=False, primary_key=True, serialize=False)),
                ("url", models.CharField(max_length=2000, verbose_name="URL")),
                (
                    "event_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        default=list,
                        help_text="None means all.",
                        size=None,
                        verbose_name="events",
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        choices=[("event", "Event"), ("platform", "Platform")], default="event", max_length=10
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[("enabled", "Enabled"), ("disabled", "Disabled")],
                        default="enabled",
                        editable=False,
                        max_length=10,
                    ),
                ),
                (
                    "disabled_reason",
                    models.CharField(
                        choices=[
                            ("by_person", "by a person"),
                            ("gone", "it answered 410: it is gone"),
                            ("failing", "it failed for five days"),
                        ],
                        editable=False,
                        max_length=10,
                        null=True,
                    ),
                ),
                ("disabled_at", models.DateTimeField(editable=False, null=True)),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
                ("secret", sequence.core.encryption.EncryptedField(editable=False, null=True)),
                ("previous_secret", sequence.core.encryption.EncryptedField(editable=False, null=True)),
                ("previous_secret_until", models.DateTimeField(editable=False, null=True)),
                ("after_sequence", models.BigIntegerField(default=0, editable=False)),
                ("failures", models.IntegerField(default=0, editable=False)),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                ("created_by", models.CharField(editable=False, max_length=200)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.organization"
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("operate_webhookendpoint", "Can enable, disable, test and resend webhook endpoint"),
                    ("rotate_webhookendpoint", "Can rotate the secret of webhook endpoint"),
                ],
                "default_permissions": ("view", "add", "delete"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("format__in", ["event", "platform"])), name="webhook_format_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("deleted_at", None),
                                ("disabled_at", None),
                                ("disabled_reason", None),
                                ("status", "enabled"),
                            ),
                            models.Q(
                                ("disabled_at__isnull", False),
                                ("disabled_reason__in", ["by_person", "gone", "failing"]),
                                ("status", "disabled"),
                            ),
                            _connector="OR",
                        ),
                        name="webhook_disabled_for_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("deleted_at", None), ("secret__isnull", False)),
                            models.Q(("deleted_at__isnull", False), ("previous_secret", None), ("secret", None)),
                            _connector="OR",
                        ),
                        name="webhook_secret_unless_deleted",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("previous_secret", None), ("previous_secret_until", None)),
                            models.Q(("previous_secret__isnull", False), ("previous_secret_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="webhook_previous_secret_until",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "sequence_webhookendpointevent" ("created_at", "created_by", "deleted_at", "description", "disabled_at", "disabled_reason", "event_names", "format", "id", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "previous_secret_until", "status", "url") VALUES (NEW."created_at", NEW."created_by", NEW."deleted_at", NEW."description", NEW."disabled_at", NEW."disabled_reason", NEW."event_names", NEW."format", NEW."id", NEW."organization_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."previous_secret_until", NEW."status", NEW."url"); RETURN NULL;',
                            hash="79310eb0f8e4b006711ad81e802b33c33620b03f",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_75a89",
                            table="sequence_webhookendpoint",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by" IS DISTINCT FROM (NEW."created_by") OR OLD."deleted_at" IS DISTINCT FROM (NEW."deleted_at") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."disabled_at" IS DISTINCT FROM (NEW."disabled_at") OR OLD."disabled_reason" IS DISTINCT FROM (NEW."disabled_reason") OR OLD."event_names" IS DISTINCT FROM (NEW."event_names") OR OLD."format" IS DISTINCT FROM (NEW."format") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."previous_secret_until" IS DISTINCT FROM (NEW."previous_secret_until") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."url" IS DISTINCT FROM (NEW."url"))',
                            func='INSERT INTO "sequence_webhookendpointevent" ("created_at", "created_by", "deleted_at", "description", "disabled_at", "disabled_reason", "event_names", "format", "id", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "previous_secret_until", "status", "url") VALUES (NEW."created_at", NEW."created_by", NEW."deleted_at", NEW."description", NEW."disabled_at", NEW."disabled_reason", NEW."event_names", NEW."format", NEW."id", NEW."organization_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."previous_secret_until", NEW."status", NEW."url"); RETURN NULL;',
                            hash="f12c6ce16ffba44df847b554cee1c62acd16c13a",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_7483f",
                            table="sequence_webhookendpoint",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("dlv", editable=False, primary_key=True, serialize=False)),
                ("event_id", sequence.core.api.ids.PrefixedIdField("evt", editable=False)),
                ("attempt", models.SmallIntegerField()),
                ("created_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[("delivered", "Delivered"), ("retrying", "Retrying"), ("failed", "Failed")],
                        max_length=10,
                    ),
                ),
                ("status_code", models.SmallIntegerField(null=True)),
                ("error", models.CharField(max_length=40, null=True)),
                ("duration_ms", models.IntegerField()),
                ("next_attempt_at", models.DateTimeField(null=True)),
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
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="sequence.webhookendpoint",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["event_id", "-created_at", "-id"], name="webhook_delivery_by_event"),
                    models.Index(fields=["endpoint", "-created_at", "-id"], name="webhook_delivery_by_endpoint"),
                    models.Index(fields=["organization", "-created_at", "-id"], name="webhook_delivery_of"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["delivered", "retrying", "failed"])),
                        name="webhook_delivery_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("attempt__gte", 1), ("attempt__lte", 11)),
                        name="webhook_delivery_tries_at_most",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("next_attempt_at__isnull", False), ("status", "retrying")),
                            models.Q(models.Q(("status", "retrying"), _negated=True), ("next_attempt_at", None)),
                            _connector="OR",
                        ),
                        name="webhook_delivery_next_attempt",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="stays_as_it_was",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="eabbebe517eaf9b962832f5c72e55408cd6af116",
                            operation="UPDATE",
                            pgid="pgtrigger_stays_as_it_was_61f3d",
                            table="sequence_webhookdelivery",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PendingDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_id", sequence.core.api.ids.PrefixedIdField("evt", editable=False)),
                ("sequence", models.BigIntegerField(null=True)),
                ("attempts", models.SmallIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("claim", models.UUIDField(null=True)),
                ("claimed_until", models.DateTimeField(null=True)),
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
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="sequence.webhookendpoint",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("attempts", 0), ("sequence__isnull", False)),
                        fields=["endpoint", "sequence"],
                        name="webhook_first_tries",
                    ),
                    models.Index(fields=["endpoint", "due_at"], name="webhook_pending_by_due_at"),
                    models.Index(fields=["due_at"], name="webhook_pending_due"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("endpoint", "event_id"), name="webhook_pending_once"),
                    models.CheckConstraint(
                        condition=models.Q(("attempts__gte", 0), ("attempts__lt", 11)),
                        name="webhook_pending_tries_left",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("claim", None), ("claimed_until", None)),
                            models.Q(("claim__isnull", False), ("claimed_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="webhook_claim_until",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpointEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", sequence.core.api.ids.PrefixedIdField("whk", editable=False, serialize=False)),
                ("url", models.CharField(max_length=2000, verbose_name="URL")),
                (
                    "event_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        default=list,
                        help_text="None means all.",
                        size=None,
                        verbose_name="events",
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        choices=[("event", "Event"), ("platform", "Platform")], default="event", max_length=10
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[("enabled", "Enabled"), ("disabled", "Disabled")],
                        default="enabled",
                        editable=False,
                        max_length=10,
                    ),
                ),
                (
                    "disabled_reason",
                    models.CharField(
                        choices=[
                            ("by_person", "by a person"),
                            ("gone", "it answered 410: it is gone"),
                            ("failing", "it failed for five days"),
                        ],
                        editable=False,
                        max_length=10,
                        null=True,
                    ),
                ),
                ("disabled_at", models.DateTimeField(editable=False, null=True)),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
                ("previous_secret_until", models.DateTimeField(editable=False, null=True)),
                ("created_by", models.CharField(editable=False, max_length=200)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
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
                        to="sequence.webhookendpoint",
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
                            hash="839812a59d75d8fc2ded0e2eb6d8747b431b4099",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_10773",
                            table="sequence_webhookendpointevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WorkerProcess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host", models.CharField(max_length=255)),
                ("pid", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("stopped_at", models.DateTimeField(null=True)),
                ("rows_done", models.BigIntegerField(default=0)),
                ("broken_sweep", models.CharField(max_length=100, null=True)),
                ("broke_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "worker processes",
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["seen_at"], name="worker_process_by_seen_at")],
            },
        ),
        migrations.CreateModel(
            name="TrackedUserEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.IntegerField()),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
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
                        to="sequence.trackeduser",
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
                            hash="3cd15a95a44422fbad5da735047bb13e8120b44c",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_498d7",
                            table="sequence_trackeduserevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrackedGroupEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.IntegerField()),
                ("name", models.CharField(max_length=150, verbose_name="name")),
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
                        to="sequence.trackedgroup",
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
                            hash="2ab3bff16f5f05e55385016acc91c9257718bcc6",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_86330",
                            table="sequence_trackedgroupevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApprovalNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("transfer_id", sequence.core.api.ids.PrefixedIdField("txr", editable=False)),
                (
                    "occasion",
                    models.CharField(choices=[("waits", "Waits"), ("expires", "expires soon")], max_length=10),
                ),
                ("due_at", models.DateTimeField()),
                ("claimed_until", models.DateTimeField(null=True)),
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
                "indexes": [models.Index(fields=["due_at"], name="approval_notice_due")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "transfer_id", "occasion"), name="approval_notice_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("occasion__in", ["waits", "expires"])),
                        name="approval_notice_occasion_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditChain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sequence", models.BigIntegerField(db_default=0, default=0)),
                (
                    "hash",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                        max_length=32,
                    ),
                ),
                ("checkpointed_on", models.DateField(null=True)),
                ("verified_through", models.BigIntegerField(db_default=0, default=0)),
                ("round_began_at", models.DateTimeField(null=True)),
                ("verified_at", models.DateTimeField(null=True)),
                ("fault_sequence", models.BigIntegerField(null=True)),
                ("fault_code", models.CharField(blank=True, db_default="", default="", max_length=30)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="apikeys.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit chain",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("organization",), name="audit_chain_of_one", nulls_distinct=False)
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("aud", editable=False, primary_key=True, serialize=False)),
                (
                    "position",
                    models.BigIntegerField(
                        db_default=models.Func(models.Value("sequence_audit_position"), function="nextval"),
                        editable=False,
                    ),
                ),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, verbose_name="at")),
                ("actor", models.CharField(max_length=300)),
                (
                    "via",
                    models.CharField(
                        choices=[
                            ("api", "API"),
                            ("platform", "Platform API"),
                            ("mcp", "MCP"),
                            ("admin", "Admin"),
                            ("command", "Command"),
                        ],
                        max_length=10,
                    ),
                ),
                ("action", models.CharField(max_length=100)),
                ("method", models.CharField(max_length=10, null=True)),
                ("path", models.TextField(null=True)),
                ("outcome", models.CharField(choices=[("success", "Done"), ("failure", "Refused")], max_length=10)),
                ("status", models.SmallIntegerField(null=True)),
                ("error_code", models.CharField(max_length=100, null=True)),
                ("request_id", models.CharField(max_length=128, verbose_name="request id")),
                ("reason", models.CharField(max_length=1000, null=True)),
                ("resource_type", models.CharField(max_length=100, null=True)),
                ("resource_id", models.CharField(max_length=200, null=True)),
                ("sequence", models.BigIntegerField(null=True, verbose_name="number")),
                ("previous_hash", models.BinaryField(max_length=32, null=True)),
                ("hash", models.BinaryField(max_length=32, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="apikeys.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit log entry",
                "verbose_name_plural": "audit log",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("sequence", None)),
                        fields=["organization", "position"],
                        name="audit_entry_unsealed",
                    ),
                    models.Index(
                        models.F("organization"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        name="audit_entry_by_time",
                    ),
                    models.Index(
                        models.F("organization"),
                        models.F("actor"),
                        models.OrderBy(models.F("sequence"), descending=True),
                        name="audit_entry_by_actor",
                    ),
                    models.Index(fields=["request_id"], name="audit_entry_by_request"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("sequence__isnull", False)),
                        fields=("organization", "sequence"),
                        name="audit_entry_number",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("hash", None), ("previous_hash", None), ("sequence", None)),
                            models.Q(("hash__isnull", False), ("previous_hash__isnull", False), ("sequence__gte", 1)),
                            _connector="OR",
                        ),
                        name="audit_entry_whole_seal",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="is_kept",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="e393583070765c0d513f6aed160cf5d3b89ba7c8",
                            operation="DELETE",
                            pgid="pgtrigger_is_kept_e5f62",
                            table="sequence_auditentry",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_sealed_later",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (NEW."sequence" IS NOT NULL)',
                            func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                            hash="e5730128479f5981ca45bb41d4ba51f556eeba89",
                            operation="INSERT",
                            pgid="pgtrigger_is_sealed_later_a2aaf",
                            table="sequence_auditentry",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_only_sealed",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nDECLARE\n    unsealed RECORD;\nBEGIN\n    unsealed := NEW;\n    unsealed.sequence := NULL;\n    unsealed.previous_hash := NULL;\n    unsealed.hash := NULL;\n    IF OLD.sequence IS NULL AND NEW.sequence IS NOT NULL AND unsealed IS NOT DISTINCT FROM OLD THEN\n        RETURN NEW;\n    END IF;\n    RAISE EXCEPTION 'Cannot change an entry of the audit log, but for sealing it.' USING ERRCODE = '23514';\nEND;\n",
                            hash="b39a5b01c2034587b036ff5fd43e60704b6ffec6",
                            operation="UPDATE",
                            pgid="pgtrigger_is_only_sealed_49d56",
                            table="sequence_auditentry",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CallsBeyondLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("actor", models.CharField(max_length=300)),
                ("ends_at", models.DateTimeField()),
                ("calls", models.BigIntegerField()),
                (
                    "via",
                    models.CharField(
                        choices=[
                            ("api", "API"),
                            ("platform", "Platform API"),
                            ("mcp", "MCP"),
                            ("admin", "Admin"),
                            ("command", "Command"),
                        ],
                        max_length=10,
                    ),
                ),
                ("action", models.CharField(max_length=100)),
                ("method", models.CharField(max_length=10)),
                ("path", models.TextField()),
                ("request_id", models.CharField(max_length=128)),
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
                "verbose_name": "calls beyond a limit",
                "default_permissions": (),
                "indexes": [models.Index(fields=["ends_at"], name="calls_beyond_limit_by_end")],
                "constraints": [
                    models.UniqueConstraint(fields=("actor", "ends_at"), name="calls_beyond_limit_of_one_minute")
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("evt", editable=False, primary_key=True, serialize=False)),
                (
                    "position",
                    models.BigIntegerField(
                        db_default=models.Func(models.Value("sequence_event_position"), function="nextval"),
                        editable=False,
                    ),
                ),
                ("sequence", models.BigIntegerField(editable=False, null=True)),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("transfer.created", "transfer.created"),
                            ("transfer.status_changed", "transfer.status_changed"),
                            ("transfer.approval_required", "transfer.approval_required"),
                            ("rule_execution.finished", "rule_execution.finished"),
                            ("account.created", "account.created"),
                            ("account.changed", "account.changed"),
                            ("account.deleted", "account.deleted"),
                            ("rule.created", "rule.created"),
                            ("rule.replaced", "rule.replaced"),
                            ("rule.enabled", "rule.enabled"),
                            ("rule.disabled", "rule.disabled"),
                            ("rule.deleted", "rule.deleted"),
                            ("card_transaction.created", "card_transaction.created"),
                            ("card.declined", "card.declined"),
                            ("key.paused", "key.paused"),
                            ("key.resumed", "key.resumed"),
                            ("key.revoked", "key.revoked"),
                            ("key.limit_reached", "key.limit_reached"),
                            ("audit.checkpoint", "audit.checkpoint"),
                            ("webhook.test", "webhook.test"),
                        ],
                        max_length=40,
                    ),
                ),
                ("data", models.JSONField()),
                ("created_at", models.DateTimeField()),
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
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(condition=models.Q(("sequence", None)), fields=["position"], name="event_unnumbered"),
                    django.contrib.postgres.indexes.BrinIndex(fields=["created_at"], name="event_by_age"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "sequence"), name="event_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "event__in",
                                [
                                    "transfer.created",
                                    "transfer.status_changed",
                                    "transfer.approval_required",
                                    "rule_execution.finished",
                                    "account.created",
                                    "account.changed",
                                    "account.deleted",
                                    "rule.created",
                                    "rule.replaced",
                                    "rule.enabled",
                                    "rule.disabled",
                                    "rule.deleted",
                                    "card_transaction.created",
                                    "card.declined",
                                    "key.paused",
                                    "key.resumed",
                                    "key.revoked",
                                    "key.limit_reached",
                                    "audit.checkpoint",
                                    "webhook.test",
                                ],
                            )
                        ),
                        name="event_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sequence", None), ("sequence__gte", 1), _connector="OR"),
                        name="event_numbers_begin_at_one",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="changes_only_by_its_number",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.sequence IS NOT NULL OR (OLD.id, OLD.organization_id, OLD.position, OLD.event, OLD.data, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.organization_id, NEW.position, NEW.event, NEW.data, NEW.created_at))",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="e11b6ab2b59328fd5e966ac139979c1b3aa47dd4",
                            operation="UPDATE",
                            pgid="pgtrigger_changes_only_by_its_number_a8230",
                            table="sequence_event",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        # Proxies have no tables with which their triggers could come.
        pgtrigger.migrations.AddTrigger(
            model_name="trackeduser",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "sequence_trackeduserevent" ("date_joined", "email", "first_name", "id", "is_active", "is_staff", "is_superuser", "last_name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "username") VALUES (NEW."date_joined", NEW."email", NEW."first_name", NEW."id", NEW."is_active", NEW."is_staff", NEW."is_superuser", NEW."last_name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."username"); RETURN NULL;',
                    hash="548e737533f7f092f482544f0b0cbbb1d432afc7",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_0aa28",
                    table="auth_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackeduser",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."date_joined" IS DISTINCT FROM (NEW."date_joined") OR OLD."email" IS DISTINCT FROM (NEW."email") OR OLD."first_name" IS DISTINCT FROM (NEW."first_name") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."is_staff" IS DISTINCT FROM (NEW."is_staff") OR OLD."is_superuser" IS DISTINCT FROM (NEW."is_superuser") OR OLD."last_name" IS DISTINCT FROM (NEW."last_name") OR OLD."username" IS DISTINCT FROM (NEW."username"))',
                    func='INSERT INTO "sequence_trackeduserevent" ("date_joined", "email", "first_name", "id", "is_active", "is_staff", "is_superuser", "last_name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "username") VALUES (NEW."date_joined", NEW."email", NEW."first_name", NEW."id", NEW."is_active", NEW."is_staff", NEW."is_superuser", NEW."last_name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."username"); RETURN NULL;',
                    hash="25b8c4c237d805510c146d464f86383c585071dd",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_f25ad",
                    table="auth_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackeduser",
            trigger=pgtrigger.compiler.Trigger(
                name="password_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."password" IS DISTINCT FROM (NEW."password"))',
                    func='INSERT INTO "sequence_trackeduserevent" ("date_joined", "email", "first_name", "id", "is_active", "is_staff", "is_superuser", "last_name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "username") VALUES (NEW."date_joined", NEW."email", NEW."first_name", NEW."id", NEW."is_active", NEW."is_staff", NEW."is_superuser", NEW."last_name", _pgh_attach_context(), NOW(), \'password\', NEW."id", NEW."username"); RETURN NULL;',
                    hash="c6d6ce3b46d21036111c1f776927c7756deaff9d",
                    operation="UPDATE",
                    pgid="pgtrigger_password_update_d93d5",
                    table="auth_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackeduser",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "sequence_trackeduserevent" ("date_joined", "email", "first_name", "id", "is_active", "is_staff", "is_superuser", "last_name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "username") VALUES (OLD."date_joined", OLD."email", OLD."first_name", OLD."id", OLD."is_active", OLD."is_staff", OLD."is_superuser", OLD."last_name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."username"); RETURN NULL;',
                    hash="4907b10a2da564cbc2e8a83a85c608cbd6c12d93",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_31819",
                    table="auth_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackedgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "sequence_trackedgroupevent" ("id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;',
                    hash="92221ccfee575be49652b31e9aed2f13b5c4c3ae",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_71147",
                    table="auth_group",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackedgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "sequence_trackedgroupevent" ("id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;',
                    hash="afc22bea0dc669e5dbe9b1cb0381c28a6f7a4470",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_f6ed4",
                    table="auth_group",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackedgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "sequence_trackedgroupevent" ("id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."id", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id"); RETURN NULL;',
                    hash="8bcfbe8a6c4d2b2d242244ecce5904b8b1dcf126",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_54901",
                    table="auth_group",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackedgrouppermission",
            trigger=pgtrigger.compiler.Trigger(
                name="add_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "sequence_trackedgrouppermissionevent" ("group_id", "id", "permission_id", "pgh_context_id", "pgh_created_at", "pgh_label") VALUES (NEW."group_id", NEW."id", NEW."permission_id", _pgh_attach_context(), NOW(), \'add\'); RETURN NULL;',
                    hash="e858ab8a955b318fb1c4a225da32093ddcb8b6e0",
                    operation="INSERT",
                    pgid="pgtrigger_add_insert_02fc9",
                    table="auth_group_permissions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackedgrouppermission",
            trigger=pgtrigger.compiler.Trigger(
                name="remove_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "sequence_trackedgrouppermissionevent" ("group_id", "id", "permission_id", "pgh_context_id", "pgh_created_at", "pgh_label") VALUES (OLD."group_id", OLD."id", OLD."permission_id", _pgh_attach_context(), NOW(), \'remove\'); RETURN NULL;',
                    hash="873c4fd63ceadeb978a59ec6ae9b118962e4c0c4",
                    operation="DELETE",
                    pgid="pgtrigger_remove_delete_f4a25",
                    table="auth_group_permissions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackedusergroup",
            trigger=pgtrigger.compiler.Trigger(
                name="add_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "sequence_trackedusergroupevent" ("group_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "user_id") VALUES (NEW."group_id", NEW."id", _pgh_attach_context(), NOW(), \'add\', NEW."user_id"); RETURN NULL;',
                    hash="ddc0f9422526188bb90a0ada0531aa992333d508",
                    operation="INSERT",
                    pgid="pgtrigger_add_insert_6d52c",
                    table="auth_user_groups",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackedusergroup",
            trigger=pgtrigger.compiler.Trigger(
                name="remove_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "sequence_trackedusergroupevent" ("group_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "user_id") VALUES (OLD."group_id", OLD."id", _pgh_attach_context(), NOW(), \'remove\', OLD."user_id"); RETURN NULL;',
                    hash="56ba46124565e43f2ab6968843963e115f2131d2",
                    operation="DELETE",
                    pgid="pgtrigger_remove_delete_43069",
                    table="auth_user_groups",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackeduserpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="add_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "sequence_trackeduserpermissionevent" ("id", "permission_id", "pgh_context_id", "pgh_created_at", "pgh_label", "user_id") VALUES (NEW."id", NEW."permission_id", _pgh_attach_context(), NOW(), \'add\', NEW."user_id"); RETURN NULL;',
                    hash="bc312f21f8fd56816bad71fcedf9405baaab1bea",
                    operation="INSERT",
                    pgid="pgtrigger_add_insert_707ef",
                    table="auth_user_user_permissions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackeduserpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="remove_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "sequence_trackeduserpermissionevent" ("id", "permission_id", "pgh_context_id", "pgh_created_at", "pgh_label", "user_id") VALUES (OLD."id", OLD."permission_id", _pgh_attach_context(), NOW(), \'remove\', OLD."user_id"); RETURN NULL;',
                    hash="5619f1f23997c63db2e7c0c94bcecf24cf408b9d",
                    operation="DELETE",
                    pgid="pgtrigger_remove_delete_9b0be",
                    table="auth_user_user_permissions",
                    when="AFTER",
                ),
            ),
        ),
        index("actor"),
        index("request_id"),
        migrations.RunSQL(
            "ALTER TABLE sequence_callsbeyondlimit SET UNLOGGED", "ALTER TABLE sequence_callsbeyondlimit SET LOGGED"
        ),
    ]
