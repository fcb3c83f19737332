"""What flowed: what the map counts, and whether it adds up."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.services import delete_account
from cards.models import CardStatus
from cards.services import set_card_status
from rules.services import delete_rule
from sequence.core import clock
from sequence.core.admin.periods import Period
from sequence.insight.money_map import flows
from sequence.insight.money_map.flows import FlowKind, RuleState, read_map
from sequence.insight.money_map.picture import draw, flow_name
from tests.cards.steps import buy, issue, refund
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import manual, on_funds, rule, step
from tests.rules.steps import disable, move, run_now, write, write_enabled
from tests.transfers.steps import fund, settle, transfer_between
from transfers.ledger import balance_at
from transfers.models import ErrorCode
from transfers.services import pull_from_outside
from transfers.simulated_rail_control import return_payment

ALWAYS = Period(date(2020, 1, 1), date(2090, 1, 1))


def told(organization, period=ALWAYS) -> set[tuple[str, str, str, int, int]]:
    """Return the flows in words: from, to, what made it, how often, how much."""
    found = read_map(organization.id, period)
    names = {id: account.name for id, account in found.accounts.items()}

    def name(place: str) -> str:
        return names.get(place, place)

    return {(name(flow.source), name(flow.target), flow_name(flow), flow.number, flow.cents) for flow in found.flows}


def states(organization) -> dict[str, str]:
    return {flow.target: flow.state for flow in read_map(organization.id, ALWAYS).flows if flow.kind is FlowKind.RULE}


def let_payments_arrive() -> None:
    """Hand them to the rail, and wait until it has settled them."""
    settle()
    settle(timezone.now() + timedelta(seconds=60))


class TestFlows:
    def test_are_told_by_what_made_them(self, acme, api, income, rent, savings, bank):
        fund(income, 500_00)
        fund(income, 100_00)
        split = write_enabled(
            api,
            rule(
                step(move(income, rent, 200_00), move(income, savings, 50_00)),
                trigger=manual(income.id),
                nickname="Split",
            ),
        )
        run_now(api, split)
        run_now(api, split)
        transfer_between(api, rent, savings, 5_00)
        transfer_between(api, rent, bank, 7_00)
        transfer_between(api, bank, rent, 9_00)
        let_payments_arrive()
        pull_from_outside(account_id=rent.id, amount_cents=3_00, by="test")
        card = issue(rent)
        purchase = buy(card, 20_00)
        buy(card, 1_00)
        refund(purchase, 4_00)

        assert told(acme) == {
            ("deposits", "Payroll", "Deposits", 2, 600_00),
            ("Payroll", "Rent", "Split", 2, 400_00),
            ("Payroll", "Savings", "Split", 2, 100_00),
            ("Rent", "Savings", "By hand", 1, 5_00),
            ("Rent", "Checking", "By hand", 1, 7_00),
            ("Checking", "Rent", "By hand", 1, 9_00),
            ("Rent", "external_pulls", "Pulls from outside", 1, 3_00),
            ("Rent", "cards", "Card purchases", 2, 21_00),
            ("cards", "Rent", "Card refunds", 1, 4_00),
        }

    def test_of_two_rules_between_one_pair_are_two(self, acme, api, income, rent):
        fund(income, 100_00)
        for name, cents in (("One", 10_00), ("Two", 20_00)):
            body = rule(step(move(income, rent, cents)), trigger=manual(income.id), nickname=name)
            run_now(api, write_enabled(api, body))

        assert {row for row in told(acme) if row[1] == "Rent"} == {
            ("Payroll", "Rent", "One", 1, 10_00),
            ("Payroll", "Rent", "Two", 1, 20_00),
        }

    def test_that_do_not_stay_or_have_not_arrived_do_not_count(self, acme, api, income, rent, bank):
        fund(income, 100_00)
        came_back = transfer_between(api, income, bank, 30_00)
        let_payments_arrive()
        return_payment(came_back.id, ErrorCode.NAME_MISMATCH)
        transfer_between(api, income, bank, 20_00)
        settle()  # With the rail, but not there.
        transfer_between(api, income, rent, 999_00)  # More than there is.
        settle()

        assert told(acme) == {("deposits", "Payroll", "Deposits", 1, 100_00)}

    def test_count_in_the_days_in_which_they_completed(self, acme, api, income, rent):
        with clock.stopped_at(datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)):
            fund(income, 1_00)
        with clock.stopped_at(datetime(2026, 4, 1, tzinfo=UTC)):
            fund(income, 2_00)
            card = issue(income_pod := PodFactory(organization=acme, name="Fun"))
            fund(income_pod, 9_00)
            buy(card, 5_00)
        with clock.stopped_at(datetime(2026, 5, 1, tzinfo=UTC)):
            fund(income, 4_00)
            buy(card, 1_00)

        assert told(acme, Period(date(2026, 4, 1), date(2026, 4, 30))) == {
            ("deposits", "Payroll", "Deposits", 1, 2_00),
            ("deposits", "Fun", "Deposits", 1, 9_00),
            ("Fun", "cards", "Card purchases", 1, 5_00),
        }

    def test_of_another_organization_are_not_there(self, acme, globex, api, other_api, income, rent):
        theirs, pod = IncomeSourceFactory(organization=globex), PodFactory(organization=globex)
        fund(theirs, 100_00)
        run_now(other_api, write_enabled(other_api, rule(step(move(theirs, pod, 1_00)), trigger=manual(theirs.id))))
        buy(issue(pod), 50)

        found = read_map(acme.id, ALWAYS)

        assert found.flows == []
        assert {account.id for account in found.idle} == {income.id, rent.id}


class TestRules:
    def test_show_an_arrow_for_each_pair_although_nothing_flowed(self, acme, api, income, rent, savings):
        body = rule(step(move(income, rent, 1_00), move(income, savings, 1_00), move(income, rent, 2_00)))
        body["trigger"] = manual(income.id)
        write(api, body)

        assert {row[:2] + row[3:] for row in told(acme)} == {("Payroll", "Rent", 0, 0), ("Payroll", "Savings", 0, 0)}
        assert states(acme) == {rent.id: RuleState.DISABLED, savings.id: RuleState.DISABLED}

    def test_say_whether_they_may_carry_money_again(self, acme, api, income, rent, savings):
        fund(income, 100_00)
        made = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        run_now(api, made)
        assert states(acme) == {rent.id: RuleState.ENABLED}

        api.put(f"/rules/{made.id}", rule(step(move(income, savings, 1_00)), trigger=manual(income.id)))
        assert states(acme) == {rent.id: RuleState.EARLIER, savings.id: RuleState.DISABLED}

        delete_rule(organization_id=acme.id, rule_id=made.id)
        assert states(acme) == {rent.id: RuleState.DELETED}

    def test_that_feed_each_other_in_a_ring_are_drawn(self, acme, api, income, rent, savings):
        for one, other in ((rent, savings), (savings, rent)):
            write(api, rule(step(move(one, other, 1_00)), trigger=on_funds(one.id)))

        picture = draw(read_map(acme.id, ALWAYS), place_address=str, flow_address=str)

        assert [drawn.arrow.is_back for drawn in picture.arrows].count(True) == 1


class TestAccounts:
    def test_that_are_deleted_show_while_money_flowed_from_or_to_them(self, acme, api, income, rent, savings):
        fund(rent, 5_00)
        transfer_between(api, rent, savings, 5_00)
        settle()
        delete_account(organization_id=acme.id, account_id=rent.id)
        nothing = PodFactory(organization=acme, deleted_at=timezone.now())

        found = read_map(acme.id, ALWAYS)

        assert found.accounts[rent.id].deleted_at is not None
        assert nothing.id not in found.accounts
        assert [account.id for account in found.idle] == [income.id]


class TestTheMoney:
    """What the flows bring to an account, less what they take, is what the ledger says."""

    def test_adds_up(self, acme, api, income, rent, savings, bank):
        fund(income, 900_00)
        body = rule(step(move(income, rent, 200_00), move(income, savings, 70_00)), trigger=manual(income.id))
        run_now(api, split := write_enabled(api, body))
        spent, gone = transfer_between(api, bank, savings, 60_00), transfer_between(api, rent, bank, 150_00)
        let_payments_arrive()
        card = issue(rent)
        purchase = buy(card, 50_00)
        # A pull comes back when part of it is spent; a payment, when its pod is gone.
        transfer_between(api, savings, income_pod := PodFactory(organization=acme, name="Trip"), 110_00)
        let_payments_arrive()
        return_payment(spent.id, ErrorCode.PAYMENT_FAILED)
        disable(split)
        set_card_status(card_id=card.id, status=CardStatus.LOST)
        delete_account(organization_id=acme.id, account_id=rent.id)
        return_payment(gone.id, ErrorCode.NAME_MISMATCH)
        refund(purchase, 8_00)
        pull_from_outside(account_id=income.id, amount_cents=11_00, by="test")

        found = read_map(acme.id, ALWAYS)

        for account in (income, rent, savings, income_pod):
            change = found.gained_cents(account.id) - found.lost_cents(account.id)
            assert change == balance_at(account, timezone.now() + timedelta(days=1)), account.name
        assert {("suspense", "Savings", 40_00), ("Rent", "suspense", 150_00), ("cards", "suspense", 8_00)} <= {
            (row[0], row[1], row[4]) for row in told(acme)
        }
        came, went = (
            found.across_cents(from_inside=False, to_inside=True),
            found.across_cents(from_inside=True, to_inside=False),
        )
        assert came - went == sum(
            balance_at(account, timezone.now() + timedelta(days=1)) for account in (income, rent, savings, income_pod)
        )


class TestBounds:
    @pytest.fixture
    def _small(self, monkeypatch):
        for name in ("MAX_FLOWS", "MAX_RULES", "MAX_IDLE"):
            monkeypatch.setattr(flows, name, 2)

    @pytest.mark.usefixtures("_small")
    def test_keep_the_largest_flows_and_say_that_there_are_more(self, acme, income):
        pods = PodFactory.create_batch(4, organization=acme)
        for number, pod in enumerate(pods[:3], start=1):
            fund(pod, number * 100)

        found = read_map(acme.id, ALWAYS)

        assert [flow.cents for flow in found.flows] == [300, 200]
        assert found.has_more_flows
        assert len(found.idle) == 2
        assert found.has_more_idle

    @pytest.mark.usefixtures("_small")
    def test_keep_the_rules_that_moved_something(self, acme, api, income, rent):
        fund(income, 100_00)
        body = rule(step(move(income, rent, 1_00)), trigger=manual(income.id))
        moved = write_enabled(api, body)
        run_now(api, moved)
        for _ in range(3):
            write(api, body)

        found = read_map(acme.id, ALWAYS)

        assert found.has_more_rules
        assert moved.id in {flow.rule.id for flow in found.flows if flow.rule}

    def test_ask_the_same_few_questions_however_much_there_is(
        self, acme, api, income, rent, savings, django_assert_num_queries
    ):
        def grow() -> None:
            fund(income, 100_00)
            run_now(api, write_enabled(api, rule(step(move(income, rent, 10_00)), trigger=manual(income.id))))
            buy(issue(rent), 1_00)
            fund(PodFactory(organization=acme), 1_00)
            PodFactory(organization=acme)

        for _ in range(2):
            grow()
            with django_assert_num_queries(7):
                read_map(acme.id, ALWAYS)
