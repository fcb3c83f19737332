import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from sequence.core.database.foreign_keys import given_owner, of_same


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0006_name_the_organization"),
        ("rules", "0007_read_arrivals_from_events"),
        ("transfers", "0007_notice_arrivals_no_more"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="rule",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="rule",
            name="update_update",
        ),
        migrations.RemoveConstraint(
            model_name="ruleversion",
            name="rule_version_number_once",
        ),
        migrations.AddField(
            model_name="ruleidnicknamedescriptionstatusversionenabledbyenabledversiondeletedatevent",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="apikeys.organization",
            ),
        ),
        given_owner(
            "organization",
            "rules_ruleidnicknamedescriptionstatusversionenabledbyenable823f",
            "pgh_obj_id",
            "rules_rule",
        ),
        migrations.AlterField(
            model_name="ruleidnicknamedescriptionstatusversionenabledbyenabledversiondeletedatevent",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="apikeys.organization",
            ),
        ),
        migrations.AddField(
            model_name="rulemove",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="apikeys.organization",
            ),
        ),
        given_owner("organization", "rules_rulemove", "execution_id", "rules_ruleexecution"),
        migrations.AlterField(
            model_name="rulemove",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.organization"
            ),
        ),
        migrations.AddField(
            model_name="ruleversion",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="apikeys.organization",
            ),
        ),
        given_owner("organization", "rules_ruleversion", "rule_id", "rules_rule"),
        migrations.AlterField(
            model_name="ruleversion",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.organization"
            ),
        ),
        migrations.AlterField(
            model_name="ruleexecution",
            name="version",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="rules.ruleversion",
            ),
        ),
        migrations.AlterField(
            model_name="rulemove",
            name="execution",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="moves",
                to="rules.ruleexecution",
            ),
        ),
        migrations.AlterField(
            model_name="rulemove",
            name="rule",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="rules.rule",
            ),
        ),
        migrations.AlterField(
            model_name="rulemove",
            name="transfer",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="transfers.transfer",
            ),
        ),
        migrations.AlterField(
            model_name="ruleversion",
            name="rule",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="versions",
                to="rules.rule",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rule",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "rules_ruleidnicknamedescriptionstatusversionenabledbyenable823f" ("deleted_at", "description", "enabled_by", "enabled_version", "id", "nickname", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "updated_at", "version") VALUES (NEW."deleted_at", NEW."description", NEW."enabled_by", NEW."enabled_version", NEW."id", NEW."nickname", NEW."organization_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."status", NEW."updated_at", NEW."version"); RETURN NULL;',
                    hash="4592a0dde0d0aad314e4cda8781a1c6f6df9ba28",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_8cb96",
                    table="rules_rule",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rule",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."deleted_at" IS DISTINCT FROM (NEW."deleted_at") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."enabled_by" IS DISTINCT FROM (NEW."enabled_by") OR OLD."enabled_version" IS DISTINCT FROM (NEW."enabled_version") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."nickname" IS DISTINCT FROM (NEW."nickname") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."updated_at" IS DISTINCT FROM (NEW."updated_at") OR OLD."version" IS DISTINCT FROM (NEW."version"))',
                    func='INSERT INTO "rules_ruleidnicknamedescriptionstatusversionenabledbyenable823f" ("deleted_at", "description", "enabled_by", "enabled_version", "id", "nickname", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "updated_at", "version") VALUES (NEW."deleted_at", NEW."description", NEW."enabled_by", NEW."enabled_version", NEW."id", NEW."nickname", NEW."organization_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."status", NEW."updated_at", NEW."version"); RETURN NULL;',
                    hash="0fd6423d8ca5af6d66ac56777c2c3fd5b480395e",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_29cd2",
                    table="rules_rule",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="rulemove",
            constraint=models.UniqueConstraint(fields=("transfer", "organization"), name="rule_move_of_one_transfer"),
        ),
        migrations.AddConstraint(
            model_name="ruleversion",
            constraint=models.UniqueConstraint(
                fields=("rule", "number", "organization"), name="rule_version_number_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="ruleversion",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="rule_version_within_organization"),
        ),
        of_same("organization", "rules_ruleversion", "rule_id", "rules_rule"),
        of_same("organization", "rules_ruleexecution", "version_id", "rules_ruleversion"),
        of_same("organization", "rules_rulemove", "execution_id", "rules_ruleexecution"),
        of_same("organization", "rules_rulemove", "rule_id", "rules_rule"),
        of_same("organization", "rules_rulemove", "transfer_id", "transfers_transfer"),
    ]
