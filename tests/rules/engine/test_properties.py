"""What holds for every rule in every world. ``--hypothesis-seed=N`` repeats a run; a failure prints how to."""

import copy
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.engine.definition import Definition
from rules.engine.plan import LineStatus, make_plan
from rules.engine.shares import percent_of, shares_of
from rules.engine.snapshot import AccountState, AchRoom, Snapshot
from sequence.core.money import MIN_TRANSFER_CENTS
from tests.rules.definitions import action, condition, defined, limit, manual, rule, step
from tests.rules.engine.worlds import account, bank, debt
from transfers.rails import rail_between

PODS, DEBTS, PERIODS = ["rent", "fun"], ["visa", "car"], ["PER_TRANSFER", "PER_WEEK", "PER_MONTH", "PER_YEAR"]
cents = st.integers(0, 200_000)
maybe_cents = st.none() | st.integers(-5_000, 200_000)
percentages = st.decimals(0, 100, places=4).map(float) | st.sampled_from([0, 33.33, 50, 100])
targets = st.sampled_from(["INCOMING_AMOUNT", "SOURCE_ACCOUNT"])


@st.composite
def actions(draw):
    kind = draw(
        st.sampled_from(
            ["fixed_amount", "percentage", "top_up", "round_down", "next_payment_minimum", "total_amount_due",
             "last_statement_balance", "percentage_liability_balance", "avalanche", "snowball"]
        )
    )  # fmt: skip
    pays_debt = kind not in ("fixed_amount", "percentage", "top_up", "round_down")
    source = draw(st.sampled_from(["income", *PODS] if pays_debt else ["income", "bank", *PODS]))
    own = {}
    if kind in ("fixed_amount", "round_down"):
        own["amount_in_cents"] = draw(st.integers(100, 100_000))
    elif kind == "percentage":
        own |= {"percentage_value": draw(percentages), "percentage_target": draw(targets)}
    elif kind == "percentage_liability_balance":
        own["percentage_value"] = draw(percentages)
    elif kind == "top_up":
        own |= draw(
            st.sampled_from(
                [
                    {"next_payment_minimum_account": {"id": "visa"}},
                    {"current_balance_account": {"id": "car"}},
                    {"last_statement_balance_account": {"id": "visa"}},
                ]
            )
            | st.fixed_dictionaries({"amount_in_cents": cents})
        )
    elif kind in ("avalanche", "snowball"):
        ids = draw(st.permutations(DEBTS).flatmap(lambda all: st.integers(1, 2).map(lambda size: all[:size])))
        own["accounts"] = [{"id": id} for id in ids]
        own |= draw(
            st.fixed_dictionaries({"amount_in_cents": st.integers(1, 100_000)})
            | st.fixed_dictionaries({"percentage_value": percentages, "percentage_target": targets})
        )
    if kind in ("avalanche", "snowball"):
        destination = None
    else:
        destination = draw(st.sampled_from([id for id in (DEBTS if pays_debt else PODS) if id != source]))
    if draw(st.booleans()):
        own["limit"] = limit(draw(st.sampled_from(PERIODS)), draw(cents))
    return action(kind, source, destination, up_to=draw(st.booleans()), group_index=draw(st.integers(0, 2)), **own)


leaves = st.builds(
    condition,
    st.sampled_from(["TRANSFER_AMOUNT", "BALANCE", "DATE"]),
    st.sampled_from(["EQUALS", "NOT_EQUALS", "GREATER_THAN", "LESS_THAN"]),
    st.integers(-10, 100_000),
    of=st.sampled_from([None, "income", "bank", "visa"]),
)


def trees_of(leaves):
    """Conditions made of these comparisons, nested in each other."""
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda kind, all: {kind: all}, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3)
        ),
        max_leaves=8,
    )


steps = st.builds(
    lambda acts, tree: step(*acts, conditions=tree),
    st.lists(actions(), min_size=1, max_size=5),
    st.none() | trees_of(leaves),
)
bodies = st.lists(steps, min_size=1, max_size=3).map(lambda steps: rule(*steps, trigger=manual()))
rules_ = bodies.map(defined)


