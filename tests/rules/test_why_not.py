"""GET /rules/{id}/why-not: what a transfer's arrival made of a rule, by the rule as it was then."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.models import OrganizationStatus
from apikeys.services import set_organization_status
from rules.engine.chains import MAX_CHAIN_RUNS
from rules.models import RuleExecution
from rules.sweeps import carry_out
from sequence.core.worker import run_once
from tests.factories import PodFactory
from tests.rules.definitions import condition, limit, manual, on_funds, rule, step
from tests.rules.steps import disable, enable, move, notice, runs_of, write, write_enabled
from tests.transfers.steps import error_of, fund, pulled, transfer_between
from transfers.models import ErrorCode, Transfer
from transfers.services import pull_from_outside
from transfers.settlement import accept, submit
from transfers.simulated_rail_control import fail_payment, return_payment

UNKNOWN_RULE, UNKNOWN_TRANSFER = "rule_01K00000000000000000000000", "txr_01K00000000000000000000000"


@pytest.fixture
def body(income, rent):
    """Of what arrives in Payroll, $10.00 go to Rent where at least $100.00 arrive."""
    enough = condition("TRANSFER_AMOUNT", "GREATER_THAN_OR_EQUAL", 100_00)
    return rule(step(move(income, rent, 10_00), conditions={"all": [enough]}), trigger=on_funds(income.id))


@pytest.fixture
def made(api, body):
    return write_enabled(api, body)


def ask(api, made, transfer):
    response = api.get(f"/rules/{made.id}/why-not?transfer_id={transfer.id}")
    assert response.status_code == 200, response.content
    return response.json()["data"]


def code_of(api, made, transfer):
    """Return the code of the answer, once all that is due is done."""
    run_once()
    told = ask(api, made, transfer)
    assert (told["answer"] == "ran") == (told["code"] == "ran")
    return told["code"]


def noticed(income) -> Transfer:
    """Return a deposit whose run has not begun."""
    deposit = fund(income, 100_00)
    notice()
    assert RuleExecution.objects.filter(trigger_transfer=deposit, decided_at=None).exists()
    return deposit


def suspend(acme, status=OrganizationStatus.SUSPENDED):
    set_organization_status(organization_id=acme.id, status=status)


class TestWhyNot:
    def test_says_that_it_ran(self, api, made, income):
        deposit = fund(income, 100_00)
        run_once()
        [run] = runs_of(made)

        assert ask(api, made, deposit) == {
            "answer": "ran",
            "code": "ran",
            "sentence": "The rule ran, and moved money.",
            "rule_version": 1,
            "rule_execution_id": run.id,
            "smallest_changes": [],
        }

    def test_tells_the_smallest_change_of_conditions_that_did_not_hold(self, api, made, income):
        deposit = fund(income, 4_878_89 - 1)
        path = "steps[0].conditions.all[0].condition.value"
        small = fund(income, 99_99)
        run_once()
        [_, run] = runs_of(made)

        assert code_of(api, made, deposit) == "ran"
        assert ask(api, made, small) == {
            "answer": "did_not_run",
            "code": "conditions_not_met",
            "sentence": f"The conditions of none of its steps held; one would have if {path} had been 9999.",
            "rule_version": 1,
            "rule_execution_id": run.id,
            "smallest_changes": [{"change": path, "to": 99_99}],
        }

    def test_is_other_trigger_where_money_did_not_set_it_off_then(self, api, body, income):
        made = write_enabled(api, {**body, "trigger": manual(income.id)})
        before = fund(income, 100_00)
        api.put(f"/rules/{made.id}", body)
        enable(made)
        after = fund(income, 100_00)

        assert code_of(api, made, before) == "other_trigger"
        assert code_of(api, made, after) == "ran"

    def test_is_other_account_where_the_money_went_elsewhere(self, api, made, income, rent, bank):
        fund(income, 100_00)
        run_once()

        assert code_of(api, made, fund(rent, 100_00)) == "other_account"
        assert code_of(api, made, transfer_between(api, income, bank, 1_00)) == "other_account"

    def test_is_not_complete_of_what_has_not_arrived(self, api, rent, savings, bank):
        fund(rent, 1_00)
        pull = pull_from_outside(account_id=rent.id, amount_cents=1_00, by="test")
        into = write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=on_funds(rent.id)))
        asked = transfer_between(api, bank, rent, 100_00)

        assert ask(api, into, asked)["code"] == "not_complete"
        accept(timezone.now())
        submit(timezone.now())
        fail_payment(asked.id, ErrorCode.PAYMENT_FAILED)
        assert ask(api, into, asked)["code"] == "not_complete"
        assert ask(api, into, pull)["code"] == "other_account"

    def test_is_before_creation_of_what_arrived_before(self, api, body, income):
        deposit = fund(income, 100_00)
        made = write_enabled(api, body)

        assert code_of(api, made, deposit) == "before_creation"
        assert ask(api, made, deposit)["rule_version"] is None

    def test_is_disabled_then_until_it_was_enabled_and_after_it_was_disabled(self, api, body, income):
        made = write(api, body)
        early = fund(income, 100_00)
        enable(made)
        good = fund(income, 100_00)
        run_once()
        disable(made)
        late = fund(income, 100_00)
        enable(made)

        assert [code_of(api, made, deposit) for deposit in (early, good, late)] == [
            "disabled_then", "ran", "disabled_then",
        ]  # fmt: skip

    def test_is_disabled_then_of_what_had_arrived_when_somebody_disabled_it(self, api, made, income):
        deposit = fund(income, 100_00)
        disable(made)

        assert code_of(api, made, deposit) == "disabled_then"
        assert runs_of(made) == []

    def test_is_disabled_then_of_a_run_that_was_about_to_begin(self, api, made, income):
        deposit = noticed(income)
        disable(made)

        assert code_of(api, made, deposit) == "disabled_then"
        assert ask(api, made, deposit)["rule_execution_id"] == runs_of(made)[0].id

    def test_is_not_yet_while_no_worker_has_looked_and_while_the_run_has_not_begun(self, api, made, income):
        assert ask(api, made, fund(income, 100_00))["code"] == "not_yet"
        assert ask(api, made, noticed(income))["code"] == "not_yet"

    @pytest.mark.parametrize("enabled_again", [False, True])
    def test_is_replaced_before_run_of_what_had_arrived_or_was_about_to_run(
        self, api, made, body, income, enabled_again
    ):
        about_to_run = noticed(income)
        deposit = fund(income, 100_00)
        api.put(f"/rules/{made.id}", body)
        if enabled_again:
            enable(made)

        assert code_of(api, made, deposit) == code_of(api, made, about_to_run) == "replaced_before_run"
        assert ask(api, made, deposit)["rule_version"] == ask(api, made, about_to_run)["rule_version"] == 1

    @pytest.mark.parametrize("active_again", [False, True])
    def test_is_organization_stopped_of_what_arrived_meanwhile(self, api, acme, made, income, active_again):
        before = fund(income, 100_00)
        run_once()
        suspend(acme)
        during = fund(income, 100_00)
        run_once()
        if active_again:
            suspend(acme, OrganizationStatus.ACTIVE)
            after = fund(income, 100_00)
            run_once()
        suspend(acme, OrganizationStatus.ACTIVE)

        assert (code_of(api, made, before), code_of(api, made, during)) == ("ran", "organization_stopped")
        assert not active_again or code_of(api, made, after) == "ran"

    def test_is_organization_stopped_of_what_came_before_and_was_noticed_after(self, api, acme, made, income):
        deposit = fund(income, 100_00)
        suspend(acme)
        suspend(acme, OrganizationStatus.ACTIVE)

        assert code_of(api, made, deposit) == "organization_stopped"

    def test_is_organization_stopped_of_a_run_that_was_about_to_begin(self, api, acme, made, income):
        deposit = noticed(income)
        suspend(acme)
        run_once()
        suspend(acme, OrganizationStatus.ACTIVE)

        assert code_of(api, made, deposit) == "organization_stopped"

    def test_is_return_where_the_money_had_gone_back(self, api, rent, savings, bank):
        made = write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=on_funds(rent.id)))
        about_to_run = pulled(api, bank, rent)
        notice()
        unnoticed = pulled(api, bank, rent)
        for transfer in (unnoticed, about_to_run):
            return_payment(transfer.id, ErrorCode.PAYMENT_FAILED)

        assert code_of(api, made, about_to_run) == code_of(api, made, unnoticed) == "is_refund_or_return"
        assert [run.trigger_transfer_id for run in runs_of(made)] == [about_to_run.id]

    def test_goes_by_what_happened_then_though_the_money_went_back_since(self, api, rent, savings, bank):
        made = write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=on_funds(rent.id)))
        ran = pulled(api, bank, rent)
        run_once()
        disable(made)
        missed = pulled(api, bank, rent)
        run_once()
        for transfer in (ran, missed):
            return_payment(transfer.id, ErrorCode.PAYMENT_FAILED)

        assert [code_of(api, made, transfer) for transfer in (ran, missed)] == ["ran", "disabled_then"]

    def test_is_loop_stopped_where_rules_had_set_each_other_off_too_often(self, api, rent, savings):
        there = write_enabled(api, rule(step(move(rent, savings, 10_00)), trigger=on_funds(rent.id)))
        back = write_enabled(api, rule(step(move(savings, rent, 10_00)), trigger=on_funds(savings.id)))
        fund(rent, 10_00)
        run_once()
        runs = sorted(runs_of(there) + runs_of(back), key=lambda run: run.hops)

        codes = [code_of(api, run.rule, run.trigger_transfer) for run in runs]
        assert codes == ["ran"] * 10 + ["loop_stopped"]

    def test_is_loop_stopped_where_a_chain_had_used_up_its_runs(self, api, rent, savings):
        """The first that is too many says so by failing; those after it leave no run behind."""
        there = write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=on_funds(rent.id)))
        ends = write_enabled(api, rule(step(move(savings, rent, 1_00)), trigger=on_funds(savings.id)))
        fund(rent, 10_00)
        notice()
        carry_out(timezone.now())
        [root] = runs_of(there)
        RuleExecution.objects.filter(id=root.id).update(chain_runs=MAX_CHAIN_RUNS + 1)
        run_once()

        assert runs_of(ends) == []
        assert code_of(api, ends, root.transfers()[0]) == "loop_stopped"

    def test_is_nothing_to_move_where_a_limit_or_the_balance_left_nothing(self, api, income, rent):
        capped = move(income, rent, 10_00, limit=limit("PER_MONTH", 10_00))
        made = write_enabled(api, rule(step(capped), trigger=on_funds(income.id)))

        assert [code_of(api, made, fund(income, 100_00)) for _ in range(2)] == ["ran", "nothing_to_move"]

    def test_is_failed_where_nothing_came_to_move(self, api, income, rent):
        made = write_enabled(api, rule(step(move(income, rent, 500_00)), trigger=on_funds(income.id)))

        assert code_of(api, made, fund(income, 100_00)) == "failed"

    def test_is_failed_where_the_rail_refused_all_and_the_run_is_tried_again(self, api, income, bank):
        made = write_enabled(api, rule(step(move(income, bank, 10_00)), trigger=on_funds(income.id)))
        deposit = fund(income, 100_00)
        run_once()
        [payment] = Transfer.objects.filter(rule_id=made.id)
        assert ask(api, made, deposit)["code"] == "ran"
        fail_payment(payment.id, ErrorCode.PAYMENT_FAILED)

        assert code_of(api, made, deposit) == "failed"
        disable(made)
        run_once(timezone.now() + timedelta(hours=1))
        assert code_of(api, made, deposit) == "failed"


class TestWhoMayAsk:
    @pytest.fixture
    def deposit(self, made, income):
        return fund(income, 50_00)

    def test_is_who_may_read_the_rule_and_one_end_of_the_transfer(self, client_with, api, made, income, rent):
        fund(income, 500_00)
        run_once()
        between = transfer_between(api, income, rent, 1_00)
        for account in (income, rent):
            reader = client_with(f"READ_RULES:{made.id}", f"READ_TRANSFERS:{account.id}")

            assert ask(reader, made, between)["code"] == "other_account"

    @pytest.mark.parametrize(
        "scopes",
        [
            ["READ_RULES:*"],
            ["READ_TRANSFERS:*"],
            ["READ_RULES:*", "READ_TRANSFERS:{rent}"],
            ["READ_RULES:rule_1", "READ_TRANSFERS:*"],
            ["LIST_RULES", "READ_RULE_EXECUTIONS:*", "READ_TRANSFERS:*", "READ_ACCOUNTS:*"],
        ],
    )
    def test_is_nobody_with_less_who_learns_nothing_of_what_exists(self, client_with, made, deposit, rent, scopes):
        narrow = client_with(*(scope.format(rent=rent.id) for scope in scopes))
        answers = set()
        for rule_id in (made.id, UNKNOWN_RULE):
            for transfer_id in (deposit.id, UNKNOWN_TRANSFER, "x"):
                response = narrow.get(f"/rules/{rule_id}/why-not?transfer_id={transfer_id}")
                if "READ_RULES:rule_1" not in scopes or rule_id != "rule_1":
                    answers.add(error_of(response))

        assert answers == {(403, "forbidden")}

    def test_is_told_what_does_not_exist_with_everything_in_reach(self, api, other_api, globex, made, deposit):
        theirs = fund(PodFactory(organization=globex), 1_00)
        for rule_id, transfer_id, message in [
            (UNKNOWN_RULE, deposit.id, "Rule not found."),
            (made.id, UNKNOWN_TRANSFER, "Transfer not found."),
            (made.id, "x", "Transfer not found."),
            (made.id, theirs.id, "Transfer not found."),
        ]:
            response = api.get(f"/rules/{rule_id}/why-not?transfer_id={transfer_id}")

            assert error_of(response) == (404, "not_found")
            assert response.json()["error"]["message"] == message
        assert error_of(other_api.get(f"/rules/{made.id}/why-not?transfer_id={theirs.id}")) == (404, "not_found")

    @pytest.mark.parametrize("query", ["", "?transfer_id=", "?transfer_id=a&transfer_id=b", "?transfer=a"])
    def test_must_name_one_transfer(self, api, made, query):
        assert error_of(api.get(f"/rules/{made.id}/why-not{query}")) == (400, "invalid_request")


class TestWhatIsHidden:
    """Nothing that hangs on the balance of an account that the key may not read is told."""

    @pytest.mark.parametrize("compares", ["value", "fact"])
    @pytest.mark.parametrize(
        ("kind", "expected"), [("all", []), ("any", ["steps[0].conditions.any[0].condition.value"])]
    )
    def test_whatever_the_balance_is(self, api, client_with, income, rent, savings, kind, expected, compares):
        reader = client_with("READ_RULES:*", f"READ_TRANSFERS:{income.id}", f"READ_ACCOUNTS:{income.id}")
        big = condition("TRANSFER_AMOUNT", "GREATER_THAN", 1000_00)
        secret = {
            "value": condition("BALANCE", "LESS_THAN", 200_00, of=savings.id),
            "fact": condition("TRANSFER_AMOUNT", "GREATER_THAN", of=savings.id, fact_value="BALANCE"),
        }[compares]
        conditions = {kind: [big, secret]}
        made = write_enabled(
            api, rule(step(move(income, rent, 1_00), conditions=conditions), trigger=on_funds(income.id))
        )
        told, whole = [], []
        # Under "all" the secret one holds at first: then all the rest decides is whether the other one does.
        for cents in (1_00, 500_00, 100_00) if kind == "all" else (500_00, 300_00, 100_00):
            fund(savings, cents)
            deposit = fund(income, 5_00)
            run_once()
            answer = ask(reader, made, deposit)
            told.append({name: value for name, value in answer.items() if name != "rule_execution_id"})
            whole.append(ask(api, made, deposit))

        assert told == [told[0]] * 3
        assert told[0]["code"] == "conditions_not_met"
        assert [change["change"] for change in told[0]["smallest_changes"]] == expected
        # Whoever may read all learns more where there is more to learn, or the test shows nothing.
        has_more = kind == "all" or compares == "value"
        assert has_more == any(answer["smallest_changes"] != told[0]["smallest_changes"] for answer in whole)

    def test_is_a_figure_of_the_triggers_account(self, api, client_with, income, rent):
        reader = client_with("READ_RULES:*", f"READ_TRANSFERS:{income.id}")
        rich = condition("BALANCE", "GREATER_THAN", 1000_00)
        made = write_enabled(api, rule(step(move(income, rent, 1_00), conditions=rich), trigger=on_funds(income.id)))
        deposit = fund(income, 5_00)
        run_once()

        assert ask(reader, made, deposit)["smallest_changes"] == []
        assert ask(api, made, deposit)["smallest_changes"] == [
            {"change": "steps[0].conditions.condition.value", "to": 4_99}
        ]


class TestCost:
    def test_is_five_queries_of_a_run(self, api, made, income, django_assert_num_queries):
        deposit = fund(income, 50_00)
        run_once()

        # The key; the transfer, the rule, its run with the version, what that moved.
        with django_assert_num_queries(5):
            ask(api, made, deposit)

    def test_is_nine_queries_of_an_arrival(self, api, made, income, django_assert_num_queries):
        deposit = fund(income, 50_00)

        # The key; the transfer, the rule, no run; when it was enabled and until when, its version, the look at it, the
        # organization.
        with django_assert_num_queries(9):
            ask(api, made, deposit)
