"""What the database itself refuses, whoever writes."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from apikeys import services
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey, IdempotencyRecord, Organization, PermissionEntry
from sequence.core.api.ids import new_id, parse_id


def execute(statement: str, *parameters) -> int:
    """Run one statement with all constraints checked at once, and undo it when it is refused."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement, parameters)
        return cursor.rowcount


@pytest.fixture
def key(acme):
    permissions = parse_permissions(["LIST_ACCOUNTS", "READ_ACCOUNTS:acc_1", "MANUAL_TRANSFER:acc_1>acc_2@5"])
    key, _ = services.create_api_key(organization=acme, name="Agent", permissions=permissions, created_by="test")
    return key


@pytest.fixture
def key_of_globex(globex):
    return services.create_api_key(organization=globex, name="Agent", permissions=[], created_by="test")[0]


class TestPermissionEntryTable:
    @pytest.mark.parametrize(
        ("scope", "change"),
        [
            ("LIST_ACCOUNTS", "scope = 'EVERYTHING'"),
            ("LIST_ACCOUNTS", "resources = '{*}'"),
            ("LIST_ACCOUNTS", "source = '*'"),
            ("LIST_ACCOUNTS", "max_amount_cents = 5"),
            ("LIST_ACCOUNTS", "scope = 'READ_ACCOUNTS'"),
            ("READ_ACCOUNTS", "resources = '{}'"),
            ("READ_ACCOUNTS", "target = '*'"),
            ("READ_ACCOUNTS", "approval_above_cents = 0"),
            ("READ_ACCOUNTS", "max_amount_per_day_cents = 5"),
            ("READ_ACCOUNTS", "scope = 'LIST_ACCOUNTS'"),
            ("READ_ACCOUNTS", "scope = 'MANUAL_TRANSFER'"),
            ("MANUAL_TRANSFER", "source = NULL"),
            ("MANUAL_TRANSFER", "target = NULL"),
            ("MANUAL_TRANSFER", "resources = '{*}'"),
            ("MANUAL_TRANSFER", "max_amount_cents = 0"),
            ("MANUAL_TRANSFER", "max_amount_cents = -5"),
            ("MANUAL_TRANSFER", "max_amount_per_day_cents = 0"),
            ("MANUAL_TRANSFER", "max_amount_per_week_cents = 0"),
            ("MANUAL_TRANSFER", "max_amount_per_month_cents = 0"),
            ("MANUAL_TRANSFER", "approval_above_cents = -1"),
            ("MANUAL_TRANSFER", "max_amount_cents = 9007199254740992"),
        ],
    )
    def test_refuses_an_entry_that_does_not_fit_its_scope(self, key, scope, change):
        before = list(PermissionEntry.objects.values())

        with pytest.raises(IntegrityError, match="permission_entry_"):
            execute(f"UPDATE apikeys_permissionentry SET {change} WHERE scope = %s", scope)  # noqa: S608 - ours

        assert list(PermissionEntry.objects.values()) == before

    def test_takes_a_limit_that_fits(self, key):
        assert execute("UPDATE apikeys_permissionentry SET max_amount_cents = 6 WHERE scope = 'MANUAL_TRANSFER'") == 1

    def test_refuses_an_entry_of_another_organization_than_its_key(self, key, globex):
        with pytest.raises(IntegrityError, match="key_of_same_organization"):
            execute("UPDATE apikeys_permissionentry SET organization_id = %s", parse_id("org", globex.id))

    def test_keeps_a_key_with_its_entries_where_it_is(self, key, globex):
        with pytest.raises(IntegrityError, match="key_of_same_organization"):
            execute("UPDATE apikeys_apikey SET organization_id = %s", parse_id("org", globex.id))


class TestIdempotencyRecordTable:
    @pytest.fixture
    def record(self, api):
        api.post("/accounts/pods", {"nickname": "Rent"}, idempotency_key="k")
        return IdempotencyRecord.objects.get()

    def test_refuses_a_record_on_the_lineage_of_another_organization(self, record, key_of_globex):
        with pytest.raises(IntegrityError, match="lineage_id_of_same_organization"):
            execute("UPDATE apikeys_idempotencyrecord SET lineage_id = %s", parse_id("key", key_of_globex.id))

    def test_refuses_a_record_of_another_organization_than_its_key(self, record, globex):
        with pytest.raises(IntegrityError, match="key_of_same_organization"):
            execute("UPDATE apikeys_idempotencyrecord SET organization_id = %s", parse_id("org", globex.id))

    def test_refuses_a_second_record_of_one_key(self, record):
        record.pk = None

        with pytest.raises(IntegrityError, match="idempotency_key_used_once"), transaction.atomic():
            record.save(force_insert=True)

    def test_refuses_a_record_that_expires_before_it_begins(self, record):
        with pytest.raises(IntegrityError, match="idempotency_record_lives"):
            execute("UPDATE apikeys_idempotencyrecord SET expires_at = created_at")


