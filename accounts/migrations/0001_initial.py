"""Accounts and the trail of their changes."""

import django.db.models.deletion
import pgtrigger.compiler
import sequence.core.api.ids
import sequence.core.clock
import sequence.core.encryption
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("apikeys", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("acc", editable=False, primary_key=True, serialize=False)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("income_source", "Income source"),
                            ("pod", "Pod"),
                            ("external_account", "External account"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "external_account_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("DEPOSITORY", "Depository"),
                            ("INVESTMENT", "Investment"),
                            ("LIABILITY", "Liability"),
                        ],
                        max_length=20,
                        null=True,
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("description", models.CharField(blank=True, max_length=500, null=True)),
                ("icon", models.CharField(blank=True, max_length=50, null=True)),
                ("savings_target_cents", models.BigIntegerField(blank=True, null=True)),
                ("beneficiary_name", models.CharField(blank=True, max_length=200, null=True)),
                ("institution_name", models.CharField(blank=True, max_length=100, null=True)),
                ("routing_number", sequence.core.encryption.EncryptedField(editable=False, null=True)),
                ("bank_account_number", sequence.core.encryption.EncryptedField(editable=False, null=True)),
                ("routing_number_last_four", models.CharField(editable=False, max_length=4, null=True)),
                ("bank_account_number_last_four", models.CharField(editable=False, max_length=4, null=True)),
                ("balance_cents", models.BigIntegerField(default=0, editable=False, null=True)),
                ("held_cents", models.BigIntegerField(default=0, editable=False)),
                ("balance_updated_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                ("last_statement_balance_cents", models.BigIntegerField(blank=True, null=True)),
                ("next_payment_minimum_cents", models.BigIntegerField(blank=True, null=True)),
                ("paid_since_statement_cents", models.BigIntegerField(default=0, editable=False)),
                ("paid_since_minimum_cents", models.BigIntegerField(default=0, editable=False)),
                ("next_payment_due_on", models.DateField(blank=True, null=True)),
                ("interest_rate_percent", models.DecimalField(blank=True, decimal_places=3, max_digits=6, null=True)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="apikeys.organization",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "created_at", "id"], name="account_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="account_within_organization"),
                    models.CheckConstraint(
                        condition=models.Q(("type__in", ["income_source", "pod", "external_account"])),
                        name="account_type_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("type", "external_account"),
                                ("external_account_type__in", ["DEPOSITORY", "INVESTMENT", "LIABILITY"]),
                                ("external_account_type__isnull", False),
                            ),
                            models.Q(
                                models.Q(("type", "external_account"), _negated=True), ("external_account_type", None)
                            ),
                            _connector="OR",
                        ),
                        name="account_external_type_fits_type",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("type", "external_account"), ("balance_cents__isnull", False), _connector="OR"
                        ),
                        name="account_ledger_balance_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("held_cents__gte", 0)), name="account_held_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("type", "external_account"),
                            ("balance_cents__gte", models.F("held_cents")),
                            _connector="OR",
                        ),
                        name="account_available_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("external_account_type", "LIABILITY"), ("external_account_type__isnull", False)),
                            models.Q(
                                ("interest_rate_percent", None),
                                ("last_statement_balance_cents", None),
                                ("next_payment_due_on", None),
                                ("next_payment_minimum_cents", None),
                            ),
                            _connector="OR",
                        ),
                        name="account_liability_facts_of_liability",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("deleted_at", None),
                            ("type", "external_account"),
                            models.Q(("balance_cents", 0), ("held_cents", 0)),
                            _connector="OR",
                        ),
                        name="account_deleted_is_empty",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="balance_moves_only_with_postings",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.balance_cents IS DISTINCT FROM NEW.balance_cents AND NEW.type <> 'external_account' AND pg_trigger_depth() = 0)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update of \"balance_cents\" rows from % table', TG_TABLE_NAME;",
                            hash="a61094e6fa9c9555a2a58507cfd1da24b074ca8d",
                            operation='UPDATE OF "balance_cents"',
                            pgid="pgtrigger_balance_moves_only_with_postings_e1b6e",
                            table="accounts_account",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="begins_empty",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.type <> 'external_account' AND NEW.balance_cents <> 0)",
                            func="\n                    RAISE EXCEPTION 'An account of the ledger begins with nothing; only postings move its balance.'\n                        USING ERRCODE = '23514';\n                ",
                            hash="012faa7fcf3a845849e4dc902b2639733ede9ed7",
                            operation="INSERT",
                            pgid="pgtrigger_begins_empty_e45e1",
                            table="accounts_account",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_it",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'account.created' AS event, jsonb_build_object('account_id', NEW.id) AS data, NEW.created_at AS at) AS news;\n RETURN NULL;",
                            hash="109df0bdca5be0c18e0f1a6da97a3be2f311f494",
                            operation="INSERT",
                            pgid="pgtrigger_tells_of_it_64462",
                            table="accounts_account",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_changes",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NEW.deleted_at IS NULL AND (OLD.name, OLD.description, OLD.icon, OLD.savings_target_cents, OLD.beneficiary_name, OLD.institution_name, OLD.routing_number_last_four, OLD.bank_account_number_last_four, OLD.last_statement_balance_cents, OLD.next_payment_minimum_cents, OLD.next_payment_due_on, OLD.interest_rate_percent) IS DISTINCT FROM (NEW.name, NEW.description, NEW.icon, NEW.savings_target_cents, NEW.beneficiary_name, NEW.institution_name, NEW.routing_number_last_four, NEW.bank_account_number_last_four, NEW.last_statement_balance_cents, NEW.next_payment_minimum_cents, NEW.next_payment_due_on, NEW.interest_rate_percent))",
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'account.changed' AS event, jsonb_build_object('account_id', NEW.id) AS data, NEW.updated_at AS at) AS news;\n RETURN NULL;",
                            hash="f78d7d379617ee16db6d38d529b8862094eeafd8",
                            operation='UPDATE OF "name", "description", "icon", "savings_target_cents", "beneficiary_name", "institution_name", "routing_number_last_four", "bank_account_number_last_four", "last_statement_balance_cents", "next_payment_minimum_cents", "next_payment_due_on", "interest_rate_percent"',
                            pgid="pgtrigger_tells_of_changes_51986",
                            table="accounts_account",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_its_end",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)",
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'account.deleted' AS event, jsonb_build_object('account_id', NEW.id) AS data, NEW.deleted_at AS at) AS news;\n RETURN NULL;",
                            hash="0bb9367544ff8d19270cf1728c209b9923b85d15",
                            operation='UPDATE OF "deleted_at"',
                            pgid="pgtrigger_tells_of_its_end_e003a",
                            table="accounts_account",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "accounts_accountevent" ("bank_account_number_last_four", "beneficiary_name", "created_at", "deleted_at", "description", "external_account_type", "icon", "id", "institution_name", "interest_rate_percent", "last_statement_balance_cents", "name", "next_payment_due_on", "next_payment_minimum_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "routing_number_last_four", "savings_target_cents", "type") VALUES (NEW."bank_account_number_last_four", NEW."beneficiary_name", NEW."created_at", NEW."deleted_at", NEW."description", NEW."external_account_type", NEW."icon", NEW."id", NEW."institution_name", NEW."interest_rate_percent", NEW."last_statement_balance_cents", NEW."name", NEW."next_payment_due_on", NEW."next_payment_minimum_cents", NEW."organization_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."routing_number_last_four", NEW."savings_target_cents", NEW."type"); RETURN NULL;',
                            hash="7ae3cb6d7073c1ed761d761ea004f65cdc2afc7d",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_8b982",
                            table="accounts_account",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."bank_account_number_last_four" IS DISTINCT FROM (NEW."bank_account_number_last_four") OR OLD."beneficiary_name" IS DISTINCT FROM (NEW."beneficiary_name") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."deleted_at" IS DISTINCT FROM (NEW."deleted_at") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."external_account_type" IS DISTINCT FROM (NEW."external_account_type") OR OLD."icon" IS DISTINCT FROM (NEW."icon") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."institution_name" IS DISTINCT FROM (NEW."institution_name") OR OLD."interest_rate_percent" IS DISTINCT FROM (NEW."interest_rate_percent") OR OLD."last_statement_balance_cents" IS DISTINCT FROM (NEW."last_statement_balance_cents") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."next_payment_due_on" IS DISTINCT FROM (NEW."next_payment_due_on") OR OLD."next_payment_minimum_cents" IS DISTINCT FROM (NEW."next_payment_minimum_cents") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."routing_number_last_four" IS DISTINCT FROM (NEW."routing_number_last_four") OR OLD."savings_target_cents" IS DISTINCT FROM (NEW."savings_target_cents") OR OLD."type" IS DISTINCT FROM (NEW."type"))',
                            func='INSERT INTO "accounts_accountevent" ("bank_account_number_last_four", "beneficiary_name", "created_at", "deleted_at", "description", "external_account_type", "icon", "id", "institution_name", "interest_rate_percent", "last_statement_balance_cents", "name", "next_payment_due_on", "next_payment_minimum_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "routing_number_last_four", "savings_target_cents", "type") VALUES (NEW."bank_account_number_last_four", NEW."beneficiary_name", NEW."created_at", NEW."deleted_at", NEW."description", NEW."external_account_type", NEW."icon", NEW."id", NEW."institution_name", NEW."interest_rate_percent", NEW."last_statement_balance_cents", NEW."name", NEW."next_payment_due_on", NEW."next_payment_minimum_cents", NEW."organization_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."routing_number_last_four", NEW."savings_target_cents", NEW."type"); RETURN NULL;',
                            hash="84f958a2528d111ef7e9351d43ccd1739a8b9976",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_834ae",
                            table="accounts_account",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="delete_delete",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "accounts_accountevent" ("bank_account_number_last_four", "beneficiary_name", "created_at", "deleted_at", "description", "external_account_type", "icon", "id", "institution_name", "interest_rate_percent", "last_statement_balance_cents", "name", "next_payment_due_on", "next_payment_minimum_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "routing_number_last_four", "savings_target_cents", "type") VALUES (OLD."bank_account_number_last_four", OLD."beneficiary_name", OLD."created_at", OLD."deleted_at", OLD."description", OLD."external_account_type", OLD."icon", OLD."id", OLD."institution_name", OLD."interest_rate_percent", OLD."last_statement_balance_cents", OLD."name", OLD."next_payment_due_on", OLD."next_payment_minimum_cents", OLD."organization_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."routing_number_last_four", OLD."savings_target_cents", OLD."type"); RETURN NULL;',
                            hash="25f89b859388dcbec53d53be86cee0e57e164e52",
                            operation="DELETE",
                            pgid="pgtrigger_delete_delete_f7f6a",
                            table="accounts_account",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", sequence.core.api.ids.PrefixedIdField("acc", editable=False, serialize=False)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("income_source", "Income source"),
                            ("pod", "Pod"),
                            ("external_account", "External account"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "external_account_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("DEPOSITORY", "Depository"),
                            ("INVESTMENT", "Investment"),
                            ("LIABILITY", "Liability"),
                        ],
                        max_length=20,
                        null=True,
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("description", models.CharField(blank=True, max_length=500, null=True)),
                ("icon", models.CharField(blank=True, max_length=50, null=True)),
                ("savings_target_cents", models.BigIntegerField(blank=True, null=True)),
                ("beneficiary_name", models.CharField(blank=True, max_length=200, null=True)),
                ("institution_name", models.CharField(blank=True, max_length=100, null=True)),
                ("routing_number_last_four", models.CharField(editable=False, max_length=4, null=True)),
                ("bank_account_number_last_four", models.CharField(editable=False, max_length=4, null=True)),
                ("last_statement_balance_cents", models.BigIntegerField(blank=True, null=True)),
                ("next_payment_minimum_cents", models.BigIntegerField(blank=True, null=True)),
                ("next_payment_due_on", models.DateField(blank=True, null=True)),
                ("interest_rate_percent", models.DecimalField(blank=True, decimal_places=3, max_digits=6, null=True)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
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
                        to="accounts.account",
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
                            hash="b2fcc0ac097507fbc8f168c4af9b0fbdec311f8f",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_a5014",
                            table="accounts_accountevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
    ]
