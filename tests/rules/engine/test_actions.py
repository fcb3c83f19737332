"""What each action type moves, computed by hand. Amounts are cents; the comment beside a row is its arithmetic."""

import pytest

from tests.rules.definitions import action, limit
from tests.rules.engine.worlds import account, bank, debt, plan_of, told, world

DOLLAR = "transfer_amount_less_than_one_dollar"
NO_FUNDS = "insufficient_funds"


def fixed(cents, **own):
    return action("fixed_amount", amount_in_cents=cents, **own)


def percent(value, target="INCOMING_AMOUNT", **own):
    return action("percentage", percentage_value=value, percentage_target=target, **own)


def top_up(cents=None, **own):
    return action("top_up", **({} if cents is None else {"amount_in_cents": cents}), **own)


def round_down(cents, **own):
    return action("round_down", amount_in_cents=cents, **own)


def pay(type, **own):
    return action(type, destination="card", **own)


def spread(type, *accounts, **own):
    return action(type, destination=None, accounts=[{"id": id} for id in accounts], **own)


class TestFixedAmount:
    @pytest.mark.parametrize(
        ("spec", "snapshot", "expected"),
        [
            (fixed(500), world(), ["rent 500"]),
            (fixed(100), world(), ["rent 100"]),  # the least there is
            (fixed(1000_00), world(), ["rent 100000"]),  # all there is
            (fixed(1000_01), world(), [f"rent 100001 failed: {NO_FUNDS}"]),  # one cent too much
            (fixed(1000_01, up_to=True), world(), ["rent 100000"]),
            (fixed(500, up_to=True), world(income=99), [f"rent 99 skipped: {DOLLAR}"]),  # what there is is too little
            (fixed(500, up_to=True), world(income=100), ["rent 100"]),
            (fixed(500, up_to=True), world(income=0), ["rent 0 skipped"]),
            (fixed(500), world(income=0), [f"rent 500 failed: {NO_FUNDS}"]),
            (fixed(500), world(account("income", 700, held_cents=300)), [f"rent 500 failed: {NO_FUNDS}"]),  # 700-300
            (fixed(400), world(account("income", 700, held_cents=300)), ["rent 400"]),  # 700-300=400
            (fixed(500, up_to=True), world(account("income", 700, held_cents=300)), ["rent 400"]),
            (fixed(500), world(incoming=99_999), ["rent 500"]),  # the incoming amount is nothing to it
            (fixed(500, source="bank"), world(bank(cents=None)), ["rent 500"]),  # an unknown balance: its bank decides
            (fixed(500, source="bank"), world(bank(cents=499)), [f"rent 500 failed: {NO_FUNDS}"]),
            (fixed(500, source="bank", up_to=True), world(bank(cents=-50)), ["rent 0 skipped"]),  # overdrawn: nothing
            (fixed(500, source="bank"), world(bank(cents=-50)), [f"rent 500 failed: {NO_FUNDS}"]),
            (fixed(500), world(account("rent", is_deleted=True)), ["rent ? failed: resource_deleted"]),
            (fixed(500), world(account("income", 900, is_deleted=True)), ["rent ? failed: resource_deleted"]),
        ],
    )
    def test_moves_that_amount(self, spec, snapshot, expected):
        assert told(plan_of(snapshot, spec)) == expected


