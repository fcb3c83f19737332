"""The money map of many accounts: grouped, focused on one with its neighbours, at most two screens high."""

import pytest

from accounts.models import Account
from sequence.insight.money_map.flows import Flow, FlowKind, MoneyMap
from sequence.insight.money_map.grouping import group, touching
from sequence.insight.money_map.picture import MOST_HEIGHT, draw


def account(id: str, type: str = "pod") -> Account:
    return Account(id=id, name=f"Account {id}", type=type, balance_cents=0)


def map_of(flows: list[Flow], accounts: list[Account]) -> MoneyMap:
    flows = sorted(flows, key=lambda flow: -flow.cents)
    return MoneyMap(flows, {each.id: each for each in accounts}, [], False, False, False)


@pytest.fixture
def star():
    """One income source that pays 60 pods, each of which pays two others."""
    pods = [account(f"pod{number}") for number in range(60)]
    flows = [Flow(FlowKind.MANUAL, "income", pod.id, 1, 100 + number) for number, pod in enumerate(pods)]
    for number, pod in enumerate(pods):
        flows += [Flow(FlowKind.MANUAL, pod.id, pods[(number + step) % 60].id, 1, 10) for step in (7, 23)]
    return map_of(flows, [account("income", "income_source"), *pods])


def drawn(money_map, focus=None):
    return draw(money_map, focus=focus, place_address=lambda key: key, flow_address=lambda flow: flow.source)


class TestGroup:
    def test_keeps_the_largest_and_sums_up_the_others(self, star):
        grouped = group(star.flows, star.accounts, most=5)

        kept = {end for flow in grouped.flows for end in (flow.source, flow.target)} & set(star.accounts)
        assert kept == {"income", "pod59", "pod58", "pod57", "pod56"}
        assert grouped.sizes == {"others-pod": 56}
        [others] = [flow for flow in grouped.flows if (flow.source, flow.target) == ("income", "others-pod")]
        assert (others.number, others.cents) == (56, sum(100 + number for number in range(56)))

    def test_changes_nothing_where_all_have_room(self, star):
        grouped = group(star.flows, star.accounts, most=61)

        assert (grouped.flows, grouped.sizes) == (star.flows, {})

    def test_makes_no_group_of_one(self, star):
        assert group(star.flows, star.accounts, most=60).sizes == {}

    def test_keeps_the_account_in_focus(self, star):
        grouped = group(touching(star.flows, "pod0"), star.accounts, most=1, focus="pod0")

        assert all("pod0" in (flow.source, flow.target) for flow in grouped.flows)


class TestThePicture:
    def test_of_60_accounts_is_at_most_two_screens_high(self, star):
        picture = drawn(star)

        assert picture.height <= MOST_HEIGHT
        assert picture.grouped > 0

    @pytest.mark.parametrize("focus", ["income", "pod0", "pod59"])
    def test_of_one_in_focus_is_too_and_shows_its_neighbours_alone(self, star, focus):
        picture = drawn(star, focus)

        assert picture.height <= MOST_HEIGHT
        shown = [stop.sentence for stop in picture.stops if hasattr(stop, "box")]
        near = {end for flow in touching(star.flows, focus) for end in (flow.source, flow.target)}
        assert len(shown) <= len(near)
        assert any(f"Account {focus}," in sentence for sentence in shown)

    def test_of_few_is_not_grouped(self, star):
        few = map_of(star.flows[:5], list(star.accounts.values()))

        assert drawn(few).grouped == 0

    def test_of_an_account_without_flows_is_none(self, star):
        assert drawn(star, "nobody") is None