class TestApiKeyTable:
    @pytest.mark.parametrize("column", ["replaces_id", "lineage_id"])
    def test_refuses_a_predecessor_of_another_organization(self, key, key_of_globex, column):
        with pytest.raises(IntegrityError, match=f"{column}_of_same_organization"):
            execute(
                f"UPDATE apikeys_apikey SET {column} = %s WHERE id = %s",  # noqa: S608 - ours
                parse_id("key", key_of_globex.id),
                parse_id("key", key.id),
            )

    def test_refuses_two_keys_with_one_secret(self, key, globex):
        twin = ApiKey(organization=globex, name="Twin", digest=key.digest, lineage_id=key.id)

        with pytest.raises(IntegrityError, match="digest"), transaction.atomic():
            twin.save(force_insert=True)

    @pytest.mark.parametrize("limit", [0, -1])
    def test_refuses_a_rate_limit_that_lets_nobody_in(self, key, limit):
        with pytest.raises(IntegrityError, match="rate_limit"):
            execute("UPDATE apikeys_apikey SET rate_limit_per_minute = %s", limit)

    def test_refuses_a_second_successor(self, key):
        services.rotate_api_key(key_id=key.id, overlap=timedelta(hours=1), rotated_by="test")

        with pytest.raises(IntegrityError, match="replaces"), transaction.atomic():
            ApiKey.objects.create(
                organization_id=key.organization_id, name="B", digest=b"b", lineage_id=key.id, replaces=key
            )

    @pytest.mark.parametrize("column", ["created_by", "permissions_changed_by"])
    def test_refuses_a_name_that_is_no_custodians(self, key, key_of_globex, column):
        services.edit_api_key(key_id=key_of_globex.id, changes={"name": "Other"}, changed_by="staff:eve")

        with pytest.raises(IntegrityError, match=f"{column}_is_custodian"):
            execute(f"UPDATE apikeys_apikey SET {column} = 'staff:eve' WHERE id = %s", parse_id("key", key.id))  # noqa: S608

    def test_refuses_an_organization_that_is_not_there(self, key):
        with pytest.raises(IntegrityError):
            execute("UPDATE apikeys_apikey SET organization_id = %s", parse_id("org", new_id("org")))


class TestOrganizationTable:
    def test_refuses_an_unknown_status(self, acme):
        with pytest.raises(IntegrityError, match="organization_status_is_known"):
            execute("UPDATE apikeys_organization SET status = 'maybe'")

    def test_keeps_an_organization_that_has_keys(self, key):
        with pytest.raises(IntegrityError):
            execute("DELETE FROM apikeys_organization")

        assert Organization.objects.exists()


@pytest.mark.as_owner  # The application is refused before any guard is asked: see tests/core/database/test_roles.py.
class TestAuditTables:
    @pytest.mark.parametrize(
        "table",
        ["apikeys_organizationevent", "apikeys_apikeyevent", "apikeys_permissionentryevent", "accounts_accountevent"],
    )
    @pytest.mark.parametrize("statement", ["UPDATE {} SET pgh_created_at = now()", "DELETE FROM {}"])
    def test_are_append_only(self, api, key, table, statement):
        api.post("/accounts/pods", {"nickname": "Rent"})

        with pytest.raises(DatabaseError, match="Cannot update or delete rows"):
            execute(statement.format(table))

    def test_keep_what_raw_sql_changed_too(self, key):
        execute("UPDATE apikeys_apikey SET revoked_at = %s", timezone.now())

        assert key.events.filter(pgh_label="update", revoked_at__isnull=False).count() == 1


@pytest.mark.as_owner
class TestKeyCustodianTable:
    @pytest.mark.parametrize(
        "statement",
        ["DELETE FROM apikeys_keycustodian", "UPDATE apikeys_keycustodian SET actor = 'staff:eve'"],
    )
    def test_forgets_nobody(self, key, statement):
        with pytest.raises(DatabaseError, match="Cannot update or delete"):
            execute(statement)

    def test_refuses_a_lineage_of_another_organization(self, key, globex):
        with pytest.raises(IntegrityError, match="lineage_id_of_same_organization"):
            execute(
                "INSERT INTO apikeys_keycustodian (organization_id, lineage_id, actor, how, since)"
                " VALUES (%s, %s, 'staff:eve', 'changed', now())",
                parse_id("org", globex.id),
                parse_id("key", key.id),
            )