keys = st.builds(lambda kind, source, to: f"{kind} {source} {to}", st.sampled_from(["fixed_amount", "percentage"]),
                 st.sampled_from(["income", "bank"]), st.sampled_from(PODS))  # fmt: skip


@st.composite
def worlds(draw):
    held = draw(st.integers(0, 5_000))
    accounts = [
        account("income", draw(cents) + held, held_cents=held),
        *(account(id, draw(cents), incoming_cents=draw(st.integers(0, 5_000))) for id in PODS),
        bank(cents=draw(maybe_cents)),
        *(
            debt(
                id,
                draw(maybe_cents),
                minimum=draw(st.none() | cents),
                statement=draw(maybe_cents),
                incoming_cents=draw(st.integers(0, 5_000)),
                paid_since_statement_cents=draw(st.integers(0, 5_000)),
                paid_since_minimum_cents=draw(st.integers(0, 5_000)),
                rate=draw(st.sampled_from([None, "5", "24.99"])),
            )
            for id in DEBTS
        ),
    ]
    deleted = draw(st.sampled_from([None, None, None, "rent", "visa"]))
    for each in accounts:
        each.is_deleted = each.id == deleted
    return Snapshot(
        accounts={each.id: each for each in accounts},
        today=draw(st.dates()),
        carrier_between=rail_between,
        trigger_account_id="income",
        incoming_cents=draw(st.none() | cents),
        moved_cents={
            (key, group, period): draw(cents)
            for key in sorted(draw(st.sets(keys, max_size=4)))
            for group in (None, 0, 1)
            for period in sorted(draw(st.sets(st.sampled_from(PERIODS[1:]))))
        },
        ach_rooms=[
            AchRoom(direction, draw(st.integers(0, 300_000)), "daily_ach_credit_limit_reached")
            for direction in draw(st.sets(st.sampled_from(["money_out", "money_in"])))
        ],
    )  # fmt: skip


def moves(plan):
    return [line for line in plan.lines if line.status is LineStatus.MOVE]


# A busy machine is slow, and that is no fault of the engine.
patient = settings(
    deadline=None, max_examples=min(30, settings.default.max_examples), suppress_health_check=[HealthCheck.too_slow]
)