class TestPercentage:
    @pytest.mark.parametrize(
        ("spec", "snapshot", "expected"),
        [
            (percent(20), world(incoming=500_00), ["rent 10000"]),  # 50000*20/100
            (percent(100), world(incoming=500_00), ["rent 50000"]),
            (percent(33.33), world(incoming=100_01), ["rent 3333"]),  # 3333.3333
            (percent(12.5), world(incoming=100_04), ["rent 1250"]),  # 1250.5, rounded down
            (percent(0.000001), world(income=10**10, incoming=10**10), ["rent 100"]),  # 10^10/10^8
            (percent(0), world(incoming=500_00), ["rent 0 skipped"]),
            (percent(1), world(incoming=99_99), [f"rent 99 skipped: {DOLLAR}"]),  # 99.99 down to 99
            (percent(1), world(incoming=100_00), ["rent 100"]),
            (percent(50), world(), ["rent 0 skipped"]),  # nothing has come in
            (percent(50), world(incoming=0), ["rent 0 skipped"]),
            (percent(50), world(income=100_00, incoming=500_00), [f"rent 25000 failed: {NO_FUNDS}"]),
            (percent(50, up_to=True), world(income=100_00, incoming=500_00), ["rent 10000"]),
            (percent(20, "SOURCE_ACCOUNT"), world(income=500_00), ["rent 10000"]),
            (percent(33.33, "SOURCE_ACCOUNT"), world(income=100_01), ["rent 3333"]),  # 3333.3333
            (percent(100, "SOURCE_ACCOUNT"), world(income=100_01), ["rent 10001"]),
            (percent(99.999999, "SOURCE_ACCOUNT"), world(income=100_00), ["rent 9999"]),  # 9999.9999
            # Half of what is available, 700 - 300, not of the balance.
            (percent(50, "SOURCE_ACCOUNT"), world(account("income", 700, held_cents=300)), ["rent 200"]),
            (percent(50, "SOURCE_ACCOUNT"), world(income=0), ["rent 0 skipped"]),
            (percent(50, "SOURCE_ACCOUNT"), world(income=198), [f"rent 99 skipped: {DOLLAR}"]),
            (percent(50, "SOURCE_ACCOUNT", source="bank"), world(bank(cents=None)), ["rent ? failed: null_balance"]),
            (percent(50, "SOURCE_ACCOUNT", source="bank"), world(bank(cents=-200)), ["rent 0 skipped"]),
            (percent(50, "SOURCE_ACCOUNT", source="bank"), world(bank(cents=999)), ["rent 499"]),  # 499.5
        ],
    )
    def test_moves_that_share(self, spec, snapshot, expected):
        assert told(plan_of(snapshot, spec)) == expected

    @pytest.mark.parametrize(
        ("percentages", "incoming", "expected"),
        [
            # Exact: 3333.3333, 3333.3333, 3334.3334; the cent that is left goes to the largest remainder.
            ([33.33, 33.33, 33.34], 100_01, [3333, 3333, 3335]),
            ([33.33, 33.33, 33.34], 100_00, [3333, 3333, 3334]),
            ([50, 50], 100_01, [5001, 5000]),  # 5000.5 twice: a tie goes to the earlier action
            ([25, 25, 25, 25], 100_02, [2501, 2501, 2500, 2500]),  # 2500.5 each: two cents for the first two
            ([25, 25, 25, 25], 100_03, [2501, 2501, 2501, 2500]),  # 2500.75 each
            ([10, 20, 30], 333_33, [3333, 6666, 10000]),  # 3333.3 6666.6 9999.9: 60% are 19999.8, one cent is left
            ([50, 30], 100_01, [5000, 3000]),  # 5000.5 + 3000.3 = 8000.8: 8000, none is left
            ([60, 60], 100_00, [6000, 6000]),  # more than all there is may be asked for
            ([100], 1_00, [100]),
            # 14291.0003 six times and 14260.9982: floors make 100006, the cent goes to .9982.
            ([*[14.29] * 6, 14.26], 1000_07, [*[14291] * 6, 14261]),
        ],
    )
    def test_shares_of_one_step_are_cut_by_largest_remainder(self, percentages, incoming, expected):
        specs = [percent(value) for value in percentages]

        plan = plan_of(world(income=10**6, incoming=incoming), *specs)

        assert [line.amount_cents for line in plan.lines] == expected

    def test_shares_go_by_the_incoming_amount_whatever_stands_between_them(self):
        # 50% and 50% of 10001 by largest remainder, 40% of what 10001 + 900 - 5001 - 900 = 5000 leave.
        specs = [percent(50), fixed(900), percent(40, "SOURCE_ACCOUNT"), percent(50, up_to=True)]

        plan = plan_of(world(income=109_01, incoming=100_01), *specs)

        assert told(plan) == ["rent 5001", "rent 900", "rent 2000", "rent 3000"]

    def test_a_share_of_the_source_is_taken_when_the_action_starts(self):
        # Half of 1000, half of the 500 that stay, half of 250.
        half = percent(50, "SOURCE_ACCOUNT")

        assert told(plan_of(world(income=1000), half, half, half)) == ["rent 500", "rent 250", "rent 125"]


