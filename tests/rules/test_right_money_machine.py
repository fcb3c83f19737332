"""Random histories of rules, payments and returns against a plain model of what was owed, paid and under way.

The model knows no engine. It keeps, for every debt, what its institution said and what has moved since; for every
limit, what the rule moved by that action in the period; for every deposit, whether it is still there. Whatever the
rules do, three things must hold: no more leaves for a debt than it owes, no more than a limit in its period, and
nothing for a deposit that went back. ``RULES_SEED`` repeats a run, whose seed is printed.
"""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import ExternalAccountType
from accounts.services import record_statement
from apikeys.entries import parse_permissions
from apikeys.services import create_api_key
from rules.models import Rule, RuleExecution
from sequence.wiring import SWEEPS
from tests.client import Api
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.rules.definitions import action, limit, manual, on_funds, scheduled, step
from tests.rules.definitions import rule as body
from tests.rules.steps import enable, trigger, write
from tests.transfers.steps import fund, post_transfer
from transfers.ledger_invariants import find_faults
from transfers.models import ErrorCode, Transfer
from transfers.simulated_rail_control import fail_payment, return_payment

START = datetime(2026, 5, 27, 12, tzinfo=UTC)
FAILED = ("incomplete", "error", "cancelled")
UNDER_WAY = ("processing", "pending")
DEBTS = ("card", "loan")
FIGURES = ("statement", "minimum")
OWN_AMOUNT = ["total_amount_due", "last_statement_balance", "next_payment_minimum", "percentage_liability_balance"]
PERIODS = ["PER_WEEK", "PER_MONTH", "PER_YEAR"]

cents = st.integers(1_00, 400_00)
positions = st.integers(0, 10**6)
debts = st.sampled_from(DEBTS)
triggers = st.sampled_from(["hand", "money", "clock"])


def period_of(period, at):
    """Name the week, month or year of an instant."""
    return {"PER_WEEK": at.isocalendar()[:2], "PER_MONTH": (at.year, at.month), "PER_YEAR": at.year}[period]


