"""The commands about money, and run_worker: what they print, with which exit code, under whose name."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pghistory.models
import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command, load_command_class
from django.db import connection

from accounts.models import Account
from apikeys.services import rotate_api_key
from tests.transfers.steps import balances, fund, settle, status_of, transfer_between
from tests.transfers.test_create_transfer import FIELDS
from transfers.models import Transfer

UNKNOWN_TRANSFER = "txr_01ARZ3NDEKTSV4RRFFQ69G5FAV"
UNKNOWN_ACCOUNT = "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV"
COMMANDS = [
    "deposit",
    "external_pull",
    "approve_transfer",
    "reject_transfer",
    "simulate_rail",
    "check_ledger",
    "run_worker",
    "connect_external_account",
]


def run(*words):
    """Return what the command prints with --json."""
    out = StringIO()
    call_command(*[str(word) for word in words], "--json", stdout=out)
    return json.loads(out.getvalue())


def refusal(*words) -> CommandError:
    """Return the error with which manage.py ends: its words go to stderr, its returncode to the shell."""
    with pytest.raises(CommandError) as refused:
        run(*words)
    return refused.value


@pytest.fixture
def waiting(client_with, income, rent):
    return transfer_between(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, rent, 30_00)


class TestEveryCommand:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_explains_itself(self, name, capsys):
        app = "sequence" if name == "run_worker" else "accounts" if name.startswith("connect") else "transfers"
        with pytest.raises(SystemExit) as end:
            load_command_class(app, name).create_parser("manage.py", name).parse_args(["--help"])

        assert end.value.code == 0
        printed = capsys.readouterr().out
        assert "--json" in printed
        assert load_command_class(app, name).help[:20] in printed


class TestDeposit:
    @pytest.mark.parametrize("origin", [None, "paycheck", "check_deposit", "cashback"])
    def test_completes_at_once(self, income, api, origin):
        told = run("deposit", "--account", income.id, "--amount", 1, *(["--origin", origin] if origin else []))

        assert list(told) == FIELDS
        assert told == api.get(f"/transfers/{told['id']}").json()["data"]
        assert (told["status"], told["direction"], told["origin"]) == ("complete", "money_in", origin or "paycheck")
        assert balances(income) == [100_01]

    def test_goes_to_a_pod_too(self, rent):
        run("deposit", "--account", rent.id, "--amount", 5_00)

        assert balances(rent) == [5_00]

    @pytest.mark.parametrize("amount", ["0", "-1", "1.5", "1e3", "1_000", "ten", "", str(2**53), "١"])
    def test_wants_a_whole_number_of_cents(self, income, amount):
        assert "amount" in str(refusal("deposit", "--account", income.id, f"--amount={amount}"))
        assert balances(income) == [100_00]

    def test_is_refused_in_words_where_the_balance_could_not_be_told_exactly(self, income):
        error = refusal("deposit", "--account", income.id, "--amount", 2**53 - 100_00)

        assert (str(error), error.returncode) == (f"{income.name} can hold at most {2**53 - 1} cents.", 1)
        assert balances(income) == [100_00]
        run("deposit", "--account", income.id, "--amount", 2**53 - 1 - 100_00)
        assert balances(income) == [2**53 - 1]

    def test_is_refused_for_an_account_outside_or_unknown_or_deleted(self, bank, rent):
        rent.delete_softly()

        assert "external account" in str(refusal("deposit", "--account", bank.id, "--amount", 1))
        for id in (UNKNOWN_ACCOUNT, "x", rent.id):
            error = refusal("deposit", "--account", id, "--amount", 1)
            assert (str(error), error.returncode) == ("Account not found.", 1)
        assert not Transfer.objects.exists()

    def test_refuses_another_origin(self, income):
        refusal("deposit", "--account", income.id, "--amount", 1, "--origin", "user")

    def test_says_the_same_to_a_person(self, income):
        out = StringIO()
        call_command("deposit", "--account", income.id, "--amount", "100", stdout=out)

        assert "status: complete" in out.getvalue()

    def test_stands_on_the_record_under_its_name(self, income):
        told = run("deposit", "--account", income.id, "--amount", 1)

        assert Transfer.objects.get(id=told["id"]).decided_by.startswith("command:deposit:")


class TestExternalPull:
    def test_completes_at_once(self, income, api):
        told = run("external_pull", "--account", income.id, "--amount", 100_00)

        assert told == api.get(f"/transfers/{told['id']}").json()["data"]
        assert (told["direction"], told["origin"], told["destination"]) == ("money_out", "external_pull", None)
        assert balances(income) == [0]

    def test_is_refused_when_there_is_too_little(self, income):
        error = refusal("external_pull", "--account", income.id, "--amount", 100_01)

        assert str(error) == "Payroll has 10000 cents available, not 10001."
        assert error.returncode == 1
        assert balances(income) == [100_00]
        assert Transfer.objects.count() == 1

    def test_does_not_take_what_is_held(self, income, bank, api):
        transfer_between(api, income, bank, 60_00)
        settle()

        assert "4000 cents available" in str(refusal("external_pull", "--account", income.id, "--amount", 40_01))


class TestApproveAndReject:
    def test_approve(self, waiting, api):
        told = run("approve_transfer", waiting.id)

        assert (told["id"], told["status"]) == (waiting.id, "processing")
        waiting.refresh_from_db()
        assert waiting.decided_by.startswith("command:approve_transfer:")
        settle()
        assert status_of(waiting) == ("complete", None)

    def test_reject(self, waiting, income):
        told = run("reject_transfer", waiting.id)
        settle()

        assert told["status"] == "cancelled"
        assert status_of(waiting) == ("cancelled", None)
        assert balances(income) == [100_00]

    @pytest.mark.parametrize("command", ["approve_transfer", "reject_transfer"])
    def test_refuse_what_is_not_waiting(self, command, api, income, rent):
        done = transfer_between(api, income, rent, 1_00)

        error = refusal(command, done.id)
        assert "processing" in str(error)
        assert error.returncode == 1
        assert str(refusal(command, UNKNOWN_TRANSFER)) == "Transfer not found."

    def test_approve_under_a_staff_users_name(self, waiting):
        get_user_model().objects.create_user("ann", is_staff=True)
        run("approve_transfer", waiting.id, "--by", "ann")

        waiting.refresh_from_db()
        assert waiting.decided_by == "staff:ann"

    def test_approve_is_refused_to_a_custodian_of_the_key(self, waiting):
        get_user_model().objects.create_user("ann", is_staff=True)
        rotate_api_key(key_id=waiting.api_key_id, overlap=timedelta(hours=1), rotated_by="staff:ann")

        assert "ann rotated the key" in str(refusal("approve_transfer", waiting.id, "--by", "ann"))
        assert status_of(waiting)[0] == "pending_approval"

    @pytest.mark.parametrize("user", [{}, {"is_staff": True, "is_active": False}, None])
    def test_approve_by_nobody_is_refused(self, waiting, user):
        if user is not None:
            get_user_model().objects.create_user("ann", **user)

        assert "no active staff user 'ann'" in str(refusal("approve_transfer", waiting.id, "--by", "ann"))
        assert status_of(waiting)[0] == "pending_approval"


class TestSimulateRail:
    @pytest.fixture
    def pending(self, api, income, bank):
        transfer = transfer_between(api, income, bank, 30_00)
        settle()
        return transfer

    def test_settles(self, pending):
        assert run("simulate_rail", pending.id, "--settle")["status"] == "complete"

    def test_fails(self, pending):
        told = run("simulate_rail", pending.id, "--fail", "name_mismatch")

        assert (told["status"], told["error_code"]) == ("error", "name_mismatch")

    def test_returns(self, pending, income):
        run("simulate_rail", pending.id, "--settle")
        told = run("simulate_rail", pending.id, "--return", "disconnected_account")

        assert (told["status"], told["error_code"]) == ("error", "disconnected_account")
        assert told["completed_at"] is not None
        assert balances(income) == [100_00]

    def test_wants_one_ending_and_a_code_that_exists(self, pending):
        refusal("simulate_rail", pending.id)
        refusal("simulate_rail", pending.id, "--settle", "--fail", "name_mismatch")
        refusal("simulate_rail", pending.id, "--fail", "boredom")
        assert str(refusal("simulate_rail", UNKNOWN_TRANSFER, "--settle")) == "Transfer not found."
        assert status_of(pending)[0] == "pending"

    def test_says_when_it_is_too_late(self, pending):
        run("simulate_rail", pending.id, "--settle")

        error = refusal("simulate_rail", pending.id, "--fail", "name_mismatch")
        assert "complete" in str(error)
        assert error.returncode == 1


class TestConnectExternalAccount:
    def test_makes_a_liability_with_all_that_is_known_of_it(self, acme, api):
        told = run(
            *("connect_external_account", "--organization", acme.id, "--name", "Visa", "--type", "LIABILITY"),
            *("--institution", "First Bank", "--balance", 300_00, "--interest-rate", "19.99"),
            *("--statement-balance", 250_00, "--minimum-payment", 25_00, "--due-date", "2026-12-31"),
        )

        shown = api.get(f"/accounts/{told['id']}").json()["data"]
        assert told == shown
        assert (shown["type"], shown["external_account_type"]) == ("external_account", "LIABILITY")
        assert shown["balance"]["next_payment_due_date"] == "2026-12-31"
        assert Account.objects.get(id=told["id"]).interest_rate_percent == Decimal("19.99")

    @pytest.mark.parametrize("kind", ["DEPOSITORY", "INVESTMENT", "LIABILITY"])
    def test_leaves_unknown_what_is_not_given(self, acme, kind):
        told = run(
            *("connect_external_account", "--organization", acme.id, "--name", "X", "--type", kind),
            *("--institution", "First Bank"),
        )

        assert told["balance"]["balance_in_cents"] is None

    @pytest.mark.parametrize("fact", ["--interest-rate", "--statement-balance", "--minimum-payment", "--due-date"])
    def test_refuses_a_debts_facts_for_something_that_is_none(self, acme, fact):
        refusal(
            *("connect_external_account", "--organization", acme.id, "--name", "X", "--type", "DEPOSITORY"),
            *("--institution", "First Bank", fact, "2026-12-31" if fact == "--due-date" else 5),
        )
        assert not Account.objects.filter(name="X").exists()

    def test_refuses_an_unknown_organization_or_type(self, acme):
        words = ["connect_external_account", "--name", "X", "--institution", "First Bank", "--organization"]
        error = refusal(*words, "org_01ARZ3NDEKTSV4RRFFQ69G5FAV", "--type", "DEPOSITORY")
        assert str(error) == "Organization not found."
        refusal(*words, acme.id, "--type", "MATTRESS")


class TestRunWorker:
    def test_once_does_all_that_is_due(self, api, income, rent, bank):
        transfers = [transfer_between(api, income, other, 1_00) for other in (rent, bank)]

        told = run("run_worker", "--once")

        assert list(told) == ["done"]
        assert told["done"] >= 2
        assert [status_of(transfer)[0] for transfer in transfers] == ["complete", "pending"]
        assert run("run_worker", "--once") == {"done": 0}

    def test_once_without_a_delay_leaves_nothing_behind(self, api, income, bank, settings):
        settings.SIMULATED_RAIL_DELAY_SECONDS = 0
        transfer = transfer_between(api, income, bank, 1_00)

        run("run_worker", "--once")

        assert status_of(transfer) == ("complete", None)

    def test_once_at_another_time_does_what_is_due_then(self, api, income, bank, settings):
        settings.ALLOW_TIME_TRAVEL = True
        transfer = transfer_between(api, income, bank, 1_00)
        run("run_worker", "--once")
        then = datetime.now(UTC).replace(microsecond=0) + timedelta(days=400)

        run("run_worker", "--once", "--now", then.isoformat())

        transfer.refresh_from_db()
        assert transfer.status == "complete"
        assert transfer.completed_at == then

    def test_is_refused_another_time_where_time_travel_is_off(self, api, income, rent, settings):
        settings.ALLOW_TIME_TRAVEL = False
        transfer = transfer_between(api, income, rent, 1_00)

        assert "ALLOW_TIME_TRAVEL" in str(refusal("run_worker", "--once", "--now", "2030-01-01T00:00:00Z"))
        assert status_of(transfer)[0] == "processing"

    def test_is_refused_another_time_for_ever(self, db, settings):
        settings.ALLOW_TIME_TRAVEL = True

        assert "--once" in str(refusal("run_worker", "--now", "2030-01-01T00:00:00Z"))

    def test_is_refused_a_time_that_is_none(self, db, settings):
        settings.ALLOW_TIME_TRAVEL = True

        refusal("run_worker", "--once", "--now", "tomorrow")


class TestAuditTrail:
    def test_knows_which_command_changed_what(self, income, acme):
        assert fund(income, 1).decided_by == "test"
        run(
            *("connect_external_account", "--organization", acme.id, "--name", "X", "--type", "DEPOSITORY"),
            *("--institution", "First Bank"),
        )
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

        actors = [context.metadata.get("actor", "") for context in pghistory.models.Context.objects.all()]
        assert any(actor.startswith("command:connect_external_account:") for actor in actors)