class TestTopUp:
    MINIMUM = top_up(next_payment_minimum_account={"id": "card"})
    BALANCE = top_up(current_balance_account={"id": "card"})
    STATEMENT = top_up(last_statement_balance_account={"id": "card"})

    @pytest.mark.parametrize(
        ("spec", "snapshot", "expected"),
        [
            (top_up(500_00), world(rent=0), ["rent 50000"]),
            (top_up(500_00), world(rent=120_00), ["rent 38000"]),  # 50000-12000
            (top_up(500_00), world(rent=500_00), ["rent 0 skipped"]),
            (top_up(500_00), world(rent=600_00), ["rent 0 skipped"]),
            (top_up(500_00), world(rent=499_01), [f"rent 99 skipped: {DOLLAR}"]),
            (top_up(500_00), world(rent=499_00), ["rent 100"]),
            (top_up(500_00), world(account("rent", 100_00, incoming_cents=150_00)), ["rent 25000"]),  # 500-100-150
            (top_up(500_00), world(account("rent", 100_00, incoming_cents=400_00)), ["rent 0 skipped"]),
            (top_up(500_00), world(account("rent", 100_00, held_cents=60_00)), ["rent 46000"]),  # 500-(100-60)
            (top_up(500_00), world(income=100_00), [f"rent 50000 failed: {NO_FUNDS}"]),
            (top_up(500_00, up_to=True), world(income=100_00), ["rent 10000"]),
            (top_up(0), world(), ["rent 0 skipped"]),
            (top_up(500_00, destination="bank"), world(bank(cents=None)), ["bank ? failed: null_balance"]),
            (top_up(500_00, destination="bank"), world(bank(cents=-10_00)), ["bank 51000"]),  # 500+10
            (top_up(2**53 - 1, destination="bank"), world(bank(cents=-1)), ["bank ? failed: payment_not_supported"]),
            (MINIMUM, world(debt(owes=900_00, minimum=35_00), rent=5_00), ["rent 3000"]),  # 35-5
            (MINIMUM, world(debt(minimum=None)), ["rent ? failed: account_no_minimum_payment_amount"]),
            (BALANCE, world(debt(owes=700_00), rent=5_00), ["rent 69500"]),  # 700-5
            (BALANCE, world(debt(owes=None)), ["rent ? failed: null_balance"]),
            (STATEMENT, world(debt(owes=900_00, statement=300_00), rent=5_00), ["rent 29500"]),  # 300-5
            (STATEMENT, world(debt(statement=None)), ["rent ? failed: account_no_last_statement_balance"]),
            (BALANCE, world(debt(owes=700_00, is_deleted=True)), ["rent ? failed: resource_deleted"]),
        ],
    )
    def test_moves_what_the_destination_lacks(self, spec, snapshot, expected):
        assert told(plan_of(snapshot, spec)) == expected

    def test_counts_what_an_earlier_action_has_moved(self):
        plan = plan_of(world(), fixed(200_00), top_up(500_00), top_up(500_00))

        assert told(plan) == ["rent 20000", "rent 30000", "rent 0 skipped"]

    def test_counts_what_an_earlier_action_has_on_its_way_from_outside(self):
        plan = plan_of(world(bank(cents=900_00)), fixed(200_00, source="bank"), top_up(500_00))

        assert told(plan) == ["rent 20000", "rent 30000"]