class RightMoneyMachine(RuleBasedStateMachine):
    """Does things to the server, and judges every transfer of a rule by what the model knew the moment before."""

    clock: datetime = START

    @initialize(type=st.sampled_from(OWN_AMOUNT), debt=debts)
    def begin(self, type, debt):
        """Open the accounts, and write the first rule: a history without one has nothing to show."""
        self.open_the_accounts()
        self.hear_from_the_institution(debt, 300_00, 200_00, 35_00)
        self.write_a_rule_for_one_debt(type, debt, "hand", None, "PER_WEEK")

    def open_the_accounts(self):
        RightMoneyMachine.clock = START
        self.scene = transaction.atomic()
        self.scene.__enter__()
        organization = OrganizationFactory()
        scopes = ["MANUAL_TRANSFER:*>*", "CREATE_AND_EDIT_RULES", "TRIGGER_RULES:*", "READ_RULES:*", "LIST_ACCOUNTS"]
        _, token = create_api_key(
            organization=organization, name="M", permissions=parse_permissions(scopes), created_by="test"
        )
        self.api, self.organization = Api(token), organization
        liability = {"organization": organization, "external_account_type": ExternalAccountType.LIABILITY}
        self.accounts = {
            "income": IncomeSourceFactory(organization=organization),
            "pod": PodFactory(organization=organization),
            "bank": ExternalAccountFactory(organization=organization, balance_cents=900_00),
            "card": ExternalAccountFactory(balance_cents=300_00, **liability),
            "loan": ExternalAccountFactory(balance_cents=900_00, **liability),
        }
        self.names = {account.id: name for name, account in self.accounts.items()}
        # What the model knows of each debt, its figures, and each transfer: (to, cents, standing).
        self.said = {"card": 300_00, "loan": 900_00}
        self.figures: dict[tuple[str, str], int] = {}
        self.paid_since: dict[tuple[str, str], int] = {}
        self.moved: list[dict] = []
        self.rules: list[Rule] = []
        fund(self.accounts["income"], 3000_00)

    def teardown(self):
        if hasattr(self, "scene"):
            transaction.set_rollback(True)
            self.scene.__exit__(None, None, None)

    def tick(self, **time):
        RightMoneyMachine.clock += timedelta(microseconds=1, **time)

    # What the model knows of a debt.

    def owed(self, debt):
        return max(0, self.said[debt] - self.under_way(debt))

    def under_way(self, debt):
        return sum(each["cents"] for each in self.moved if each["to"] == debt and each["status"] in UNDER_WAY)

    def left(self, debt):
        """What each way of paying the debt may still move."""
        owed, left = self.owed(debt), {}
        for figure in FIGURES:
            paid = self.paid_since.get((debt, figure), 0) + self.under_way(debt)
            left[figure] = min(owed, max(0, self.figures.get((debt, figure), 0) - paid))
        return {"all": owed, **left}

    def look(self):
        """Take over what became of the transfers that the model knows, and judge those that are new."""
        before = {debt: self.left(debt) for debt in DEBTS}
        known = {each["id"]: each for each in self.moved}
        rows = list(Transfer.objects.filter(organization_id=self.organization.id).order_by("created_at", "id"))
        for row in rows:
            if row.id in known:
                self.follow(known[row.id], row)
        for row in rows:
            if row.id not in known:
                self.judge(self.note(row), before)

    def note(self, row):
        # A slot counts in the period in which it was due, however late the worker comes.
        slot = RuleExecution.objects.filter(id=row.rule_execution_id).values_list("scheduled_at", flat=True).first()
        each = {
            "id": row.id, "to": self.names.get(row.destination_id), "from": self.names.get(row.source_id),
            "cents": row.amount_cents, "status": row.status, "rule": row.rule_id, "run": row.rule_execution_id,
            "at": slot or row.created_at, "was_complete": False,
        }  # fmt: skip
        self.moved.append(each)
        self.settle(each, row)
        return each

    def follow(self, each, row):
        each["status"] = row.status
        self.settle(each, row)

    def settle(self, each, row):
        """Let a debt shrink by what has arrived, and grow by what came back."""
        arrived = row.status == "complete"
        if arrived == each["was_complete"] or each["to"] not in DEBTS:
            return
        change = each["cents"] if arrived else -each["cents"]
        each["was_complete"] = arrived
        self.said[each["to"]] -= change
        for figure in FIGURES:
            place = (each["to"], figure)
            self.paid_since[place] = max(0, self.paid_since.get(place, 0) + change)

    def judge(self, each, before):
        if each["to"] in DEBTS and each["rule"] is None:
            before[each["to"]] = self.left(each["to"])
        if each["rule"] is None or each["status"] in FAILED:
            return
        run = RuleExecution.objects.select_related("trigger_transfer", "version").get(id=each["run"])
        spec = run.version.definition["steps"][-1]["actions"][-1]
        for way in before[each["to"]]:
            before[each["to"]][way] -= each["cents"]
        assert before[each["to"]]["all"] >= 0, f"more than is owed leaves for {each['to']}: {each}"
        way = {"last_statement_balance": "statement", "next_payment_minimum": "minimum"}.get(spec["type"], "all")
        assert before[each["to"]][way] >= 0, f"more than is left of the {way} leaves for {each['to']}: {each}"
        if run.trigger_transfer is not None:
            assert run.trigger_transfer.status == "complete", f"a move for a deposit that went back: {each}"
        if spec["limit"]:
            self.judge_limit(each, spec["limit"])

    def judge_limit(self, each, allowed):
        """Count all that the rule moved in the period, whatever the rule was then: it has one action."""
        now = period_of(allowed["period"], each["at"])
        total = sum(
            other["cents"]
            for other in self.moved
            if other["rule"] == each["rule"]
            and other["status"] not in FAILED
            and period_of(allowed["period"], other["at"]) == now
        )
        assert total <= allowed["amount_in_cents"], f"{total} in {now}, more than {allowed}"

    # What happens.

    @rule(
        type=st.sampled_from(OWN_AMOUNT),
        debt=debts,
        by=triggers,
        cap=st.none() | cents,
        of=st.sampled_from(PERIODS),
    )
    def write_a_rule_for_one_debt(self, type, debt, by, cap, of):
        own = {"percentage_value": 100} if type == "percentage_liability_balance" else {}
        if cap:
            own["limit"] = limit(of, cap)
        self.write(action(type, "", self.accounts[debt].id, up_to=True, **own), by)

    @rule(type=st.sampled_from(["avalanche", "snowball"]), amount=cents, by=triggers)
    def write_a_rule_for_all_debts(self, type, amount, by):
        debts = [{"id": self.accounts[debt].id} for debt in DEBTS]
        own = {"accounts": debts, "amount_in_cents": amount, "up_to_enabled": True}
        self.write({**action(type, "", None), **own}, by)

    def write(self, spec, by):
        if len(self.rules) >= 6:
            return
        self.tick()
        taken = any(made.trigger_type == "ON_FUNDS_TRANSFERRED" for made in self.rules)
        by = "hand" if by == "money" and taken else by
        source = self.accounts["pod" if by == "money" else "income"].id
        start = self.clock.strftime("%Y-%m-%dT%H:%M:%SZ")
        whens = {"hand": manual(source), "money": on_funds(source), "clock": scheduled("DAILY", start, source)}
        spec = {**spec, "source": {"id": source}}
        self.rules.append(enable(write(self.api, body(step(spec), trigger=whens[by]))))

    @precondition(lambda self: self.rules)
    @rule(
        position=positions,
        cap=st.none() | cents,
        of=st.sampled_from(PERIODS),
        group=st.integers(0, 2),
        in_front=st.booleans(),
    )
    def rewrite_a_rule(self, position, cap, of, group, in_front):
        """Put a step in front, change the group, the limit or its period."""
        self.tick()
        made = self.rules[position % len(self.rules)]
        told = self.api.get(f"/rules/{made.id}").json()["data"]
        [*_, last] = told["steps"]
        [spec] = last["actions"]
        actions = [{**spec, "limit": limit(of, cap) if cap else spec["limit"], "group_index": group}]
        never = {"condition": {"fact": "DATE", "operator": "GREATER_THAN", "value": 31}}
        front = [step(*actions, conditions=never)] if in_front else []
        response = self.api.put(f"/rules/{made.id}", body(*front, step(*actions), trigger=told["trigger"]))
        assert response.status_code == 200, response.content
        enable(made)

    @precondition(lambda self: self.rules)
    @rule(position=positions, times=st.integers(1, 3))
    def trigger_a_rule(self, position, times):
        """Often again before the first run is carried out, or its payment has arrived."""
        for _ in range(times):
            self.tick()
            trigger(self.api, self.rules[position % len(self.rules)])

    @rule(amount=cents)
    def deposit(self, amount):
        self.tick()
        fund(self.accounts["income"], amount)

    @rule(amount=cents)
    def pull_into_the_pod(self, amount):
        self.tick()
        assert post_transfer(self.api, self.accounts["bank"], self.accounts["pod"], amount).status_code == 201

    @rule(debt=debts, amount=cents)
    def pay_by_hand(self, debt, amount):
        self.tick()
        assert post_transfer(self.api, self.accounts["income"], self.accounts[debt], amount).status_code == 201
        self.look()

    @rule(debt=debts, owed=st.integers(-50_00, 900_00), statement=st.none() | cents, minimum=st.none() | cents)
    def hear_from_the_institution(self, debt, owed, statement, minimum):
        self.tick()
        told = {"last_statement_balance_cents": statement, "next_payment_minimum_cents": minimum}
        facts = {name: value for name, value in told.items() if value is not None}
        record_statement(
            organization_id=self.organization.id, account_id=self.accounts[debt].id, balance_cents=owed, **facts
        )
        self.said[debt] = owed
        for figure, value in (("statement", statement), ("minimum", minimum)):
            if value is not None:
                self.figures[debt, figure], self.paid_since[debt, figure] = value, 0

    @precondition(lambda self: any(each["status"] == "pending" for each in self.moved))
    @rule(position=positions)
    def fail(self, position):
        self.tick()
        pending = [each for each in self.moved if each["status"] == "pending"]
        fail_payment(pending[position % len(pending)]["id"], ErrorCode.PAYMENT_FAILED)
        self.look()

    @precondition(lambda self: any(each["status"] == "complete" and each["from"] == "bank" for each in self.moved))
    @rule(position=positions)
    def a_pull_goes_back(self, position):
        self.tick()
        done = [each for each in self.moved if each["status"] == "complete" and each["from"] == "bank"]
        return_payment(done[position % len(done)]["id"], ErrorCode.INSUFFICIENT_FUNDS)
        self.look()

    @precondition(lambda self: any(each["status"] == "complete" and each["to"] in DEBTS for each in self.moved))
    @rule(position=positions)
    def a_payment_goes_back(self, position):
        self.tick()
        done = [each for each in self.moved if each["status"] == "complete" and each["to"] in DEBTS]
        return_payment(done[position % len(done)]["id"], ErrorCode.DISCONNECTED_ACCOUNT)
        self.look()

    @rule(seconds=st.sampled_from([3, 400, 4000, 86_400, 8 * 86_400]))
    def wait(self, seconds):
        self.tick(seconds=seconds)

    @rule()
    def run_all_rules(self):
        """Set every rule off, and let a worker look in.

        It takes no arguments and its name comes first, hence it is the simplest that can happen. Hypothesis begins with
        histories that end as simply as can be: so they end in runs, one after the other, of what was written before.
        """
        for made in self.rules:
            self.tick()
            trigger(self.api, made)
        self.work()

    @rule()
    def work(self):
        """A worker looks in: what it does first is judged before what comes of it."""
        self.tick()
        for _ in range(60):
            if not sum(self.one_sweep(sweep) for sweep in SWEEPS):
                return
        raise AssertionError("the worker finds no end")

    def one_sweep(self, sweep):
        done = sweep(self.clock)
        if done:
            self.look()
        return done

    @invariant()
    def the_figures_are_right(self):
        if not hasattr(self, "accounts"):
            return
        for debt in DEBTS:
            account = type(self.accounts[debt]).objects.get(id=self.accounts[debt].id)
            assert (debt, account.balance_cents) == (debt, self.said[debt])
            paid = (account.paid_since_statement_cents, account.paid_since_minimum_cents)
            assert paid == tuple(self.paid_since.get((debt, figure), 0) for figure in FIGURES)

    @invariant()
    def the_counts_add_up(self):
        if not hasattr(self, "accounts"):
            return
        for run in RuleExecution.objects.filter(organization=self.organization):
            counts = run.transfer_counts()
            attempted = counts.pop("transfers_attempted")
            assert attempted == sum(counts.values()) + run.trace.get("nothing_to_move", 0), run.id

    @invariant()
    def the_ledger_proves_it(self):
        if hasattr(self, "accounts"):
            assert find_faults() == []


class TestRightMoneyMachine:
    def test_never_moves_what_the_model_forbids(self, db, by_length, dice, monkeypatch):
        monkeypatch.setattr("django.utils.timezone.now", lambda: RightMoneyMachine.clock)

        run_state_machine_as_test(
            seed(dice.randrange(10**9))(RightMoneyMachine),
            settings=settings(
                max_examples=by_length(4, 12, 500),
                stateful_step_count=by_length(15, 15, 60),
                deadline=None,
                print_blob=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
