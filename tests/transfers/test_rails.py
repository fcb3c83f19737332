"""A rail is one class: what it declares is what accepting, running rules, limits and pages go by."""

from collections.abc import Collection, Sequence
from datetime import datetime

import pytest

from accounts.models import ExternalAccountType
from sequence.core.due import forget_questions
from sequence.core.worker import run_once
from sequence.settings import SIMULATED_RAIL_DELAY_SECONDS
from tests.past_guards import past_guard
from tests.rules.definitions import limit, manual, rule, step
from tests.rules.steps import move, run_now, write_enabled
from tests.transfers.steps import balances, fund, held, status_of, transfer_between
from transfers import rails
from transfers.ledger_invariants import find_faults
from transfers.models import AchLimits, ErrorCode, RailTrouble, Status, Transfer
from transfers.rails import End, OutsideRail, Rail, RailUnreachable, Report, ReportKind


class WireRail(OutsideRail):
    """A provider that keeps its payments in memory, and tells of them when it is asked to."""

    name = "wire"
    label = "Wire to brokers"
    has_ach_limits = False

    def __init__(self) -> None:
        self.payments: dict[str, int] = {}
        self.news: list[Report] = []
        self.breaks_on: set[str] = set()
        self.is_away = False
        self.cannot_tell: Exception | None = None

    def carries(self, source: End, destination: End) -> bool:
        return destination.external_account_type == ExternalAccountType.INVESTMENT

    def submit(self, transfers: Sequence[Transfer], *, now: datetime) -> None:
        if self.is_away:
            raise RailUnreachable
        for transfer in transfers:
            if transfer.id in self.breaks_on:
                raise ValueError(transfer.id)
            self.payments[transfer.id] = transfer.amount_cents

    def collect(self, *, now: datetime, limit: int, except_for: Collection[str] = ()) -> list[Report]:
        if self.cannot_tell is not None:
            raise self.cannot_tell
        told, self.news = self.news[:limit], self.news[limit:]
        return told


class ScripRail(Rail):
    """Settles in the ledger at once."""

    name = "scrip"
    label = "Scrip"
    settles_at_once = True
    has_ach_limits = False

    def carries(self, source: End, destination: End) -> bool:
        return destination.external_account_type == ExternalAccountType.INVESTMENT


@pytest.fixture
def add_rail(monkeypatch):
    def add(rail):
        monkeypatch.setattr(rails, "RAILS", {rail.name: rail, **rails.RAILS})
        forget_questions()
        return rail

    yield add
    forget_questions()


@pytest.fixture
def wire(add_rail) -> WireRail:
    return add_rail(WireRail())


class TestARailThatIsAdded:
    def test_carries_what_a_program_sends_through_to_its_end(self, api, wire, income, brokerage):
        transfer = transfer_between(api, income, brokerage, 30_00)

        run_once()
        assert (wire.payments, status_of(transfer), held(income)) == ({transfer.id: 30_00}, ("pending", None), 30_00)
        wire.news = [Report(transfer.id, ReportKind.SETTLED)]
        run_once()
        assert (status_of(transfer), balances(income, brokerage)) == (("complete", None), [70_00, 1030_00])
        wire.news = [Report(transfer.id, ReportKind.RETURNED, ErrorCode.DISCONNECTED_ACCOUNT)]
        run_once()

        assert status_of(transfer) == ("error", "disconnected_account")
        assert balances(income, brokerage) == [100_00, 1000_00]
        assert find_faults() == []

    def test_carries_what_a_rule_sends(self, api, wire, income, brokerage):
        capped = move(income, brokerage, 30_00, limit=limit("PER_MONTH", 40_00))
        made = write_enabled(api, rule(step(capped), trigger=manual(income.id)))

        told = run_now(api, made)

        transfer = Transfer.objects.get(rule_id=made.id)
        assert (told["status"], transfer.rail, transfer.status) == ("in_progress", "wire", "pending")
        assert wire.payments == {transfer.id: 30_00}
        wire.news = [Report(transfer.id, ReportKind.FAILED, ErrorCode.NAME_MISMATCH)]
        run_once()
        assert status_of(transfer) == ("error", "name_mismatch")
        assert balances(income, brokerage) == [100_00, 1000_00]

    def test_settles_at_once_where_it_says_so(self, api, add_rail, income, brokerage):
        add_rail(ScripRail())
        by_hand = transfer_between(api, income, brokerage, 30_00)
        run_once()
        made = write_enabled(api, rule(step(move(income, brokerage, 20_00)), trigger=manual(income.id)))

        told = run_now(api, made)

        assert (status_of(by_hand), told["status"]) == (("complete", None), "executed")
        assert balances(income, brokerage) == [50_00, 1050_00]
        assert find_faults() == []

    @pytest.mark.parametrize("asks", ["program", "rule"])
    def test_is_bound_by_ach_limits_only_if_it_says_so(self, api, wire, acme, income, bank, brokerage, asks):
        AchLimits.objects.create(organization=acme, daily_credit_cents=10_00)

        def send(to):
            if asks == "program":
                transfer_between(api, income, to, 20_00)
                run_once()
            else:
                run_now(api, write_enabled(api, rule(step(move(income, to, 20_00)), trigger=manual(income.id))))
            return Transfer.objects.filter(destination=to).latest("created_at")

        assert status_of(send(brokerage)) == ("pending", None)
        assert status_of(send(bank)) == ("error", "daily_ach_credit_limit_reached")

    def test_leaves_the_limits_to_those_that_have_them(self, api, wire, acme, income, bank, brokerage):
        AchLimits.objects.create(organization=acme, daily_credit_cents=30_00)
        transfer_between(api, income, brokerage, 20_00)
        run_once()

        over_ach = transfer_between(api, income, bank, 30_00)
        run_once()

        assert status_of(over_ach) == ("pending", None)