class TestRoundDown:
    @pytest.mark.parametrize(
        ("spec", "snapshot", "expected"),
        [
            (round_down(100_00), world(income=1234_56), ["rent 3456"]),  # 123456 mod 10000
            (round_down(100_00), world(income=1200_00), ["rent 0 skipped"]),
            (round_down(100_00), world(income=1200_99), [f"rent 99 skipped: {DOLLAR}"]),
            (round_down(100_00), world(income=99_99), ["rent 9999"]),  # the lower multiple is zero
            (round_down(1), world(income=1234_56), ["rent 0 skipped"]),  # everything is a multiple of a cent
            (round_down(7_00), world(income=1000_00), ["rent 600"]),  # 100000 = 142*700 + 600
            (round_down(100_00), world(account("income", 560_00, held_cents=30_00)), ["rent 3000"]),  # 53000 mod 10000
            (round_down(100_00, source="bank"), world(bank(cents=None)), ["rent ? failed: null_balance"]),
            (round_down(100_00, source="bank"), world(bank(cents=-50_00)), ["rent 0 skipped"]),
        ],
    )
    def test_moves_what_is_above_the_multiple(self, spec, snapshot, expected):
        assert told(plan_of(snapshot, spec)) == expected

    def test_sees_what_earlier_actions_left(self):
        # 1234.56 - 100.00 = 1134.56, of which 34.56 go.
        assert told(plan_of(world(income=1234_56), fixed(100_00), round_down(100_00))) == ["rent 10000", "rent 3456"]


OWING = debt(owes=900_00, minimum=35_00)


class TestDebtPayments:
    @pytest.mark.parametrize(
        ("spec", "snapshot", "expected"),
        [
            (pay("next_payment_minimum"), world(debt(owes=900_00, minimum=35_00)), ["card 3500"]),
            (pay("next_payment_minimum"), world(debt(minimum=0)), ["card 0 skipped"]),
            (pay("next_payment_minimum"), world(debt(owes=900_00, minimum=99)), [f"card 99 skipped: {DOLLAR}"]),
            (pay("next_payment_minimum"), world(debt()), ["card ? failed: account_no_minimum_payment_amount"]),
            (
                pay("next_payment_minimum"),
                world(debt(owes=900_00, minimum=35_00), income=10_00),
                [f"card 3500 failed: {NO_FUNDS}"],
            ),
            (
                pay("next_payment_minimum", up_to=True),
                world(debt(owes=900_00, minimum=35_00), income=10_00),
                ["card 1000"],
            ),
            (pay("total_amount_due"), world(debt(owes=900_00)), ["card 90000"]),
            (pay("total_amount_due"), world(debt(owes=0)), ["card 0 skipped"]),
            (pay("total_amount_due"), world(debt(owes=-20_00)), ["card 0 skipped"]),  # they owe us
            (pay("total_amount_due"), world(debt(owes=None)), ["card ? failed: null_balance"]),
            (pay("last_statement_balance"), world(debt(owes=900_00, statement=310_00)), ["card 31000"]),
            (pay("last_statement_balance"), world(debt(statement=-310_00)), ["card 0 skipped"]),
            (pay("last_statement_balance"), world(debt()), ["card ? failed: account_no_last_statement_balance"]),
            (
                pay("percentage_liability_balance", percentage_value=10),
                world(debt(owes=899_99)),
                ["card 8999"],
            ),  # 8999.9
            (pay("percentage_liability_balance", percentage_value=100), world(debt(owes=899_99)), ["card 89999"]),
            (pay("percentage_liability_balance", percentage_value=0), world(debt(owes=899_99)), ["card 0 skipped"]),
            (pay("percentage_liability_balance", percentage_value=2.5), world(debt(owes=900_00)), ["card 2250"]),
            (
                pay("percentage_liability_balance", percentage_value=5),
                world(debt(owes=None)),
                ["card ? failed: null_balance"],
            ),
            (pay("percentage_liability_balance", percentage_value=5), world(debt(owes=-900_00)), ["card 0 skipped"]),
            (pay("total_amount_due"), world(debt(owes=900_00, is_deleted=True)), ["card ? failed: resource_deleted"]),
        ],
    )
    def test_move_what_is_on_the_record_of_the_debt(self, spec, snapshot, expected):
        assert told(plan_of(snapshot, spec)) == expected

    def test_see_what_earlier_actions_have_paid(self):
        # 900 - 35 = 865 are owed when the second one starts; then nothing is.
        plan = plan_of(
            world(debt(owes=900_00, minimum=35_00)),
            pay("next_payment_minimum"),
            pay("percentage_liability_balance", percentage_value=10),
            pay("total_amount_due"),
            pay("total_amount_due"),
        )

        assert told(plan) == ["card 3500", "card 8650", "card 77850", "card 0 skipped"]


