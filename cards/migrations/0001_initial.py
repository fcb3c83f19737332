"""Cards and what was bought; at the end what Django's models cannot say: rows that cross organizations are refused.

So are a transaction that names another pod than its card's, and a refund of another card's purchase.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
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
            name="Card",
            fields=[
                (
                    "id",
                    sequence.core.api.ids.PrefixedIdField("card", editable=False, primary_key=True, serialize=False),
                ),
                ("type", models.CharField(choices=[("virtual", "Virtual"), ("physical", "Physical")], max_length=10)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("inactive", "Inactive"),
                            ("frozen", "Frozen"),
                            ("stolen", "Stolen"),
                            ("lost", "Lost"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("holder_name", models.CharField(max_length=100)),
                ("last_four", models.CharField(max_length=4)),
                ("expiry_year", models.PositiveSmallIntegerField()),
                ("expiry_month", models.PositiveSmallIntegerField()),
                (
                    "limit_per_transaction_cents",
                    models.BigIntegerField(
                        blank=True, help_text="What one purchase may spend, in cents; empty means no limit.", null=True
                    ),
                ),
                (
                    "limit_per_day_cents",
                    models.BigIntegerField(
                        blank=True,
                        help_text="What purchases may spend in a day (UTC), in cents; empty means no limit.",
                        null=True,
                    ),
                ),
                (
                    "limit_per_month_cents",
                    models.BigIntegerField(
                        blank=True,
                        help_text="What purchases may spend in a calendar month (UTC), in cents; empty means no limit.",
                        null=True,
                    ),
                ),
                (
                    "allowed_merchants",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="Where the card pays; empty means anywhere.",
                        size=None,
                    ),
                ),
                (
                    "blocked_merchants",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="Where the card does not pay, even if the merchant is allowed.",
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cards",
                        to="accounts.account",
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
            ],
            options={
                "permissions": [("charge_card", "Can charge and refund card in the simulated network")],
                "default_permissions": ("view", "add", "change"),
                "indexes": [models.Index(fields=["account", "created_at", "id"], name="card_list")],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="card_within_organization"),
                    models.UniqueConstraint(fields=("account", "id"), name="card_within_account"),
                    models.CheckConstraint(
                        condition=models.Q(("type__in", ["virtual", "physical"])), name="card_type_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["active", "inactive", "frozen", "stolen", "lost"])),
                        name="card_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("holder_name", ""), _negated=True), name="card_has_a_holder"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last_four__regex", "^[0-9]{4}$")), name="card_last_four_are_digits"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expiry_month__range", (1, 12)), ("expiry_year__range", (2000, 2099))),
                        name="card_expiry_is_a_month",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_per_transaction_cents", None),
                            models.Q(
                                ("limit_per_transaction_cents__gte", 1),
                                ("limit_per_transaction_cents__lte", 9007199254740991),
                            ),
                            _connector="OR",
                        ),
                        name="card_limit_per_transaction_cents_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_per_day_cents", None),
                            models.Q(("limit_per_day_cents__gte", 1), ("limit_per_day_cents__lte", 9007199254740991)),
                            _connector="OR",
                        ),
                        name="card_limit_per_day_cents_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_per_month_cents", None),
                            models.Q(
                                ("limit_per_month_cents__gte", 1), ("limit_per_month_cents__lte", 9007199254740991)
                            ),
                            _connector="OR",
                        ),
                        name="card_limit_per_month_cents_in_range",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="status_follows_its_path",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE _is_valid_transition BOOLEAN;",
                            func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{active:inactive,inactive:active,active:frozen,frozen:active,active:stolen,active:lost,inactive:stolen,inactive:lost,frozen:stolen,frozen:lost}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                            hash="6a12e06af6eca761532a16c350cdb866d9c44fcd",
                            operation="UPDATE",
                            pgid="pgtrigger_status_follows_its_path_1f297",
                            table="cards_card",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="784dae07df00b8702ce3a6ee6fc0b966f6a58bcf",
                            operation="DELETE",
                            pgid="pgtrigger_is_never_deleted_ab00c",
                            table="cards_card",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="stays_what_it_is",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."type" IS DISTINCT FROM (NEW."type") OR OLD."holder_name" IS DISTINCT FROM (NEW."holder_name") OR OLD."last_four" IS DISTINCT FROM (NEW."last_four") OR OLD."expiry_year" IS DISTINCT FROM (NEW."expiry_year") OR OLD."expiry_month" IS DISTINCT FROM (NEW."expiry_month") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at"))',
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="f0432e15a87e361b7b27128bc3f801f9e7cb1e4f",
                            operation="UPDATE",
                            pgid="pgtrigger_stays_what_it_is_5dc8a",
                            table="cards_card",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="belongs_to_a_pod",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n                    IF NOT EXISTS (\n                        SELECT FROM accounts_account\n                        WHERE id = NEW.account_id AND type = 'pod'\n                          AND (deleted_at IS NULL OR NEW.status NOT IN ('active', 'frozen'))\n                    ) THEN\n                        RAISE EXCEPTION 'Card % has no pod, or a deleted one.', NEW.id USING ERRCODE = '23514';\n                    END IF;\n                    RETURN NEW;\n                ",
                            hash="7d8a5fec978d82d51186b2067c7b615196c84f2d",
                            operation='INSERT OR UPDATE OF "status"',
                            pgid="pgtrigger_belongs_to_a_pod_08167",
                            table="cards_card",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "cards_cardevent" ("account_id", "allowed_merchants", "blocked_merchants", "created_at", "expiry_month", "expiry_year", "holder_name", "id", "last_four", "limit_per_day_cents", "limit_per_month_cents", "limit_per_transaction_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "type") VALUES (NEW."account_id", NEW."allowed_merchants", NEW."blocked_merchants", NEW."created_at", NEW."expiry_month", NEW."expiry_year", NEW."holder_name", NEW."id", NEW."last_four", NEW."limit_per_day_cents", NEW."limit_per_month_cents", NEW."limit_per_transaction_cents", NEW."organization_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."status", NEW."type"); RETURN NULL;',
                            hash="894498a7795178f18f6a602005da6512d173a2e2",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_77cbc",
                            table="cards_card",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func='INSERT INTO "cards_cardevent" ("account_id", "allowed_merchants", "blocked_merchants", "created_at", "expiry_month", "expiry_year", "holder_name", "id", "last_four", "limit_per_day_cents", "limit_per_month_cents", "limit_per_transaction_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "type") VALUES (NEW."account_id", NEW."allowed_merchants", NEW."blocked_merchants", NEW."created_at", NEW."expiry_month", NEW."expiry_year", NEW."holder_name", NEW."id", NEW."last_four", NEW."limit_per_day_cents", NEW."limit_per_month_cents", NEW."limit_per_transaction_cents", NEW."organization_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."status", NEW."type"); RETURN NULL;',
                            hash="c5197808c23479fe41491c2d64df2eec53c7ac45",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_628bf",
                            table="cards_card",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CardDecline",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("amount_cents", models.BigIntegerField()),
                ("merchant_name", models.CharField(max_length=100)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("card_not_active", "The card is not active."),
                            ("card_expired", "The card has expired."),
                            ("merchant_blocked", "The card may not pay at this merchant."),
                            ("merchant_not_allowed", "This merchant is not among those where the card may pay."),
                            ("above_transaction_limit", "The amount is above the card's limit for one purchase."),
                            ("above_daily_limit", "The amount is above what the card's daily limit leaves."),
                            ("above_monthly_limit", "The amount is above what the card's monthly limit leaves."),
                            ("insufficient_funds", "The pod has too little money available."),
                        ],
                        max_length=30,
                    ),
                ),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                (
                    "card",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="declines",
                        to="cards.card",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.organization"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        models.F("card"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="card_decline_list",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "reason__in",
                                [
                                    "card_not_active",
                                    "card_expired",
                                    "merchant_blocked",
                                    "merchant_not_allowed",
                                    "above_transaction_limit",
                                    "above_daily_limit",
                                    "above_monthly_limit",
                                    "insufficient_funds",
                                ],
                            )
                        ),
                        name="card_decline_reason_is_known",
                    )
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="is_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="ce0476e703d7e5ca8f9e1a67d28efe785a779896",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_is_append_only_3764e",
                            table="cards_carddecline",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_it",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'card.declined' AS event, jsonb_build_object('card_id', card.id, 'account_id', card.account_id) AS data, NEW.created_at AS at FROM cards_card AS card WHERE card.id = NEW.card_id) AS news;\n RETURN NULL;",
                            hash="701a260b2a827fe30e73c5a581b820a90e86a202",
                            operation="INSERT",
                            pgid="pgtrigger_tells_of_it_c791e",
                            table="cards_carddecline",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CardEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", sequence.core.api.ids.PrefixedIdField("card", editable=False, serialize=False)),
                ("type", models.CharField(choices=[("virtual", "Virtual"), ("physical", "Physical")], max_length=10)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("inactive", "Inactive"),
                            ("frozen", "Frozen"),
                            ("stolen", "Stolen"),
                            ("lost", "Lost"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("holder_name", models.CharField(max_length=100)),
                ("last_four", models.CharField(max_length=4)),
                ("expiry_year", models.PositiveSmallIntegerField()),
                ("expiry_month", models.PositiveSmallIntegerField()),
                (
                    "limit_per_transaction_cents",
                    models.BigIntegerField(
                        blank=True, help_text="What one purchase may spend, in cents; empty means no limit.", null=True
                    ),
                ),
                (
                    "limit_per_day_cents",
                    models.BigIntegerField(
                        blank=True,
                        help_text="What purchases may spend in a day (UTC), in cents; empty means no limit.",
                        null=True,
                    ),
                ),
                (
                    "limit_per_month_cents",
                    models.BigIntegerField(
                        blank=True,
                        help_text="What purchases may spend in a calendar month (UTC), in cents; empty means no limit.",
                        null=True,
                    ),
                ),
                (
                    "allowed_merchants",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="Where the card pays; empty means anywhere.",
                        size=None,
                    ),
                ),
                (
                    "blocked_merchants",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="Where the card does not pay, even if the merchant is allowed.",
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.account",
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
                        to="cards.card",
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
                            hash="5bff994bb12da0f9e45fef93c031ff3a4d2100ba",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_8fc1d",
                            table="cards_cardevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CardTransaction",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("ctx", editable=False, primary_key=True, serialize=False)),
                ("direction", models.CharField(choices=[("debit", "Purchase"), ("credit", "Refund")], max_length=10)),
                ("amount_cents", models.BigIntegerField()),
                ("merchant_name", models.CharField(max_length=100)),
                ("refunded_cents", models.BigIntegerField(default=0, editable=False)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now, editable=False)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
                    ),
                ),
                (
                    "card",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="cards.card",
                    ),
                ),
                (
                    "entry_set",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="transfers.entryset",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="apikeys.organization"
                    ),
                ),
                (
                    "purchase",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="cards.cardtransaction",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        models.F("card"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="card_transaction_list",
                    ),
                    models.Index(fields=["created_at"], name="card_transaction_by_time"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("card", "id"), name="card_transaction_within_card"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gte", 1), ("amount_cents__lte", 9007199254740991)),
                        name="card_transaction_amount_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("direction", "debit"), ("purchase", None)),
                            models.Q(("direction", "credit"), ("purchase__isnull", False)),
                            _connector="OR",
                        ),
                        name="card_transaction_refund_has_its_purchase",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("merchant_name", ""), _negated=True), name="card_transaction_has_a_merchant"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded_cents__gte", 0), ("refunded_cents__lte", models.F("amount_cents"))
                        ),
                        name="card_transaction_refunded_at_most_once",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="79cc608a1655fbe15d5afa91d1e905e994f3a7c9",
                            operation="DELETE",
                            pgid="pgtrigger_is_never_deleted_cd3d4",
                            table="cards_cardtransaction",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="stays_what_it_is",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."card_id" IS DISTINCT FROM (NEW."card_id") OR OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."direction" IS DISTINCT FROM (NEW."direction") OR OLD."amount_cents" IS DISTINCT FROM (NEW."amount_cents") OR OLD."merchant_name" IS DISTINCT FROM (NEW."merchant_name") OR OLD."purchase_id" IS DISTINCT FROM (NEW."purchase_id") OR OLD."entry_set_id" IS DISTINCT FROM (NEW."entry_set_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at"))',
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="2c35a394d46ecec46cebd9b497cbad281109193f",
                            operation="UPDATE",
                            pgid="pgtrigger_stays_what_it_is_56bd3",
                            table="cards_cardtransaction",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_it",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT NEW.organization_id AS organization_id, 'card_transaction.created' AS event, jsonb_build_object('card_transaction_id', NEW.id, 'card_id', NEW.card_id, 'account_id', NEW.account_id) AS data, NEW.created_at AS at) AS news;\n RETURN NULL;",
                            hash="f974d98b57034347b7cd6777534dbd3553e927d0",
                            operation="INSERT",
                            pgid="pgtrigger_tells_of_it_7af63",
                            table="cards_cardtransaction",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_posted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            func="\n                    IF (\n                        SELECT COALESCE(SUM(posting.amount_cents), 0)\n                        FROM transfers_posting posting JOIN transfers_entryset entry_set\n                            ON entry_set.id = posting.entry_set_id\n                        WHERE entry_set.id = NEW.entry_set_id AND entry_set.kind = 'card' AND posting.clearing = 'cards'\n                    ) <> (CASE NEW.direction WHEN 'debit' THEN NEW.amount_cents ELSE -NEW.amount_cents END) THEN\n                        RAISE EXCEPTION 'Card transaction % is not what its postings move.', NEW.id\n                            USING ERRCODE = '23514';\n                    END IF;\n                    RETURN NULL;\n                ",
                            hash="73c0cfad65f532ecea78eab240748c6d5ae9e228",
                            operation="INSERT",
                            pgid="pgtrigger_is_posted_43b62",
                            table="cards_cardtransaction",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_never_truncated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'Card transactions are never removed.' USING ERRCODE = '23514';",
                            hash="ea64875c83eaf12de1521a91b01f910a87b3c8c4",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_is_never_truncated_c1c40",
                            table="cards_cardtransaction",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="refunded_moves_only_with_refunds",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (pg_trigger_depth() = 0)",
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update of \"refunded_cents\" rows from % table', TG_TABLE_NAME;",
                            hash="5296c7d07795af4c4092dfad6337520721962380",
                            operation='UPDATE OF "refunded_cents"',
                            pgid="pgtrigger_refunded_moves_only_with_refunds_613d7",
                            table="cards_cardtransaction",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="starts_without_refunds",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="NEW.refunded_cents = 0; RETURN NEW;",
                            hash="26de6dd4b429b4f6879abf48caf970902ed975c8",
                            operation="INSERT",
                            pgid="pgtrigger_starts_without_refunds_1a70a",
                            table="cards_cardtransaction",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_counted_by_its_purchase",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (NEW."purchase_id" IS NOT NULL)',
                            func="\n                    UPDATE cards_cardtransaction SET refunded_cents = refunded_cents + NEW.amount_cents\n                    WHERE id = NEW.purchase_id AND direction = 'debit';\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'Refund % has no purchase.', NEW.id USING ERRCODE = '23514';\n                    END IF;\n                    RETURN NULL;\n                ",
                            hash="a73cc66e45f57687610de12b8e6857f1b9c86134",
                            operation="INSERT",
                            pgid="pgtrigger_is_counted_by_its_purchase_9cd62",
                            table="cards_cardtransaction",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        of_same("organization", "cards_card", "account_id", "accounts_account"),
        of_same("organization", "cards_cardtransaction", "card_id", "cards_card"),
        of_same("account", "cards_cardtransaction", "card_id", "cards_card"),
        of_same("card", "cards_cardtransaction", "purchase_id", "cards_cardtransaction"),
        of_same("organization", "cards_cardtransaction", "entry_set_id", "transfers_entryset"),
        of_same("organization", "cards_carddecline", "card_id", "cards_card"),
    ]