class TestMakePlan:
    @patient
    @given(rules_, worlds())
    def test_moves_nothing_negative_and_nothing_too_small(self, definition, world):
        plan = make_plan(definition, world)

        assert all(line.amount_cents is None or line.amount_cents >= 0 for line in plan.lines)
        assert all(line.amount_cents >= MIN_TRANSFER_CENTS for line in moves(plan))

    @patient
    @given(rules_, worlds())
    def test_never_takes_more_than_there_is(self, definition, world):
        """Played over the books, no balance that is known falls below zero, and pulls from outside come too late."""
        plan = make_plan(definition, world)

        available = {id: state.available_cents for id, state in world.accounts.items()}
        for line in moves(plan):
            source = world.accounts[line.source_id]
            if available[line.source_id] is not None:
                available[line.source_id] -= line.amount_cents
                assert available[line.source_id] >= 0
            if not source.is_external and available[line.destination_id] is not None:
                available[line.destination_id] += line.amount_cents

    @patient
    @given(rules_, worlds())
    def test_never_goes_above_a_limit(self, definition, world):
        plan = make_plan(definition, world)

        moved = defaultdict(int, world.moved_cents)
        for line in moves(plan):
            cap = definition.steps[plan.step_index].actions[line.action_index].limit
            if cap and cap.period == "PER_TRANSFER":
                assert line.amount_cents <= cap.amount_cents
            elif cap:
                place = (line.action_key, line.group_index, line.limit_period)
                moved[place] += line.amount_cents
                earlier_versions = moved[line.action_key, None, line.limit_period]
                assert moved[place] + earlier_versions <= cap.amount_cents

    @patient
    @given(rules_, worlds())
    def test_never_goes_above_what_the_ach_network_lets_through(self, definition, world):
        plan = make_plan(definition, world)

        out = sum(line.amount_cents for line in moves(plan) if world.accounts[line.destination_id].is_external)
        pulled = sum(line.amount_cents for line in moves(plan) if world.accounts[line.source_id].is_external)
        for room in world.ach_rooms:
            assert (out if room.direction == "money_out" else pulled) <= room.left_cents

    @patient
    @given(rules_, worlds())
    def test_never_pays_more_than_a_debt_by_amounts_that_are_the_debts_own(self, definition, world):
        plan = make_plan(definition, world)

        owed = {id: world.accounts[id].owed_cents for id in DEBTS}
        for line in moves(plan):
            kind = definition.steps[plan.step_index].actions[line.action_index].type
            if owed.get(line.destination_id) is not None:
                assert line.amount_cents <= owed[line.destination_id], kind
            if line.destination_id in owed and owed[line.destination_id] is not None:
                owed[line.destination_id] -= line.amount_cents

    @patient
    @given(rules_, worlds())
    def test_stops_at_the_first_failure(self, definition, world):
        plan = make_plan(definition, world)

        failed = [number for number, line in enumerate(plan.lines) if line.status is LineStatus.FAIL]
        assert failed in ([], [len(plan.lines) - 1])
        if failed:
            results = [trace["result"] for trace in plan.trace["actions"]]
            after = results[results.index("failed") + 1 :]
            assert after == ["skipped"] * len(after)
            assert all(line.code for line in plan.lines if line.status is LineStatus.FAIL)

    @patient
    @given(rules_, worlds(), st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_order_of_dictionaries(self, definition, world, chance):
        shuffled = Definition.read(_shuffled(definition.as_dict(), chance))
        other = copy.deepcopy(world)
        other.accounts = _shuffled(other.accounts, chance)
        other.moved_cents = _shuffled(other.moved_cents, chance)

        assert make_plan(shuffled, other) == make_plan(definition, world)

    @patient
    @given(rules_, worlds())
    def test_changes_neither_rule_nor_snapshot_and_plans_the_same_again(self, definition, world):
        before = copy.deepcopy((definition, world))

        first, second = make_plan(definition, world), make_plan(definition, world)

        assert (definition, world) == before
        assert first == second


class TestShares:
    @patient
    @given(st.integers(0, 10**12), st.lists(st.decimals(0, 100, places=6), max_size=20))
    def test_conserve_every_cent(self, amount, parts):
        shares = [share.cents for share in shares_of(amount, parts)]

        exact = [Fraction(part) * amount / 100 for part in parts]
        assert sum(shares) == int(sum(exact))
        assert all(0 <= share - int(one) <= 1 for share, one in zip(shares, exact, strict=True))

    @patient
    @given(st.integers(0, 10**12), st.lists(st.integers(1, 1000), min_size=1, max_size=20))
    def test_of_a_whole_are_the_whole(self, amount, weights):
        """Parts of 100 % to six places, the last one taking what is left."""
        millionths = [weight * 10**8 // sum(weights) for weight in weights]
        millionths[-1] += 10**8 - sum(millionths)

        shares = shares_of(amount, [Decimal(part) / 10**6 for part in millionths])
        assert sum(share.cents for share in shares) == amount

    @patient
    @given(st.integers(0, 10**12), st.decimals(0, 100, places=6))
    def test_of_one_is_the_percentage_rounded_down(self, amount, part):
        assert [share.cents for share in shares_of(amount, [part])] == [percent_of(amount, part)]
        assert 0 <= percent_of(amount, part) <= amount


def _shuffled(value, chance):
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {key: inner if isinstance(inner, AccountState) else _shuffled(inner, chance) for key, inner in items}
    return [_shuffled(item, chance) for item in value] if isinstance(value, list) else value