class TestAvalancheAndSnowball:
    # Owed 1000, 300 and 500; minimums 50, 30 and 20 make 100.
    DEBTS = (
        debt("visa", 1000_00, minimum=50_00, rate="24.99"),
        debt("car", 300_00, minimum=30_00, rate="6.5"),
        debt("loan", 500_00, minimum=20_00, rate="24.990"),
    )
    ALL = ("visa", "car", "loan")

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            # Minimums take 100 of 400; the 300 that are left go to visa, the first of the two dearest.
            (spread("avalanche", *ALL, amount_in_cents=400_00), ["visa 35000", "loan 2000", "car 3000"]),
            (
                spread("avalanche", "loan", "visa", "car", amount_in_cents=400_00),
                ["loan 32000", "visa 5000", "car 3000"],
            ),
            # 1300: minimums 100; visa takes 950 more, loan the last 250.
            (spread("avalanche", *ALL, amount_in_cents=1300_00), ["visa 100000", "loan 27000", "car 3000"]),
            (spread("avalanche", *ALL, amount_in_cents=1800_00), ["visa 100000", "loan 50000", "car 30000"]),
            # More than all debts: 1800 are owed, the rest stays.
            (spread("avalanche", *ALL, amount_in_cents=9000_00), ["visa 100000", "loan 50000", "car 30000"]),
            # The budget runs out in the minimums, in the strategy's order: 50, then 10 of 20.
            (spread("avalanche", *ALL, amount_in_cents=60_00), ["visa 5000", "loan 1000"]),
            (spread("avalanche", *ALL, amount_in_cents=1_00), ["visa 100"]),
            (spread("avalanche", *ALL, amount_in_cents=50_50), ["visa 5050"]),
            (spread("avalanche", "car", amount_in_cents=40_00), ["car 4000"]),
            # Smallest balance first: car 300, loan 500, visa 1000.
            (spread("snowball", *ALL, amount_in_cents=400_00), ["car 30000", "loan 5000", "visa 5000"]),
            (spread("snowball", *ALL, amount_in_cents=600_00), ["car 30000", "loan 25000", "visa 5000"]),
            (spread("snowball", *ALL, amount_in_cents=45_00), ["car 3000", "loan 1500"]),
            (spread("snowball", *ALL, amount_in_cents=1800_00), ["car 30000", "loan 50000", "visa 100000"]),
            # 40% of 1000 that came in, or of 2000 in the source.
            (
                spread("avalanche", *ALL, percentage_value=40, percentage_target="INCOMING_AMOUNT"),
                ["visa 35000", "loan 2000", "car 3000"],
            ),
            (
                spread("snowball", *ALL, percentage_value=20, percentage_target="SOURCE_ACCOUNT"),
                ["car 30000", "loan 5000", "visa 5000"],
            ),
            (spread("avalanche", *ALL, percentage_value=0, percentage_target="INCOMING_AMOUNT"), []),
            # At most 100 in one transfer: 100 + 100 + 100, though 400 may be spent.
            (
                spread("avalanche", *ALL, amount_in_cents=400_00, limit=limit("PER_TRANSFER", 100_00)),
                ["visa 10000", "loan 10000", "car 10000"],
            ),
            # What one may not take goes to the next: minimums 100, then visa up to 200, the last 50 to loan.
            (
                spread("avalanche", *ALL, amount_in_cents=300_00, limit=limit("PER_TRANSFER", 200_00)),
                ["visa 20000", "loan 7000", "car 3000"],
            ),
            # A limit for the week is one for all of them together.
            (
                spread("avalanche", *ALL, amount_in_cents=400_00, limit=limit("PER_WEEK", 120_00)),
                ["visa 7000", "loan 2000", "car 3000"],
            ),
        ],
    )
    def test_spread_the_budget(self, spec, expected):
        assert told(plan_of(world(*self.DEBTS, income=2000_00, incoming=1000_00), spec)) == expected

    @pytest.mark.parametrize(
        ("spec", "snapshot", "expected"),
        [
            (
                spread("avalanche", *ALL, amount_in_cents=400_00),
                world(*DEBTS, income=399_99),
                [f"- 40000 failed: {NO_FUNDS}"],
            ),
            # 200 of 400: minimums 100, the rest to visa.
            (
                spread("avalanche", *ALL, amount_in_cents=400_00, up_to=True),
                world(*DEBTS, income=200_00),
                ["visa 15000", "loan 2000", "car 3000"],
            ),
            # 300 in the source are enough for three times 100.
            (
                spread("avalanche", *ALL, amount_in_cents=400_00, limit=limit("PER_TRANSFER", 100_00)),
                world(*DEBTS, income=300_00),
                ["visa 10000", "loan 10000", "car 10000"],
            ),
            # 9000 are budgeted, but no more than the 1800 owed are needed.
            (
                spread("snowball", *ALL, amount_in_cents=9000_00),
                world(*DEBTS, income=1800_00),
                ["car 30000", "loan 50000", "visa 100000"],
            ),
            # A minimum above what is owed asks for no more than that; no rate is the lowest.
            (
                spread("avalanche", "a", "b", amount_in_cents=100_00),
                world(debt("a", 20_00, minimum=50_00), debt("b", 500_00, rate="1")),
                ["b 8000", "a 2000"],
            ),
            # No minimum on record counts as none.
            (spread("avalanche", "a", amount_in_cents=5_00), world(debt("a", 20_00)), ["a 500"]),
            (spread("avalanche", "a", "b", amount_in_cents=5_00), world(debt("a", 0), debt("b", 9_00)), ["b 500"]),
            (spread("snowball", "a", "b", amount_in_cents=5_00), world(debt("a", 9_00), debt("b", 9_00)), ["a 500"]),
            (spread("snowball", "a", amount_in_cents=5_00), world(debt("a", -9_00)), []),
            (
                spread("snowball", "a", "b", amount_in_cents=5_00),
                world(debt("a", None), debt("b", 9_00)),
                ["- ? failed: null_balance"],
            ),
            (
                spread("snowball", "a", "b", amount_in_cents=5_00),
                world(debt("a", 9_00, is_deleted=True), debt("b", 9_00)),
                ["- ? failed: resource_deleted"],
            ),
            (
                spread("avalanche", "a", source="bank", percentage_value=5, percentage_target="SOURCE_ACCOUNT"),
                world(bank(cents=None), debt("a", 9_00)),
                ["- ? failed: null_balance"],
            ),
        ],
    )
    def test_spread_what_there_is_over_what_is_owed(self, spec, snapshot, expected):
        assert told(plan_of(snapshot, spec)) == expected

    def test_share_the_incoming_amount_with_the_percentages_of_the_step(self):
        # 50% and 50% of 10001: the tie goes to the earlier action.
        specs = [
            spread("avalanche", "card", percentage_value=50, percentage_target="INCOMING_AMOUNT"),
            percent(50),
        ]

        assert told(plan_of(world(debt(owes=900_00), incoming=100_01), *specs)) == ["card 5001", "rent 5000"]
