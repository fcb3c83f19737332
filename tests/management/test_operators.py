"""What operators ask at the command line: lists and single things, as tables or JSON, by id or by name."""

import json
import os
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from rules.models import RuleExecution
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, write, write_enabled
from tests.transfers.steps import fund, post_transfer, settle

pytestmark = pytest.mark.django_db


def ask(command, *arguments):
    out = StringIO()
    call_command(command, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def read(command, *arguments):
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def income(acme):
    account = IncomeSourceFactory(organization=acme, name="Payroll")
    fund(account, 1_234_56)
    return account


@pytest.fixture
def rent(acme):
    return PodFactory(organization=acme, name="Rent")


class TestLists:
    def test_of_organizations(self, acme, globex):
        assert [one["id"] for one in ask("list_organizations")] == [acme.id, globex.id]
        assert "Globex Corporation" in read("list_organizations")

    def test_of_accounts_show_what_is_there(self, acme, globex, income):
        PodFactory(organization=globex)
        [account] = ask("list_accounts", "--organization", acme.id)
        assert (account["id"], account["balance"]["balance_in_cents"]) == (income.id, 1_234_56)
        heading, line = read("list_accounts", "--organization", "acme").splitlines()
        assert "balance in cents" in heading
        assert "123,456" in line
        assert len(ask("list_accounts")) == 2

    def test_show_no_bank_number(self, acme):
        ExternalAccountFactory(organization=acme)
        [account] = ask("list_accounts")
        assert account["bank_account_number"] is None or account["bank_account_number"].startswith("•")

    def test_of_transfers_are_bounded_and_by_state(self, api, income, rent):
        for cents in (1_00, 2_00, 500_000_00):
            post_transfer(api, income, rent, cents)
        settle()

        assert [one["amount_in_cents"] for one in ask("list_transfers", "--first", "2")] == [500_000_00, 2_00]
        [failed] = ask("list_transfers", "--status", "incomplete")
        assert failed["error_code"] == "insufficient_funds"
        assert "Payroll" in read("list_transfers")

    def test_of_rules(self, api, income, rent):
        made = write(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id), nickname="Save"))
        assert [one["id"] for one in ask("list_rules")] == [made.id]
        assert "Payroll" in read("list_rules")

    @pytest.mark.parametrize("command", ["list_organizations", "list_accounts", "list_transfers", "list_rules"])
    def test_say_that_there_is_nothing(self, db, command):
        assert ask(command) == []
        assert read(command).startswith("There are no ")

    def test_refuse_an_organization_that_is_none(self, db):
        with pytest.raises(CommandError, match="Organization not found"):
            ask("list_accounts", "--organization", "nobody")


class TestOne:
    def test_is_found_by_id_or_name(self, acme, income):
        assert ask("show_account", income.id) == ask("show_account", "payroll")
        assert ask("show_organization", "Acme")["id"] == acme.id

    def test_is_refused_where_two_are_called_so(self, acme, globex):
        for organization in (acme, globex):
            PodFactory(organization=organization, name="Rent")
        with pytest.raises(CommandError, match=r"2 are called 'Rent'\. Give the id of one: acc_"):
            ask("show_account", "Rent")

    def test_is_never_one_that_is_called_like_an_id(self, acme, income):
        PodFactory(organization=acme, name=income.id)
        assert ask("show_account", income.id)["id"] == income.id

    def test_of_a_rule_tells_what_it_does(self, api, income, rent):
        made = write(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id), nickname="Save"))
        assert ask("show_rule", "save")["id"] == made.id
        assert "$1.00" in read("show_rule", made.id)

    def test_of_a_transfer(self, api, income, rent):
        id = post_transfer(api, income, rent, 1_00).json()["data"]["id"]
        assert ask("show_transfer", id)["id"] == id
        with pytest.raises(CommandError, match="Transfer not found"):
            ask("show_transfer", "txr_nothing")


class TestTriggerRule:
    def test_sets_it_off_as_the_command(self, api, income, rent):
        made = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        told = ask("trigger_rule", made.id)
        settle()

        run = RuleExecution.objects.get(id=told["execution_id"])
        assert (run.status, run.started_by.split(":")[0]) == ("executed", "command")

    def test_simulates_with_an_amount(self, api, income, rent):
        made = write(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        told = ask("trigger_rule", made.id, "--amount", "5000", "--simulation")
        assert (told["mode"], told["status"]) == ("simulation", "executed")

    def test_is_refused_for_a_disabled_one(self, api, income, rent):
        made = write(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        with pytest.raises(CommandError, match="disabled"):
            ask("trigger_rule", made.id)


@pytest.mark.full
class TestErrors:
    """What programs that call a command read, in a process of its own as they do."""

    @pytest.fixture
    def run(self, settings):
        def execute(*arguments, **environment):
            return subprocess.run(  # noqa: S603 - our own program
                [sys.executable, "manage.py", *arguments],
                cwd=settings.BASE_DIR,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
                env={**os.environ, **environment},
            )

        return execute

    def test_are_json_where_json_is_wanted(self, run):
        ended = run("show_transfer", "--json")
        error = json.loads(ended.stderr)["error"]
        assert (ended.returncode, ended.stdout) == (2, "")
        assert (error["code"], error["details"]) == ("invalid_request", [])
        assert "TXR_ID" in error["message"]

    @pytest.mark.parametrize("arguments", [["show_account", b"\xff"], ["list_rules", "--organization", b"Z\xfc"]])
    def test_tell_of_bytes_that_are_no_text(self, run, arguments):
        ended = run(*arguments, "--json")
        assert ended.returncode == 1
        assert json.loads(ended.stderr)["error"]["code"] == "invalid_request"

    def test_are_json_also_where_the_database_is_away(self, run):
        ended = run("list_rules", "--json", DATABASE_URL="postgres://nobody:x@127.0.0.1:1/nothing")
        assert (ended.returncode, ended.stdout) == (1, "")
        assert json.loads(ended.stderr)["error"]["code"] == "temporarily_unavailable"

    def test_are_a_sentence_elsewhere(self, run):
        assert "usage" in run("show_transfer").stderr


def test_refusals_of_the_domain_have_their_code(db, capsys):
    OrganizationFactory()
    from transfers.management.commands.show_transfer import Command

    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "show_transfer", "txr_nothing", "--json"])
    assert ended.value.code == 1
    assert json.loads(capsys.readouterr().err) == {
        "error": {"code": "not_found", "message": "Transfer not found.", "details": []}
    }
