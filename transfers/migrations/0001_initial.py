"""Transfers and the ledger; at the end what Django's models cannot say: rows that cross organizations are refused."""

import datetime
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import sequence.core.api.ids
import sequence.core.clock
import transfers.expressions
from django.db import migrations, models
from sequence.core.database.foreign_keys import of_same


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("apikeys", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="AchLimits",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="ach_limits",
                        serialize=False,
                        to="apikeys.organization",
                    ),
                ),
                (
                    "daily_credit_cents",
                    models.BigIntegerField(
                        blank=True, help_text="Sent out in a day, in cents; empty means no limit.", null=True
                    ),
                ),
                (
                    "monthly_credit_cents",
                    models.BigIntegerField(
                        blank=True, help_text="Sent out in a calendar month, in cents; empty means no limit.", null=True
                    ),
                ),
                (
                    "daily_debit_cents",
                    models.BigIntegerField(
                        blank=True, help_text="Pulled in in a day, in cents; empty means no limit.", null=True
                    ),
                ),
                (
                    "monthly_debit_cents",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Pulled in in a calendar month, in cents; empty means no limit.",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "ACH limits",
                "verbose_name_plural": "ACH limits",
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "transfers_achlimitsevent" ("daily_credit_cents", "daily_debit_cents", "monthly_credit_cents", "monthly_debit_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."daily_credit_cents", NEW."daily_debit_cents", NEW."monthly_credit_cents", NEW."monthly_debit_cents", NEW."organization_id", _pgh_attach_context(), NOW(), \'insert\', NEW."organization_id"); RETURN NULL;',
                            hash="b2ac1ecdbc9fa17c624bef76204a8b96549913be",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_4b724",
                            table="transfers_achlimits",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func='INSERT INTO "transfers_achlimitsevent" ("daily_credit_cents", "daily_debit_cents", "monthly_credit_cents", "monthly_debit_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."daily_credit_cents", NEW."daily_debit_cents", NEW."monthly_credit_cents", NEW."monthly_debit_cents", NEW."organization_id", _pgh_attach_context(), NOW(), \'update\', NEW."organization_id"); RETURN NULL;',
                            hash="4e80f37a684726da6ed8123b42669281d7e78362",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_32c16",
                            table="transfers_achlimits",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="delete_delete",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "transfers_achlimitsevent" ("daily_credit_cents", "daily_debit_cents", "monthly_credit_cents", "monthly_debit_cents", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."daily_credit_cents", OLD."daily_debit_cents", OLD."monthly_credit_cents", OLD."monthly_debit_cents", OLD."organization_id", _pgh_attach_context(), NOW(), \'delete\', OLD."organization_id"); RETURN NULL;',
                            hash="5ba3adf7b26c403a8ae6848bf4836d814631326d",
                            operation="DELETE",
                            pgid="pgtrigger_delete_delete_27c0e",
                            table="transfers_achlimits",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SimulatedMark",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="simulated_mark",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                (
                    "fail_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("insufficient_funds", "Insufficient Funds"),
                            ("disconnected_account", "Disconnected Account"),
                            ("name_mismatch", "Name Mismatch"),
                            ("payment_failed", "Payment Failed"),
                            ("payment_not_supported", "Payment Not Supported"),
                            ("transfer_amount_less_than_one_dollar", "Transfer Amount Less Than One Dollar"),
                            ("daily_ach_credit_limit_reached", "Daily Ach Credit Limit Reached"),
                            ("monthly_ach_credit_limit_reached", "Monthly Ach Credit Limit Reached"),
                            ("daily_ach_debit_limit_reached", "Daily Ach Debit Limit Reached"),
                            ("monthly_ach_debit_limit_reached", "Monthly Ach Debit Limit Reached"),
                            ("null_balance", "Null Balance"),
                            ("account_no_minimum_payment_amount", "Account No Minimum Payment Amount"),
                            ("account_no_last_statement_balance", "Account No Last Statement Balance"),
                            ("resource_deleted", "Resource Deleted"),
                            ("rule_loop_detected", "Rule Loop Detected"),
                        ],
                        help_text="Payments fail with this.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "return_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("insufficient_funds", "Insufficient Funds"),
                            ("disconnected_account", "Disconnected Account"),
                            ("name_mismatch", "Name Mismatch"),
                            ("payment_failed", "Payment Failed"),
                            ("payment_not_supported", "Payment Not Supported"),
                            ("transfer_amount_less_than_one_dollar", "Transfer Amount Less Than One Dollar"),
                            ("daily_ach_credit_limit_reached", "Daily Ach Credit Limit Reached"),
                            ("monthly_ach_credit_limit_reached", "Monthly Ach Credit Limit Reached"),
                            ("daily_ach_debit_limit_reached", "Daily Ach Debit Limit Reached"),
                            ("monthly_ach_debit_limit_reached", "Monthly Ach Debit Limit Reached"),
                            ("null_balance", "Null Balance"),
                            ("account_no_minimum_payment_amount", "Account No Minimum Payment Amount"),
                            ("account_no_last_statement_balance", "Account No Last Statement Balance"),
                            ("resource_deleted", "Resource Deleted"),
                            ("rule_loop_detected", "Rule Loop Detected"),
                        ],
                        help_text="Payments complete, then come back with this.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "return_delay_seconds",
                    models.PositiveIntegerField(default=0, help_text="How long after completing they come back."),
                ),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="insert_insert",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "transfers_simulatedmarkevent" ("account_id", "fail_code", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "return_code", "return_delay_seconds") VALUES (NEW."account_id", NEW."fail_code", _pgh_attach_context(), NOW(), \'insert\', NEW."account_id", NEW."return_code", NEW."return_delay_seconds"); RETURN NULL;',
                            hash="1ca85c2d65f73554a2c3b2144643dbe6450f76c5",
                            operation="INSERT",
                            pgid="pgtrigger_insert_insert_b6aff",
                            table="transfers_simulatedmark",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="update_update",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                            func='INSERT INTO "transfers_simulatedmarkevent" ("account_id", "fail_code", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "return_code", "return_delay_seconds") VALUES (NEW."account_id", NEW."fail_code", _pgh_attach_context(), NOW(), \'update\', NEW."account_id", NEW."return_code", NEW."return_delay_seconds"); RETURN NULL;',
                            hash="463e4b18bd0c6e3bd7ae2dcd2bea810e004eefd6",
                            operation="UPDATE",
                            pgid="pgtrigger_update_update_d8ca4",
                            table="transfers_simulatedmark",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="delete_delete",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func='INSERT INTO "transfers_simulatedmarkevent" ("account_id", "fail_code", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "return_code", "return_delay_seconds") VALUES (OLD."account_id", OLD."fail_code", _pgh_attach_context(), NOW(), \'delete\', OLD."account_id", OLD."return_code", OLD."return_delay_seconds"); RETURN NULL;',
                            hash="c1beb883dcaf2b9bbd51e8e0de40303c2e56fcf4",
                            operation="DELETE",
                            pgid="pgtrigger_delete_delete_05573",
                            table="transfers_simulatedmark",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AchLimitsEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "daily_credit_cents",
                    models.BigIntegerField(
                        blank=True, help_text="Sent out in a day, in cents; empty means no limit.", null=True
                    ),
                ),
                (
                    "monthly_credit_cents",
                    models.BigIntegerField(
                        blank=True, help_text="Sent out in a calendar month, in cents; empty means no limit.", null=True
                    ),
                ),
                (
                    "daily_debit_cents",
                    models.BigIntegerField(
                        blank=True, help_text="Pulled in in a day, in cents; empty means no limit.", null=True
                    ),
                ),
                (
                    "monthly_debit_cents",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Pulled in in a calendar month, in cents; empty means no limit.",
                        null=True,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        serialize=False,
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
                        to="transfers.achlimits",
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
                            hash="11171cf4268501701b061a4f0151ee9bd8988949",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_9068b",
                            table="transfers_achlimitsevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(default=sequence.core.clock.now)),
                ("finished_at", models.DateTimeField()),
                ("by", models.CharField(max_length=200)),
                ("checks", models.PositiveIntegerField()),
                ("faults", models.JSONField(default=list)),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["-started_at"], name="ledger_check_latest")],
            },
        ),
        migrations.CreateModel(
            name="RailTrouble",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rail", models.CharField(max_length=30)),
                ("broke_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("rail",), name="rail_trouble_once")],
            },
        ),
        migrations.CreateModel(
            name="SimulatedMarkEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "fail_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("insufficient_funds", "Insufficient Funds"),
                            ("disconnected_account", "Disconnected Account"),
                            ("name_mismatch", "Name Mismatch"),
                            ("payment_failed", "Payment Failed"),
                            ("payment_not_supported", "Payment Not Supported"),
                            ("transfer_amount_less_than_one_dollar", "Transfer Amount Less Than One Dollar"),
                            ("daily_ach_credit_limit_reached", "Daily Ach Credit Limit Reached"),
                            ("monthly_ach_credit_limit_reached", "Monthly Ach Credit Limit Reached"),
                            ("daily_ach_debit_limit_reached", "Daily Ach Debit Limit Reached"),
                            ("monthly_ach_debit_limit_reached", "Monthly Ach Debit Limit Reached"),
                            ("null_balance", "Null Balance"),
                            ("account_no_minimum_payment_amount", "Account No Minimum Payment Amount"),
                            ("account_no_last_statement_balance", "Account No Last Statement Balance"),
                            ("resource_deleted", "Resource Deleted"),
                            ("rule_loop_detected", "Rule Loop Detected"),
                        ],
                        help_text="Payments fail with this.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "return_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("insufficient_funds", "Insufficient Funds"),
                            ("disconnected_account", "Disconnected Account"),
                            ("name_mismatch", "Name Mismatch"),
                            ("payment_failed", "Payment Failed"),
                            ("payment_not_supported", "Payment Not Supported"),
                            ("transfer_amount_less_than_one_dollar", "Transfer Amount Less Than One Dollar"),
                            ("daily_ach_credit_limit_reached", "Daily Ach Credit Limit Reached"),
                            ("monthly_ach_credit_limit_reached", "Monthly Ach Credit Limit Reached"),
                            ("daily_ach_debit_limit_reached", "Daily Ach Debit Limit Reached"),
                            ("monthly_ach_debit_limit_reached", "Monthly Ach Debit Limit Reached"),
                            ("null_balance", "Null Balance"),
                            ("account_no_minimum_payment_amount", "Account No Minimum Payment Amount"),
                            ("account_no_last_statement_balance", "Account No Last Statement Balance"),
                            ("resource_deleted", "Resource Deleted"),
                            ("rule_loop_detected", "Rule Loop Detected"),
                        ],
                        help_text="Payments complete, then come back with this.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "return_delay_seconds",
                    models.PositiveIntegerField(default=0, help_text="How long after completing they come back."),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        serialize=False,
                        to="accounts.account",
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
                        to="transfers.simulatedmark",
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
                            hash="40478b21b5ecb9fc00d270fe5d2f291b89a8ef7a",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_06794",
                            table="transfers_simulatedmarkevent",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SimulatedPayment",
            fields=[
                (
                    "transfer_id",
                    sequence.core.api.ids.PrefixedIdField("txr", editable=False, primary_key=True, serialize=False),
                ),
                (
                    "outcome",
                    models.CharField(choices=[("settle", "Settle"), ("fail", "Fail")], default="settle", max_length=10),
                ),
                (
                    "fail_code",
                    models.CharField(
                        choices=[
                            ("insufficient_funds", "Insufficient Funds"),
                            ("disconnected_account", "Disconnected Account"),
                            ("name_mismatch", "Name Mismatch"),
                            ("payment_failed", "Payment Failed"),
                            ("payment_not_supported", "Payment Not Supported"),
                            ("transfer_amount_less_than_one_dollar", "Transfer Amount Less Than One Dollar"),
                            ("daily_ach_credit_limit_reached", "Daily Ach Credit Limit Reached"),
                            ("monthly_ach_credit_limit_reached", "Monthly Ach Credit Limit Reached"),
                            ("daily_ach_debit_limit_reached", "Daily Ach Debit Limit Reached"),
                            ("monthly_ach_debit_limit_reached", "Monthly Ach Debit Limit Reached"),
                            ("null_balance", "Null Balance"),
                            ("account_no_minimum_payment_amount", "Account No Minimum Payment Amount"),
                            ("account_no_last_statement_balance", "Account No Last Statement Balance"),
                            ("resource_deleted", "Resource Deleted"),
                            ("rule_loop_detected", "Rule Loop Detected"),
                        ],
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "return_code",
                    models.CharField(
                        choices=[
                            ("insufficient_funds", "Insufficient Funds"),
                            ("disconnected_account", "Disconnected Account"),
                            ("name_mismatch", "Name Mismatch"),
                            ("payment_failed", "Payment Failed"),
                            ("payment_not_supported", "Payment Not Supported"),
                            ("transfer_amount_less_than_one_dollar", "Transfer Amount Less Than One Dollar"),
                            ("daily_ach_credit_limit_reached", "Daily Ach Credit Limit Reached"),
                            ("monthly_ach_credit_limit_reached", "Monthly Ach Credit Limit Reached"),
                            ("daily_ach_debit_limit_reached", "Daily Ach Debit Limit Reached"),
                            ("monthly_ach_debit_limit_reached", "Monthly Ach Debit Limit Reached"),
                            ("null_balance", "Null Balance"),
                            ("account_no_minimum_payment_amount", "Account No Minimum Payment Amount"),
                            ("account_no_last_statement_balance", "Account No Last Statement Balance"),
                            ("resource_deleted", "Resource Deleted"),
                            ("rule_loop_detected", "Rule Loop Detected"),
                        ],
                        max_length=50,
                        null=True,
                    ),
                ),
                ("return_delay_seconds", models.PositiveIntegerField(default=0)),
                ("settles_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("returns_at", models.DateTimeField(null=True)),
                ("returned_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("settled_at", None)),
                        fields=["settles_at"],
                        name="simulated_payment_settles",
                    ),
                    models.Index(
                        condition=models.Q(("returned_at", None), ("returns_at__isnull", False)),
                        fields=["returns_at"],
                        name="simulated_payment_returns",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("outcome", "settle"), ("fail_code__isnull", False), _connector="OR"),
                        name="simulated_failure_has_a_code",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("txr", editable=False, primary_key=True, serialize=False)),
                ("amount_cents", models.BigIntegerField()),
                (
                    "direction",
                    models.CharField(
                        choices=[("money_in", "Money In"), ("money_out", "Money Out"), ("internal", "Internal")],
                        max_length=10,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("paycheck", "Paycheck"),
                            ("check_deposit", "Check Deposit"),
                            ("cashback", "Cashback"),
                            ("user_pull", "User Pull"),
                            ("rule", "Rule"),
                            ("user", "User"),
                            ("external_pull", "External Pull"),
                        ],
                        max_length=15,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending_approval", "Pending Approval"),
                            ("processing", "Processing"),
                            ("pending", "Pending"),
                            ("complete", "Complete"),
                            ("incomplete", "Incomplete"),
                            ("error", "Error"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "error_code",
                    models.CharField(
                        choices=[
                            ("insufficient_funds", "Insufficient Funds"),
                            ("disconnected_account", "Disconnected Account"),
                            ("name_mismatch", "Name Mismatch"),
                            ("payment_failed", "Payment Failed"),
                            ("payment_not_supported", "Payment Not Supported"),
                            ("transfer_amount_less_than_one_dollar", "Transfer Amount Less Than One Dollar"),
                            ("daily_ach_credit_limit_reached", "Daily Ach Credit Limit Reached"),
                            ("monthly_ach_credit_limit_reached", "Monthly Ach Credit Limit Reached"),
                            ("daily_ach_debit_limit_reached", "Daily Ach Debit Limit Reached"),
                            ("monthly_ach_debit_limit_reached", "Monthly Ach Debit Limit Reached"),
                            ("null_balance", "Null Balance"),
                            ("account_no_minimum_payment_amount", "Account No Minimum Payment Amount"),
                            ("account_no_last_statement_balance", "Account No Last Statement Balance"),
                            ("resource_deleted", "Resource Deleted"),
                            ("rule_loop_detected", "Rule Loop Detected"),
                        ],
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "cancel_reason",
                    models.CharField(
                        choices=[
                            ("by_key", "By Key"),
                            ("rejected", "Rejected"),
                            ("expired", "Expired"),
                            ("key_stopped", "Key Stopped"),
                            ("organization_stopped", "Organization Stopped"),
                        ],
                        max_length=25,
                        null=True,
                    ),
                ),
                ("description", models.CharField(max_length=10, null=True)),
                ("rail", models.CharField(max_length=30)),
                ("rule_id", sequence.core.api.ids.PrefixedIdField("rule", editable=False, null=True)),
                (
                    "rule_execution_id",
                    sequence.core.api.ids.PrefixedIdField("rex", db_index=True, editable=False, null=True),
                ),
                ("request_id", models.CharField(max_length=128, null=True)),
                ("called_reason", models.CharField(max_length=1000, null=True)),
                ("spend_id", models.UUIDField(null=True)),
                ("decided_by", models.CharField(max_length=200, null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("cancelled_by", models.CharField(max_length=200, null=True)),
                ("decision_note", models.CharField(max_length=200, null=True)),
                ("created_at", models.DateTimeField(default=sequence.core.clock.now)),
                ("not_before", models.DateTimeField(null=True)),
                ("accepted_at", models.DateTimeField(null=True)),
                ("submitted_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("arrival_noticed_at", models.DateTimeField(null=True)),
                ("stalled_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(default=sequence.core.clock.now)),
                (
                    "api_key",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="apikeys.apikey",
                    ),
                ),
                (
                    "destination",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="incoming",
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
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="outgoing",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("decide_transfer", "Can approve and reject transfer"),
                    ("cancel_transfer", "Can cancel transfer"),
                    ("simulate_transfer", "Can tell the simulated rail how transfer ends"),
                ],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        models.F("source"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="transfer_by_source",
                    ),
                    models.Index(
                        models.F("destination"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="transfer_by_destination",
                    ),
                    models.Index(
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="transfer_list",
                    ),
                    models.Index(
                        models.F("status"),
                        transfers.expressions.WaitsUntil(models.F("not_before")),
                        models.F("created_at"),
                        models.F("id"),
                        condition=models.Q(("status__in", ("pending_approval", "processing", "pending"))),
                        name="transfer_due",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("arrival_noticed_at", None),
                            ("completed_at__isnull", False),
                            ("destination__isnull", False),
                        ),
                        fields=["completed_at", "id"],
                        name="transfer_unnoticed",
                    ),
                    models.Index(
                        condition=models.Q(("status__in", ("incomplete", "error"))),
                        fields=["updated_at"],
                        name="transfer_failed",
                    ),
                    models.Index(fields=["request_id"], name="transfer_by_request"),
                    models.Index(
                        condition=models.Q(("completed_at__isnull", False)),
                        fields=["completed_at"],
                        name="transfer_completed",
                    ),
                    models.Index(
                        condition=models.Q(("stalled_at__isnull", False)),
                        fields=["stalled_at"],
                        name="transfer_stalled",
                    ),
                    models.Index(fields=["organization", "direction", "accepted_at"], name="transfer_accepted"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="transfer_within_organization"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents__gte", 1), ("amount_cents__lte", 9007199254740991)),
                        name="transfer_amount_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "pending_approval",
                                    "processing",
                                    "pending",
                                    "complete",
                                    "incomplete",
                                    "error",
                                    "cancelled",
                                ],
                            )
                        ),
                        name="transfer_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("source", None),
                            ("destination", None),
                            models.Q(("source", models.F("destination")), _negated=True),
                            _connector="OR",
                        ),
                        name="transfer_between_two_accounts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("direction", "internal"), ("source__isnull", False), ("destination__isnull", False)
                            ),
                            models.Q(("direction", "money_in"), ("destination__isnull", False)),
                            models.Q(("direction", "money_out"), ("source__isnull", False)),
                            _connector="OR",
                        ),
                        name="transfer_has_its_ends",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("direction", "internal"), ("origin__in", ["rule", "user"])),
                            models.Q(
                                ("direction", "money_in"),
                                ("origin__in", ["paycheck", "check_deposit", "cashback", "user_pull"]),
                            ),
                            models.Q(("direction", "money_out"), ("origin__in", ["rule", "user", "external_pull"])),
                            _connector="OR",
                        ),
                        name="transfer_origin_fits_direction",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("error_code__isnull", False), ("status__in", ["incomplete", "error"])),
                            models.Q(
                                models.Q(("status__in", ["incomplete", "error"]), _negated=True), ("error_code", None)
                            ),
                            _connector="OR",
                        ),
                        name="transfer_error_code_when_it_failed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "cancel_reason__in",
                                    ["by_key", "rejected", "expired", "key_stopped", "organization_stopped"],
                                ),
                                ("cancel_reason__isnull", False),
                                ("status", "cancelled"),
                            ),
                            models.Q(models.Q(("status", "cancelled"), _negated=True), ("cancel_reason", None)),
                            _connector="OR",
                        ),
                        name="transfer_cancel_reason_when_cancelled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("completed_at__isnull", False), ("status", "complete")),
                            ("status", "error"),
                            models.Q(
                                models.Q(("status__in", ["complete", "error"]), _negated=True), ("completed_at", None)
                            ),
                            _connector="OR",
                        ),
                        name="transfer_completed_at_when_complete",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("not_before", None),
                            models.Q(
                                ("not_before__gt", models.F("created_at")),
                                (
                                    "not_before__lte",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("created_at"), "+", models.Value(datetime.timedelta(days=90))
                                    ),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="transfer_due_later_within_reach",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="status_never_goes_back",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE _is_valid_transition BOOLEAN;",
                            func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{pending_approval:processing,pending_approval:cancelled,processing:pending,processing:complete,processing:incomplete,processing:error,processing:cancelled,pending:complete,pending:error,complete:error}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                            hash="83ffa385b1dc6e0f033aeb973e716d0648c8012b",
                            operation="UPDATE",
                            pgid="pgtrigger_status_never_goes_back_73f39",
                            table="transfers_transfer",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_never_deleted",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                            hash="6c8c7b3ad9a48a465f279199f7fa55fad3c4df49",
                            operation="DELETE",
                            pgid="pgtrigger_is_never_deleted_e1f5b",
                            table="transfers_transfer",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="starts_by_leave",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE standing RECORD;",
                            func="\n    IF NEW.api_key_id IS NULL AND NEW.rule_id IS NULL THEN\n        RETURN NEW;\n    END IF;\n    PERFORM pg_advisory_xact_lock_shared(uuid_hash_extended(NEW.organization_id, 1));\n    PERFORM pg_advisory_xact_lock_shared(uuid_hash_extended(lineage_id, 1))\n        FROM apikeys_apikey WHERE id = NEW.api_key_id;\n    SELECT organization.status <> 'active' OR key.revoked_at IS NOT NULL AS is_closed, key.paused_at INTO standing\n        FROM apikeys_organization organization LEFT JOIN apikeys_apikey key ON key.id = NEW.api_key_id\n        WHERE organization.id = NEW.organization_id;\n    IF standing.is_closed THEN\n        RAISE EXCEPTION 'its organization is suspended or its key revoked' USING ERRCODE = 'SQ001';\n    ELSIF standing.paused_at IS NOT NULL THEN\n        RAISE EXCEPTION 'its key is paused' USING ERRCODE = 'SQ002', DETAIL = to_json(standing.paused_at) #>> '{}';\n    END IF;\n    RETURN NEW;\n",
                            hash="88d29c40222bbf8eec3afdaf03db937542d84d63",
                            operation="INSERT",
                            pgid="pgtrigger_starts_by_leave_a9420",
                            table="transfers_transfer",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="stays_what_was_asked",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."amount_cents" IS DISTINCT FROM (NEW."amount_cents") OR OLD."api_key_id" IS DISTINCT FROM (NEW."api_key_id") OR OLD."called_reason" IS DISTINCT FROM (NEW."called_reason") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."destination_id" IS DISTINCT FROM (NEW."destination_id") OR OLD."direction" IS DISTINCT FROM (NEW."direction") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."not_before" IS DISTINCT FROM (NEW."not_before") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."origin" IS DISTINCT FROM (NEW."origin") OR OLD."rail" IS DISTINCT FROM (NEW."rail") OR OLD."request_id" IS DISTINCT FROM (NEW."request_id") OR OLD."rule_execution_id" IS DISTINCT FROM (NEW."rule_execution_id") OR OLD."rule_id" IS DISTINCT FROM (NEW."rule_id") OR OLD."source_id" IS DISTINCT FROM (NEW."source_id"))',
                            func="\n    RAISE EXCEPTION 'What transfer % was asked to be never changes.', OLD.id USING ERRCODE = '23514';\n",
                            hash="19697880a833f304f75e72a9b403903bdf057927",
                            operation='UPDATE OF "id", "organization_id", "amount_cents", "direction", "origin", "description", "source_id", "destination_id", "rail", "rule_id", "rule_execution_id", "api_key_id", "request_id", "called_reason", "created_at", "not_before"',
                            pgid="pgtrigger_stays_what_was_asked_6d21e",
                            table="transfers_transfer",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_decided_once",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (\n    (OLD.decided_by, OLD.decided_at) IS DISTINCT FROM (NEW.decided_by, NEW.decided_at)\n    AND (OLD.status = NEW.status OR OLD.decided_by IS NOT NULL OR OLD.decided_at IS NOT NULL)\n    OR OLD.cancelled_by IS DISTINCT FROM NEW.cancelled_by AND OLD.status = NEW.status\n)",
                            func="\n    RAISE EXCEPTION 'Who decided about transfer % is set once, with its status.', OLD.id USING ERRCODE = '23514';\n",
                            hash="1f5be8871ac2e14cc0ec6ef8e225c70ed8d5e082",
                            operation='UPDATE OF "decided_by", "decided_at", "cancelled_by"',
                            pgid="pgtrigger_is_decided_once_c316b",
                            table="transfers_transfer",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_new_ones",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT organization_id, 'transfer.created' AS event, jsonb_build_object(\n    'transfer_id', id, 'status', status, 'previous_status', NULL, 'rule_execution_id', rule_execution_id\n) AS data, created_at AS at FROM fresh\nUNION ALL\nSELECT organization_id, 'transfer.approval_required', jsonb_build_object(\n    'transfer_id', id, 'status', status, 'expires_at', created_at + interval '7 days'\n), created_at FROM fresh WHERE status = 'pending_approval') AS news;\n RETURN NULL;",
                            hash="db17d54bc170409767009d23010084ecfc5bac8a",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_tells_of_new_ones_db6c1",
                            referencing="REFERENCING NEW TABLE AS fresh ",
                            table="transfers_transfer",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="tells_of_its_status",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\nINSERT INTO sequence_event (id, organization_id, event, data, created_at)\nSELECT (lpad(to_hex((extract(epoch FROM news.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, news.organization_id, news.event, news.data, news.at FROM (SELECT fresh.organization_id, 'transfer.status_changed' AS event, jsonb_build_object(\n    'transfer_id', fresh.id, 'status', fresh.status, 'previous_status', stale.status,\n    'rule_execution_id', fresh.rule_execution_id\n) AS data, fresh.updated_at AS at\nFROM fresh JOIN stale USING (id) WHERE fresh.status <> stale.status) AS news;\n RETURN NULL;",
                            hash="ada131d9f1251d3e4dfd7c2d4fa79a8d2f0a2823",
                            level="STATEMENT",
                            operation="UPDATE",
                            pgid="pgtrigger_tells_of_its_status_99222",
                            referencing="REFERENCING OLD TABLE AS stale  NEW TABLE AS fresh ",
                            table="transfers_transfer",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="record",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (NEW."decided_by" IS NOT NULL)',
                            func='INSERT INTO "transfers_transferdecision" ("amount_cents", "cancel_reason", "cancelled_by", "decided_by", "decision_note", "destination_id", "id", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_id", "status") VALUES (NEW."amount_cents", NEW."cancel_reason", NEW."cancelled_by", NEW."decided_by", NEW."decision_note", NEW."destination_id", NEW."id", NEW."organization_id", _pgh_attach_context(), NOW(), \'record\', NEW."id", NEW."source_id", NEW."status"); RETURN NULL;',
                            hash="d06b440f112f86163ff7285aa1ea5b7bb77853f8",
                            operation="INSERT",
                            pgid="pgtrigger_record_96675",
                            table="transfers_transfer",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="decide",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."cancel_reason" IS DISTINCT FROM (NEW."cancel_reason") OR OLD."cancelled_by" IS DISTINCT FROM (NEW."cancelled_by") OR OLD."decided_at" IS DISTINCT FROM (NEW."decided_at") OR OLD."decided_by" IS DISTINCT FROM (NEW."decided_by") OR OLD."decision_note" IS DISTINCT FROM (NEW."decision_note"))',
                            func='INSERT INTO "transfers_transferdecision" ("amount_cents", "cancel_reason", "cancelled_by", "decided_by", "decision_note", "destination_id", "id", "organization_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_id", "status") VALUES (NEW."amount_cents", NEW."cancel_reason", NEW."cancelled_by", NEW."decided_by", NEW."decision_note", NEW."destination_id", NEW."id", NEW."organization_id", _pgh_attach_context(), NOW(), \'decide\', NEW."id", NEW."source_id", NEW."status"); RETURN NULL;',
                            hash="bd5f3f54e02089e866de02bb11115c608e2f194e",
                            operation='UPDATE OF "decided_by", "decided_at", "cancelled_by", "cancel_reason", "decision_note"',
                            pgid="pgtrigger_decide_8eb15",
                            table="transfers_transfer",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EntrySet",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("settlement", "Settlement"), ("reversal", "Reversal"), ("card", "Card")],
                        max_length=10,
                    ),
                ),
                ("posted_at", models.DateTimeField()),
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
                    "transfer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entry_sets",
                        to="transfers.transfer",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        models.OrderBy(models.F("posted_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="entry_set_list",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="entry_set_within_organization"),
                    models.UniqueConstraint(fields=("transfer", "kind"), name="entry_set_once_for_a_transfer"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "card"), ("transfer", None)),
                            models.Q(("kind__in", ["settlement", "reversal"]), ("transfer__isnull", False)),
                            _connector="OR",
                        ),
                        name="entry_set_has_its_cause",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="is_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="71315ce1c9df9bdee49b6c001c5b7be61ec1f60e",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_is_append_only_3ef87",
                            table="transfers_entryset",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_never_truncated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'The ledger is append-only.' USING ERRCODE = '23514';",
                            hash="78eef1dd682e371c0dc9ac2ce237d7b12348be49",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_is_never_truncated_dacfb",
                            table="transfers_entryset",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="has_postings",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            func="\n                    IF NOT EXISTS (SELECT FROM transfers_posting WHERE entry_set_id = NEW.id) THEN\n                        RAISE EXCEPTION 'Entry set % has fewer than two postings.', NEW.id USING ERRCODE = '23514';\n                    END IF;\n                    RETURN NULL;\n                ",
                            hash="3ce925f6fcfa65b485b1e707effbf18d98a2b05f",
                            operation="INSERT",
                            pgid="pgtrigger_has_postings_a88c9",
                            table="transfers_entryset",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransferDecision",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("amount_cents", models.BigIntegerField(null=True)),
                ("id", sequence.core.api.ids.PrefixedIdField("txr", editable=False, serialize=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending_approval", "Pending Approval"),
                            ("processing", "Processing"),
                            ("pending", "Pending"),
                            ("complete", "Complete"),
                            ("incomplete", "Incomplete"),
                            ("error", "Error"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "cancel_reason",
                    models.CharField(
                        choices=[
                            ("by_key", "By Key"),
                            ("rejected", "Rejected"),
                            ("expired", "Expired"),
                            ("key_stopped", "Key Stopped"),
                            ("organization_stopped", "Organization Stopped"),
                        ],
                        max_length=25,
                        null=True,
                    ),
                ),
                ("decided_by", models.CharField(max_length=200, null=True)),
                ("cancelled_by", models.CharField(max_length=200, null=True)),
                ("decision_note", models.CharField(max_length=200, null=True)),
                (
                    "destination",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
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
                        null=True,
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
                        related_name="id_status_cancel_reason_decided_by_cancelled_by_decision_note_organization_amount_cents_source_destination_events",
                        to="transfers.transfer",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
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
                            hash="d502326f5ffe77386f41ffe8eb38fcd48a7f42c8",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_append_only_64838",
                            table="transfers_transferdecision",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Posting",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "clearing",
                    models.CharField(
                        choices=[
                            ("ach", "ACH transfers"),
                            ("deposits", "Deposits from outside"),
                            ("external_pulls", "Pulls from outside"),
                            ("cards", "Card network"),
                            ("suspense", "Suspense"),
                        ],
                        max_length=20,
                        null=True,
                    ),
                ),
                ("amount_cents", models.BigIntegerField()),
                ("posted_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postings",
                        to="accounts.account",
                    ),
                ),
                (
                    "entry_set",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postings",
                        to="transfers.entryset",
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
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        models.F("account"),
                        models.OrderBy(models.F("posted_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="posting_by_account",
                    ),
                    models.Index(
                        condition=models.Q(("clearing", "suspense")),
                        fields=["organization"],
                        name="posting_in_suspense",
                    ),
                    models.Index(
                        models.OrderBy(models.F("posted_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="posting_list",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_cents", 0), _negated=True), name="posting_moves_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("account", None), ("clearing__isnull", False)),
                            models.Q(("account__isnull", False), ("clearing", None)),
                            _connector="OR",
                        ),
                        name="posting_on_account_or_clearing",
                    ),
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="is_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="e2b202557946c7b9901c5e1b3747a1c851d9aa7d",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_is_append_only_56bee",
                            table="transfers_posting",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="is_never_truncated",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'The ledger is append-only.' USING ERRCODE = '23514';",
                            hash="79136025b8aa106bc497683d141b578a7472be5f",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_is_never_truncated_fc1bb",
                            table="transfers_posting",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="balances",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            declare="DECLARE wrong BIGINT;",
                            func="\n                    SELECT entry_set_id INTO wrong FROM fresh\n                    GROUP BY entry_set_id HAVING SUM(amount_cents) <> 0 LIMIT 1;\n                    IF FOUND THEN\n                        RAISE EXCEPTION 'The postings of entry set % do not sum to zero.', wrong\n                            USING ERRCODE = '23514';\n                    END IF;\n                    RETURN NULL;\n                ",
                            hash="1325338f75f4749d4b830a93dd365b1f00b6adf4",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_balances_9774e",
                            referencing="REFERENCING NEW TABLE AS fresh ",
                            table="transfers_posting",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="moves_balances",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="\n                    UPDATE accounts_account account\n                    SET balance_cents = account.balance_cents + moved.cents,\n                        balance_updated_at = moved.posted_at\n                    FROM (\n                        SELECT account_id, SUM(amount_cents) AS cents, MAX(posted_at) AS posted_at\n                        FROM fresh WHERE account_id IS NOT NULL GROUP BY account_id\n                    ) moved\n                    WHERE account.id = moved.account_id;\n                    RETURN NULL;\n                ",
                            hash="098bfa4129461599a663c1cc1b451dbecf22a7bc",
                            level="STATEMENT",
                            operation="INSERT",
                            pgid="pgtrigger_moves_balances_9085b",
                            referencing="REFERENCING NEW TABLE AS fresh ",
                            table="transfers_posting",
                            when="AFTER",
                        ),
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SimulatedTransfer",
            fields=[
                ("id", sequence.core.api.ids.PrefixedIdField("txr", editable=False, primary_key=True, serialize=False)),
                ("amount_cents", models.BigIntegerField()),
                (
                    "direction",
                    models.CharField(
                        choices=[("money_in", "Money In"), ("money_out", "Money Out"), ("internal", "Internal")],
                        max_length=10,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("paycheck", "Paycheck"),
                            ("check_deposit", "Check Deposit"),
                            ("cashback", "Cashback"),
                            ("user_pull", "User Pull"),
                            ("rule", "Rule"),
                            ("user", "User"),
                            ("external_pull", "External Pull"),
                        ],
                        max_length=15,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending_approval", "Pending Approval"),
                            ("processing", "Processing"),
                            ("pending", "Pending"),
                            ("complete", "Complete"),
                            ("incomplete", "Incomplete"),
                            ("error", "Error"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "error_code",
                    models.CharField(
                        choices=[
                            ("insufficient_funds", "Insufficient Funds"),
                            ("disconnected_account", "Disconnected Account"),
                            ("name_mismatch", "Name Mismatch"),
                            ("payment_failed", "Payment Failed"),
                            ("payment_not_supported", "Payment Not Supported"),
                            ("transfer_amount_less_than_one_dollar", "Transfer Amount Less Than One Dollar"),
                            ("daily_ach_credit_limit_reached", "Daily Ach Credit Limit Reached"),
                            ("monthly_ach_credit_limit_reached", "Monthly Ach Credit Limit Reached"),
                            ("daily_ach_debit_limit_reached", "Daily Ach Debit Limit Reached"),
                            ("monthly_ach_debit_limit_reached", "Monthly Ach Debit Limit Reached"),
                            ("null_balance", "Null Balance"),
                            ("account_no_minimum_payment_amount", "Account No Minimum Payment Amount"),
                            ("account_no_last_statement_balance", "Account No Last Statement Balance"),
                            ("resource_deleted", "Resource Deleted"),
                            ("rule_loop_detected", "Rule Loop Detected"),
                        ],
                        max_length=50,
                        null=True,
                    ),
                ),
                ("description", models.CharField(max_length=10, null=True)),
                ("rule_id", sequence.core.api.ids.PrefixedIdField("rule", editable=False, null=True)),
                (
                    "rule_execution_id",
                    sequence.core.api.ids.PrefixedIdField("rex", db_index=True, editable=False, null=True),
                ),
                ("request_id", models.CharField(max_length=128, null=True)),
                ("created_at", models.DateTimeField(db_index=True, default=sequence.core.clock.now)),
                ("completed_at", models.DateTimeField(null=True)),
                (
                    "destination",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        models.F("source"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="simulated_by_source",
                    ),
                    models.Index(
                        models.F("destination"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="simulated_by_destination",
                    ),
                    models.Index(fields=["organization"], name="simulated_by_organization"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("error_code__isnull", False), ("status__in", ("incomplete", "error"))),
                            models.Q(("status__in", ["complete", "pending_approval"]), ("error_code", None)),
                            _connector="OR",
                        ),
                        name="simulated_transfer_is_planned_to_its_end",
                    )
                ],
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="stays_as_planned",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                            hash="45392f5adb55261517eb58434042b163d027738a",
                            operation="UPDATE",
                            pgid="pgtrigger_stays_as_planned_e0156",
                            table="transfers_simulatedtransfer",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        of_same("organization", "transfers_transfer", "source_id", "accounts_account"),
        of_same("organization", "transfers_transfer", "destination_id", "accounts_account"),
        of_same("organization", "transfers_transfer", "api_key_id", "apikeys_apikey"),
        of_same("organization", "transfers_entryset", "transfer_id", "transfers_transfer"),
        of_same("organization", "transfers_posting", "entry_set_id", "transfers_entryset"),
        of_same("organization", "transfers_posting", "account_id", "accounts_account"),
        of_same("organization", "transfers_simulatedtransfer", "source_id", "accounts_account"),
        of_same("organization", "transfers_simulatedtransfer", "destination_id", "accounts_account"),
    ]