class TestARailThatBreaks:
    def test_on_one_transfer_sets_that_one_aside_alone(self, api, wire, income, brokerage):
        sent = [transfer_between(api, income, brokerage, 10_00) for _ in range(3)]
        wire.breaks_on = {sent[1].id}

        run_once()

        assert sorted(wire.payments) == sorted([sent[0].id, sent[2].id])
        stalled = {transfer.id: transfer.stalled_at is not None for transfer in Transfer.objects.filter(rail="wire")}
        assert stalled == {sent[0].id: False, sent[1].id: True, sent[2].id: False}

    def test_gets_it_again_after_a_rest(self, api, wire, income, brokerage, later):
        transfer = transfer_between(api, income, brokerage, 10_00)
        wire.breaks_on = {transfer.id}
        run_once()
        wire.breaks_on = set()

        run_once(later(60))
        assert wire.payments == {}
        run_once(later(360))

        transfer.refresh_from_db()
        assert (wire.payments, transfer.stalled_at) == ({transfer.id: 10_00}, None)

    def test_keeps_no_other_rail_waiting(self, api, wire, income, bank, brokerage):
        waiting, other = (transfer_between(api, income, to, 10_00) for to in (brokerage, bank))
        wire.is_away = True

        run_once()

        submitted = dict(Transfer.objects.values_list("id", "submitted_at"))
        assert (submitted[waiting.id], submitted[other.id] is None) == (None, False)
        assert not Transfer.objects.stalled().exists()

    @pytest.mark.parametrize("trouble", [RailUnreachable(), ValueError("no JSON")])
    def test_while_it_is_asked_keeps_no_other_rail_waiting(self, api, wire, income, bank, brokerage, later, trouble):
        over_wire, over_ach = (transfer_between(api, income, to, 10_00) for to in (brokerage, bank))
        run_once()
        wire.news = [Report(over_wire.id, ReportKind.SETTLED)]
        wire.cannot_tell = trouble

        run_once(later(60))

        assert [status_of(transfer)[0] for transfer in (over_wire, over_ach)] == ["pending", "complete"]
        # One that is away is no defect of ours.
        assert RailTrouble.objects.exists() == isinstance(trouble, ValueError)
        wire.cannot_tell = None
        run_once(later(61))
        assert status_of(over_wire) == ("complete", None)


class TestARailThatNobodyKnows:
    def test_moves_nothing(self, api, income, bank):
        transfer = transfer_between(api, income, bank, 30_00)
        with past_guard("transfers.Transfer:stays_what_was_asked"):
            Transfer.objects.filter(id=transfer.id).update(rail="telegraph")

        run_once()

        assert status_of(transfer) == (Status.ERROR, "payment_not_supported")
        assert balances(income, bank) == [100_00, 500_00]


class TestSumsBeyondWhatCanBeTold:
    MOST = 2**53 - 1

    def test_fail_in_words(self, api, acme, income, rent, bank):
        fund(rent, self.MOST)

        transfer = transfer_between(api, income, rent, 1_00)
        run_once()

        assert status_of(transfer) == ("error", "payment_not_supported")
        assert balances(income, rent) == [100_00, self.MOST]
        assert find_faults() == []

    def test_fail_in_words_from_a_rule_too(self, api, income, rent):
        fund(rent, self.MOST)

        told = run_now(api, write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id))))

        assert (told["status"], told["error_message"]) == (
            "failed",
            "1 of 1 transfers failed: payment_not_supported.",
        )


def test_the_simulated_rail_takes_two_seconds_unless_told_otherwise():
    assert SIMULATED_RAIL_DELAY_SECONDS == 2
