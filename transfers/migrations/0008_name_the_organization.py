import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from sequence.core.database.foreign_keys import given_owner, of_same


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_read_the_trail_by_time"),
        ("apikeys", "0006_name_the_organization"),
        ("transfers", "0007_notice_arrivals_no_more"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="simulatedmark",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="simulatedmark",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="simulatedmark",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="simulatedmark",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="apikeys.organization",
            ),
        ),
        given_owner("organization", "transfers_simulatedmark", "account_id", "accounts_account"),
        migrations.AlterField(
            model_name="simulatedmark",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="apikeys.organization",
            ),
        ),
        migrations.AddField(
            model_name="simulatedmarkevent",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="apikeys.organization",
            ),
        ),
        given_owner("organization", "transfers_simulatedmarkevent", "pgh_obj_id", "accounts_account"),
        migrations.AlterField(
            model_name="simulatedmarkevent",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="apikeys.organization",
            ),
        ),
        migrations.AddField(
            model_name="simulatedpayment",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="apikeys.organization",
            ),
        ),
        given_owner("organization", "transfers_simulatedpayment", "transfer_id", "transfers_transfer"),
        migrations.AlterField(
            model_name="simulatedpayment",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.organization"
            ),
        ),
        migrations.AlterField(
            model_name="simulatedmark",
            name="account",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="simulated_mark",
                serialize=False,
                to="accounts.account",
            ),
        ),
        given_owner("organization", "transfers_transferdecision", "pgh_obj_id", "transfers_transfer"),
        migrations.AlterField(
            model_name="transferdecision",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="apikeys.organization",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="simulatedmark",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "transfers_simulatedmarkevent" ("account_id", "fail_code", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "return_code", "return_delay_seconds") VALUES (NEW."account_id", NEW."fail_code", NEW."organization_id", _pgh_attach_context(), NOW(), \'insert\', NEW."account_id", NEW."return_code", NEW."return_delay_seconds"); RETURN NULL;',
                    hash="05b93c3f350e622db7a416ea4e1e2c2829363610",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b6aff",
                    table="transfers_simulatedmark",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="simulatedmark",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "transfers_simulatedmarkevent" ("account_id", "fail_code", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "return_code", "return_delay_seconds") VALUES (NEW."account_id", NEW."fail_code", NEW."organization_id", _pgh_attach_context(), NOW(), \'update\', NEW."account_id", NEW."return_code", NEW."return_delay_seconds"); RETURN NULL;',
                    hash="c64535b3c94b0a8619a1282bca8ccb32a19bce80",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d8ca4",
                    table="transfers_simulatedmark",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="simulatedmark",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "transfers_simulatedmarkevent" ("account_id", "fail_code", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "return_code", "return_delay_seconds") VALUES (OLD."account_id", OLD."fail_code", OLD."organization_id", _pgh_attach_context(), NOW(), \'delete\', OLD."account_id", OLD."return_code", OLD."return_delay_seconds"); RETURN NULL;',
                    hash="60fb6f76d98869f9573defe001650a352e965d74",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_05573",
                    table="transfers_simulatedmark",
                    when="AFTER",
                ),
            ),
        ),
        of_same("organization", "transfers_simulatedmark", "account_id", "accounts_account"),
        of_same("organization", "transfers_simulatedpayment", "transfer_id", "transfers_transfer"),
    ]
