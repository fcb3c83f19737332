"""The commands for organizations, keys and idempotency records."""

import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from apikeys import services
from apikeys.entries import parse_permissions
from apikeys.limits import TRANSFER_LIMITS, TRIGGER_LIMITS
from apikeys.models import ApiKey, Organization
from sequence.core.api.ids import new_id
from sequence.core.commands.arguments import PERMISSION_HELP
from tests.client import Api
from tests.transfers.chaos.site import database_url

COMMANDS = [
    "create_organization",
    "set_organization_status",
    "create_api_key",
    "set_permissions",
    "list_api_keys",
    "pause_api_key",
    "resume_api_key",
    "revoke_api_key",
    "rotate_api_key",
    "purge_idempotency_records",
]
ACCOUNTING = ["stopped", "at", "cancelled", "not_stopped", "executions_ended", "given_back", "rules"]
NEW_KEY = ["id", "key", "prefix", "name", "organization", "permissions"]
KEY = [
    "id",
    "prefix",
    "name",
    "organization",
    "permissions",
    "status",
    "created_by",
    "created_at",
    "expires_at",
    "last_used_at",
    "revoked_at",
    "paused_at",
]


def run(*arguments: str) -> str:
    """Run a command and return what it printed."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def run_json(*arguments: str):
    """Run a command with ``--json`` and return the one JSON value that it printed."""
    return json.loads(run(*arguments, "--json"))


def refusal_of(*arguments: str) -> str:
    """Run a command that refuses, and return its message."""
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    return str(refusal.value)


@pytest.fixture
def key(acme) -> ApiKey:
    permissions = parse_permissions(["LIST_ACCOUNTS", "READ_ACCOUNTS:acc_1,acc_2"])
    key, _ = services.create_api_key(organization=acme, name="Agent", permissions=permissions, created_by="test")
    return key


class TestEveryCommand:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_explains_itself(self, name, capsys):
        with pytest.raises(SystemExit) as end:
            call_command(name, "--help")

        out = capsys.readouterr().out
        assert end.value.code == 0
        assert "--json" in out

    @pytest.mark.parametrize("name", ["revoke_api_key", "rotate_api_key"])
    def test_refuses_a_key_that_is_not_there(self, db, name):
        for key_id in [new_id("key"), "nonsense", ""]:
            assert refusal_of(name, key_id) == "API key not found."

    def test_refuses_an_organization_that_is_not_there(self, db):
        org = new_id("org")
        assert refusal_of("set_organization_status", org, "active") == "Organization not found."
        assert refusal_of("list_api_keys", "--organization", org) == "Organization not found."
        assert (
            refusal_of("create_api_key", "--organization", org, "--name", "A", "--permission", "LIST_RULES")
            == "Organization not found."
        )
        assert not ApiKey.objects.exists()


@pytest.mark.full
class TestInAProcess:
    """Exit codes, and which stream says what."""

    def manage(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "manage.py", *arguments],
            cwd=django_settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": database_url()},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_success_is_0_and_stdout_is_json_alone(self, transactional_db):
        done = self.manage("create_organization", "--name", "Acme", "--json")

        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["id"] == Organization.objects.get().id

    @pytest.mark.full
    def test_a_refusal_is_1_and_one_line_on_stderr(self, transactional_db):
        done = self.manage("revoke_api_key", "nonsense")

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "CommandError: API key not found.\n"

    def test_a_refusal_is_json_where_json_is_wanted(self, transactional_db):
        done = self.manage("revoke_api_key", "nonsense", "--json")

        assert (done.returncode, done.stdout) == (1, "")
        assert json.loads(done.stderr) == {
            "error": {"code": "not_found", "message": "API key not found.", "details": []}
        }

    def test_a_wrong_call_is_2_and_told_on_stderr(self, transactional_db):
        done = self.manage("create_organization")

        assert (done.returncode, done.stdout) == (2, "")
        assert "--name" in done.stderr


class TestCreateOrganization:
    def test_tells_what_it_made(self, db):
        facts = run_json("create_organization", "--name", "Acme", "--legal-name", "Acme Trading LLC")

        organization = Organization.objects.get()
        assert list(facts) == ["id", "name", "legal_name"]
        assert facts == {"id": organization.id, "name": "Acme", "legal_name": "Acme Trading LLC"}
        assert organization.status == "active"

    def test_takes_the_name_for_the_legal_name(self, db):
        assert run_json("create_organization", "--name", "Acme")["legal_name"] == "Acme"

    def test_tells_people_a_line_for_each_fact(self, db):
        out = run("create_organization", "--name", "Acme")

        assert out == f"id: {Organization.objects.get().id}\nname: Acme\nlegal name: Acme\n"

    @pytest.mark.parametrize("name", ["", " ", "x" * 101, "two\nlines"])
    def test_refuses_a_name_of(self, db, name):
        assert "Give 1 to 100 characters in one line" in refusal_of("create_organization", "--name", name)
        assert "Give 1 to 200" in refusal_of("create_organization", "--name", "A", "--legal-name", name * 2)
        assert not Organization.objects.exists()


class TestSetOrganizationStatus:
    def test_tells_what_a_suspension_stopped(self, acme):
        facts = run_json("set_organization_status", acme.id, "suspended")

        assert list(facts) == ACCOUNTING
        assert facts["stopped"] == [{"type": "organization", "id": acme.id, "name": "Acme"}]
        assert Organization.objects.get().status == "suspended"
        assert "cancelled: 0 transfers, 0 cents" in run("set_organization_status", acme.id, "suspended")

    def test_tells_that_it_is_active_again(self, acme):
        run("set_organization_status", acme.id, "suspended")
        facts = run_json("set_organization_status", acme.id, "active")

        assert facts == {"id": acme.id, "name": "Acme", "status": "active"}
        assert Organization.objects.get().status == "active"

    def test_refuses_an_unknown_status(self, acme):
        assert "invalid choice: 'closed'" in refusal_of("set_organization_status", acme.id, "closed")
        assert Organization.objects.get().status == "active"


class TestCreateApiKey:
    def create(self, acme, *arguments: str) -> tuple[str, ...]:
        return ("create_api_key", "--organization", acme.id, "--name", "Agent", *arguments)

    def test_tells_the_key_this_once(self, acme):
        facts = run_json(
            *self.create(acme, "--permission", "LIST_ACCOUNTS", "--permission", "MANUAL_TRANSFER:acc_1>*@5;day=6")
        )

        key = ApiKey.objects.get()
        assert list(facts) == NEW_KEY
        assert (facts["id"], facts["name"], facts["organization"]) == (key.id, "Agent", acme.id)
        assert facts["key"].startswith(facts["prefix"])
        assert facts["permissions"] == [
            {"scope": "LIST_ACCOUNTS", "resources": None},
            {
                "scope": "MANUAL_TRANSFER",
                "resources": [{"source": "acc_1", "target": "*", "max_amount": 5, "max_amount_per_day": 6}],
            },
        ]
        assert key.expires_at is None
        assert Api(facts["key"]).get("/accounts").status_code == 200

    def test_tells_people_the_key_too(self, acme):
        lines = run(*self.create(acme, "--permission", "LIST_ACCOUNTS")).splitlines()

        assert [line.partition(":")[0] for line in lines] == NEW_KEY
        assert Api(lines[1].removeprefix("key: ")).get("/accounts").status_code == 200

    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2027-01-31T00:00:00Z", datetime(2027, 1, 31, tzinfo=UTC)),
            ("2027-01-31T02:00:00+02:00", datetime(2027, 1, 31, tzinfo=UTC)),
            ("2027-01-31T00:00:00", datetime(2027, 1, 31, tzinfo=UTC)),
            ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ],
    )
    def test_takes_an_expiry(self, acme, text, moment):
        run(*self.create(acme, "--permission", "LIST_ACCOUNTS", "--expires-at", text))

        assert ApiKey.objects.get().expires_at == moment

    @pytest.mark.parametrize("text", ["tomorrow", "2027-13-01", "", "9999-12-31T23:59:59-05:00"])
    def test_refuses_an_expiry_of(self, acme, text):
        message = refusal_of(*self.create(acme, "--permission", "LIST_ACCOUNTS", f"--expires-at={text}"))

        assert "is no time" in message
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize(
        ("permissions", "message"),
        [
            (["READ"], "There is no scope 'READ'."),
            (["LIST_ACCOUNTS", "LIST_ACCOUNTS"], "The same permission is given twice."),
            (["LIST_ACCOUNTS", "READ_ACCOUNTS"], "READ_ACCOUNTS needs resources"),
        ],
    )
    def test_refuses_permissions_that_cannot_be_granted(self, acme, permissions, message):
        arguments = [f"--permission={permission}" for permission in permissions]

        assert message in refusal_of(*self.create(acme, *arguments))
        assert not ApiKey.objects.exists()

    def test_needs_a_permission(self, acme):
        assert "--permission" in refusal_of(*self.create(acme))

    def test_refuses_a_name_that_is_too_long(self, acme):
        arguments = ["--organization", acme.id, "--name", "x" * 101, "--permission", "LIST_ACCOUNTS"]

        assert "Give 1 to 100 characters" in refusal_of("create_api_key", *arguments)
        assert not ApiKey.objects.exists()


class TestSetPermissions:
    def test_replaces_all(self, key):
        facts = run_json("set_permissions", key.id, "--permission", "LIST_RULES")

        assert list(facts) == KEY
        assert facts["permissions"] == [{"scope": "LIST_RULES", "resources": None}]
        assert [permission.as_text() for permission in ApiKey.objects.get().permissions()] == ["LIST_RULES"]

    def test_changes_nothing_when_refused(self, key):
        assert "There is no scope" in refusal_of("set_permissions", key.id, "--permission", "READ")
        assert "given twice" in refusal_of("set_permissions", key.id, *["--permission", "LIST_RULES"] * 2)
        assert len(ApiKey.objects.get().permissions()) == 2

    def test_refuses_a_key_that_is_not_there(self, db):
        assert refusal_of("set_permissions", new_id("key"), "--permission", "LIST_RULES") == "API key not found."


class TestListApiKeys:
    def test_tells_each_key_without_its_secret(self, key):
        [facts] = run_json("list_api_keys")

        assert list(facts) == KEY
        assert (facts["id"], facts["status"], facts["last_used_at"], facts["revoked_at"]) == (
            key.id,
            "active",
            None,
            None,
        )
        assert facts["permissions"][1] == {"scope": "READ_ACCOUNTS", "resources": ["acc_1", "acc_2"]}

    def test_keeps_to_one_organization_when_asked(self, key, globex):
        assert len(run_json("list_api_keys", "--organization", key.organization_id)) == 1
        assert run_json("list_api_keys", "--organization", globex.id) == []

    def test_tells_which_keys_open_nothing_any_more(self, acme, key):
        services.create_api_key(
            organization=acme, name="Old", permissions=[], created_by="test", expires_at=timezone.now()
        )
        services.revoke_api_key(key_id=key.id)

        assert [facts["status"] for facts in run_json("list_api_keys")] == ["revoked", "expired"]

    def test_tells_people_a_line_for_each_key_and_permission(self, key):
        assert run("list_api_keys").splitlines() == [
            f"{key.id}  active     {key.prefix}…  Agent  (last used: never)",
            "    LIST_ACCOUNTS",
            "    READ_ACCOUNTS ['acc_1', 'acc_2']",
        ]

    def test_tells_people_that_there_are_none(self, db):
        assert "There are no API keys yet." in run("list_api_keys")


class TestRevokeApiKey:
    def test_tells_what_it_stopped(self, key):
        facts = run_json("revoke_api_key", key.id)

        assert list(facts) == ACCOUNTING
        assert facts["stopped"] == [{"type": "api_key", "id": key.id, "name": "Agent"}]
        assert ApiKey.objects.get().revoked_at is not None

    def test_may_be_repeated(self, key):
        assert run_json("revoke_api_key", key.id) == run_json("revoke_api_key", key.id)


class TestPauseApiKey:
    def test_tells_what_it_stopped_and_keeps_the_note(self, key):
        facts = run_json("pause_api_key", key.id, "--note", "Asks too often")

        assert list(facts) == ACCOUNTING
        key.refresh_from_db()
        assert (key.pause_note, key.paused_by.rpartition(":")[0]) == ("Asks too often", "command:pause_api_key")
        event = key.events.latest("pgh_id")
        assert event.pgh_context.metadata["reason"] == "Asks too often"
        assert run_json("list_api_keys")[0]["status"] == "paused"

    def test_is_undone_by_resuming(self, key):
        run("pause_api_key", key.id)

        assert run_json("resume_api_key", key.id)["status"] == "active"

    @pytest.mark.parametrize("name", ["pause_api_key", "resume_api_key"])
    def test_is_refused_of_a_revoked_key(self, key, name):
        run("revoke_api_key", key.id)

        assert "is revoked or expired" in refusal_of(name, key.id)


class TestRotateApiKey:
    def test_tells_the_new_key_and_ends_the_old_one_after_a_day(self, key):
        facts = run_json("rotate_api_key", key.id)

        key.refresh_from_db()
        new = ApiKey.objects.get(replaces=key)
        assert list(facts) == NEW_KEY
        assert facts["id"] == new.id
        assert facts["permissions"] == [permission.as_json() for permission in key.permissions()]
        assert Api(facts["key"]).get("/accounts").status_code == 200
        assert abs(key.expires_at - new.created_at - timedelta(hours=24)) < timedelta(minutes=1)

    @pytest.mark.parametrize("hours", ["0", "744"])
    def test_takes_an_overlap_of(self, key, hours):
        run("rotate_api_key", key.id, "--overlap-hours", hours)

        key.refresh_from_db()
        assert key.is_usable(timezone.now()) == (hours != "0")

    @pytest.mark.parametrize("hours", ["-1", "745", "1.5", "", "x"])
    def test_refuses_an_overlap_of(self, key, hours):
        assert "no whole number from 0 to 744" in refusal_of("rotate_api_key", key.id, f"--overlap-hours={hours}")
        assert ApiKey.objects.count() == 1

    def test_is_refused_a_second_time(self, key):
        new = run_json("rotate_api_key", key.id)

        assert f"was already replaced by {new['id']}" in refusal_of("rotate_api_key", key.id)

    def test_is_refused_of_a_revoked_key(self, key):
        run("revoke_api_key", key.id)

        assert "is revoked or expired. Create a new key instead." in refusal_of("rotate_api_key", key.id)


@pytest.mark.parametrize("limit", [limit for limit in (*TRANSFER_LIMITS, *TRIGGER_LIMITS) if limit.short])
def test_help_on_permissions_names_every_limit(limit):
    assert f";{limit.short}=" in PERMISSION_HELP
