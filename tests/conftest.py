"""The cast: two organizations, and keys that may do what a test says."""

from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import TransactionTestCase

from apikeys.entries import parse_permissions
from apikeys.models import Organization
from apikeys.scopes import ResourceKind, Scope
from apikeys.services import create_api_key
from sequence.core.audit_log.reads import reads
from sequence.middleware import StaticFiles
from sequence.replays.sweeps import _let_go
from tests.client import Api
from tests.database import Broom, migrated_database
from tests.factories import OrganizationFactory
from tests.roles import APPLICATION, serving

_EVERYTHING = {ResourceKind.NONE: "", ResourceKind.ACCOUNT_PAIR: ":*>*"}
ALL_PERMISSIONS = [scope + _EVERYTHING.get(scope.resource_kind, ":*") for scope in Scope]

pytest_plugins = ["tests.garbage", "tests.lengths", "tests.order", "pytester"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Let the suite make databases and set its scenes, as the owner; see ``pytest_runtest_call``."""
    connection.settings_dict.update(connection.settings_dict.get("OWNER") or {})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run each test as the application's role, in every thread; ``by_owner`` and the mark ``as_owner`` excepted."""
    if not APPLICATION or item.get_closest_marker("as_owner") or not {"db", "transactional_db"} & {*item.fixturenames}:
        return (yield)
    with serving():
        return (yield)


_SWITCH_GUARDS = """
DO $$ DECLARE guard RECORD; BEGIN
    FOR guard IN SELECT tgrelid::regclass AS name, tgname FROM pg_trigger WHERE tgname LIKE '%never_truncated%' LOOP
        EXECUTE format('ALTER TABLE %s {} TRIGGER %I', guard.name, guard.tgname);
    END LOOP;
END $$
"""


@pytest.fixture(scope="session", autouse=True)
def _truncating_past_the_guards():
    """Let Django restore what a test broke: it truncates all tables, which the ledger refuses."""
    flush = connection.ops.execute_sql_flush
    off, on = _SWITCH_GUARDS.format("DISABLE"), _SWITCH_GUARDS.format("ENABLE")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection.ops, "execute_sql_flush", lambda statements: flush([off, *statements, on]))
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_modify_db_settings, django_db_keepdb, django_db_blocker):
    """Instead of pytest-django's: a copy of a migrated database, swept after each test that commits."""
    with django_db_blocker.unblock(), migrated_database(keep=django_db_keepdb), pytest.MonkeyPatch.context() as patch:
        broom = Broom()
        truncate = TransactionTestCase._fixture_teardown

        def clean_up(case: TransactionTestCase) -> None:
            nonlocal broom
            if not broom.sweep():
                truncate(case)
                broom = Broom()  # What Django makes anew has other keys.

        patch.setattr(TransactionTestCase, "_fixture_teardown", clean_up)
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_found_once() -> Iterator[None]:
    """Each client has middleware of its own, which looks for all static files, tens of milliseconds each time."""
    find, found = StaticFiles.add_files_from_finders, {}

    def find_once(middleware: StaticFiles) -> None:
        if not found:
            find(middleware)
            found.update(middleware.files)
        middleware.files = dict(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StaticFiles, "add_files_from_finders", find_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _passwords_are_hashed_once() -> Iterator[None]:
    """A million rounds protect real passwords. One is checked by the same code, in servers that tests start too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_happens_behind_a_tests_back() -> Iterator[None]:
    """For the scenes of whole modules too: a thread that one call starts would outlive all tests of its process.

    Tests of other things may call as often as they like. What a test's transaction has not committed is nothing to
    others. Who looks for the reads in the audit log calls ``reads.flush``.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RATE_LIMIT_ENABLED", "TELL_SLOW_CALLS", "AUDIT_READS_IN_BACKGROUND"):
            patch.setattr(settings, name, False)
        yield


@pytest.fixture(autouse=True)
def _reads_wait_for_who_looks():
    """Nobody else sees the log's reads of this test."""
    yield
    reads.forget()


@pytest.fixture(autouse=True)
def _no_replay_is_held():
    """A look back that a test leaves half done gives up its connection with the test."""
    yield
    _let_go()


@pytest.fixture
def acme(db) -> Organization:
    """The organization that most tests play in."""
    return OrganizationFactory(name="Acme", legal_name="Acme Trading LLC")


@pytest.fixture
def globex(db) -> Organization:
    """Somebody else, whose things Acme must never see."""
    return OrganizationFactory(name="Globex", legal_name="Globex Corporation")


@pytest.fixture
def client_with(acme) -> Callable[..., Api]:
    """Return a client of Acme whose new key has just the given permissions, in the command line's spelling."""

    def make(*permissions: str, organization: Organization = acme) -> Api:
        _, token = create_api_key(
            organization=organization,
            name="A test's key",
            permissions=parse_permissions(permissions),
            created_by="test",
        )
        return Api(token)

    return make


@pytest.fixture
def api(client_with) -> Api:
    """A client of Acme that may do everything."""
    return client_with(*ALL_PERMISSIONS)


@pytest.fixture
def other_api(client_with, globex) -> Api:
    """A client of Globex that may do everything there."""
    return client_with(*ALL_PERMISSIONS, organization=globex)


@pytest.fixture
def set_clock(monkeypatch) -> Callable[[datetime], None]:
    """Return a function that stops the server's clock at an instant."""

    def stop_at(moment: datetime) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    return stop_at
