# ruff: noqa: S608 - the attacks
"""What the application's role may not do, tried by logging in as it; and where the owner is refused."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from sequence.core.database.append_only import append_only_tables, kept_tables
from sequence.core.database.grants import faults_of_role, grant_to_application, refuse_powerful_role
from sequence.core.database.role_checks import check_that_the_role_is_not_the_owner, check_that_there_are_two_roles
from sequence.core.database.roles import OwnerRefused, as_owner
from tests.core.database.test_append_only import first_column
from tests.roles import APPLICATION, by_owner

pytestmark = pytest.mark.skipif(not APPLICATION, reason="DATABASE_URL names one role for everything.")


@pytest.fixture
def application(db) -> Iterator[psycopg.Connection[Any]]:
    """A connection that somebody opened who has taken over a web process."""
    with psycopg.connect(**{**connection.get_connection_params(), "user": APPLICATION}, autocommit=True) as mine:
        yield mine


@pytest.fixture
def refused(application):
    def words(*statements: str) -> str:
        *first, last = statements
        for statement in first:
            application.execute(statement)
        with pytest.raises(psycopg.Error) as refusal:
            application.execute(last)
        return str(refusal.value)

    return words


class TestTheApplication:
    @pytest.mark.parametrize("table", sorted(append_only_tables()))
    def test_changes_nothing_that_is_append_only(self, refused, table):
        column = first_column(table)
        for attack in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            assert f"permission denied for table {table}" in refused(attack)

    @pytest.mark.parametrize("table", sorted(kept_tables() - append_only_tables()))
    def test_removes_nothing_that_is_kept(self, refused, table):
        for attack in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            assert f"permission denied for table {table}" in refused(attack)

    @pytest.mark.parametrize("table", sorted(kept_tables()))
    @pytest.mark.parametrize(
        "attack",
        [
            "ALTER TABLE {} DISABLE TRIGGER ALL",
            "ALTER TABLE {} ENABLE REPLICA TRIGGER sequence_never_truncated",
            "DROP TRIGGER sequence_never_truncated ON {}",
            "DROP TABLE {} CASCADE",
            "ALTER TABLE {} OWNER TO sequence_app",
            "CREATE RULE nothing AS ON INSERT TO {} DO INSTEAD NOTHING",
        ],
    )
    def test_takes_no_guard_away(self, refused, table, attack):
        words = refused(attack.format(table))

        assert f"must be owner of table {table}" in words or f"must be owner of relation {table}" in words

    @pytest.mark.parametrize(
        ("attack", "words"),
        [
            ("SET session_replication_role = replica", 'permission denied to set parameter "session_replication_role"'),
            ("SET ROLE sequence", 'permission denied to set role "sequence"'),
            ("SET SESSION AUTHORIZATION sequence", "permission denied to set session authorization"),
            ("ALTER ROLE sequence_app SUPERUSER", "permission denied to alter role"),
            ("CREATE ROLE mine", "permission denied to create role"),
            ("COPY transfers_posting TO PROGRAM 'cat'", "permission denied to COPY to or from an external program"),
            ("COPY pghistory_context TO '/tmp/trail'", "permission denied to COPY to a file"),
            ("CREATE TABLE mine (id int)", "permission denied for schema public"),
            ("CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", "permission denied for schema public"),
            ("CREATE TEMPORARY TABLE mine (id int)", "permission denied to create temporary tables"),
            ("CREATE SCHEMA mine", "permission denied for database"),
            ("DROP FUNCTION sequence_append_only() CASCADE", "must be owner of function sequence_append_only"),
            ("DELETE FROM django_migrations", "permission denied for table django_migrations"),
        ],
    )
    def test_gains_no_power(self, refused, attack, words):
        assert words in refused(attack)

    def test_cannot_switch_off_a_trigger_by_a_setting(self, refused):
        ignore = "SELECT set_config('pgtrigger.ignore', array_agg(tgname)::text, false) FROM pg_trigger"
        insert = (
            "INSERT INTO accounts_account SELECT * FROM json_populate_record(NULL::accounts_account, '"
            '{"id": "01a212ce-2ec0-4322-bfa4-95162fc17cd8", "type": "pod", "balance_cents": 1}\')'
        )

        assert "begins with nothing" in refused(ignore, insert)

    def test_runs_the_suite_and_so_does_all_of_everydays_work(self, db):
        with connection.cursor() as cursor:
            cursor.execute("SELECT session_user, current_user")
            assert cursor.fetchone() == (APPLICATION, APPLICATION)


class TestFaultsOfRole:
    def test_finds_none_in_the_applications(self, db):
        with connection.cursor() as cursor:
            assert faults_of_role(cursor) == []
        assert check_that_the_role_is_not_the_owner() == []

    @pytest.mark.as_owner
    def test_names_a_superuser(self, db):
        [fault] = check_that_the_role_is_not_the_owner()

        assert fault.id == "sequence.E001"
        assert "is a superuser" in fault.msg
        assert "DATABASE_OWNER_URL" in fault.hint

    @pytest.mark.parametrize(
        ("power", "told"),
        [
            ("ALTER TABLE cards_card OWNER TO {}", "owns tables"),
            ("ALTER ROLE {} CREATEROLE", "makes roles"),
            ("ALTER ROLE {} REPLICATION", "replicates"),
            ("GRANT CREATE ON SCHEMA public TO {}", "may create tables and functions"),
            ("GRANT TEMPORARY ON DATABASE {database} TO {}", "may make temporary tables"),
            ("GRANT UPDATE ON pghistory_context TO {}", "has UPDATE on pghistory_context"),
            ("GRANT DELETE, TRUNCATE ON transfers_transfer TO {}", "has DELETE, TRUNCATE on transfers_transfer"),
            ("GRANT pg_write_all_data TO {}", "has DELETE, UPDATE on transfers_posting"),
        ],
    )
    def test_names_each_power(self, db, power, told):
        with by_owner(), connection.cursor() as cursor:
            cursor.execute(power.format(APPLICATION, database=connection.settings_dict["NAME"]))
        with connection.cursor() as cursor:
            faults = faults_of_role(cursor)

        assert any(told in fault for fault in faults), faults

    @pytest.mark.as_owner
    def test_keep_a_production_server_from_connecting(self, transactional_db):
        with pytest.raises(OwnerRefused, match="is a superuser"):
            refuse_powerful_role(connection=connection)

        assert connection.connection is None
        with as_owner(connection):
            refuse_powerful_role(connection=connection)

    def test_are_for_development_to_be_warned_of(self, db, settings, monkeypatch):
        assert check_that_there_are_two_roles(databases=["default"]) == []
        monkeypatch.setitem(connection.settings_dict, "APPLICATION", "")

        assert [warning.id for warning in check_that_there_are_two_roles(databases=["default"])] == ["sequence.W001"]
        assert check_that_there_are_two_roles(databases=None) == []


@pytest.mark.as_owner
class TestGrants:
    def test_are_made_for_a_table_of_tomorrow_and_taken_back_where_they_are_more(self, db):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE of_tomorrow (id serial PRIMARY KEY)")
            cursor.execute(f"GRANT UPDATE ON transfers_posting TO {APPLICATION}")
            cursor.execute("GRANT ALL ON pghistory_context TO PUBLIC")
        grant_to_application(using="default")

        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION AUTHORIZATION {APPLICATION}")
            cursor.execute("INSERT INTO of_tomorrow DEFAULT VALUES")
            cursor.execute("UPDATE of_tomorrow SET id = 7")
            cursor.execute("DELETE FROM of_tomorrow")
            assert faults_of_role(cursor) == []

    def test_ask_little_where_all_is_done(self, db, django_assert_num_queries):
        with django_assert_num_queries(4):
            grant_to_application(using="default")

    def test_follow_every_migrate(self, db):
        with connection.cursor() as cursor:
            cursor.execute(f"GRANT UPDATE ON transfers_posting TO {APPLICATION}")

        call_command("migrate", verbosity=0)

        with connection.cursor() as cursor:
            cursor.execute("SELECT has_table_privilege(%s, 'transfers_posting', 'UPDATE')", [APPLICATION])
            assert cursor.fetchone() == (False,)
