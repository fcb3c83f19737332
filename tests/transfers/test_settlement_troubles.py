"""Settlement in trouble: a transfer that breaks whoever moves it, and a rail that cannot be reached."""

import pytest
from django.utils import timezone

from tests.transfers.steps import balances, held, settle, status_of, transfer_between
from transfers import batches, settlement
from transfers.ledger_invariants import find_faults
from transfers.models import STALLED_REST, EntrySet, Transfer
from transfers.rails import RailUnreachable
from transfers.rails.simulated import SimulatedRail
from transfers.sql import sweeps as sql_of_sweeps


class TestARowThatBreaks:
    """A defect that one transfer meets: here its amount is what the code stumbles over."""

    CURSED_CENTS = 6_66

    @pytest.fixture
    def is_cursed(self, monkeypatch):
        """While True, whoever moves the cursed amount breaks: once its postings stand, so there is much to undo."""
        curse = {"on": True}
        original = batches.post

        def post(movements, *, at):
            movements = list(movements)
            done = original(movements, at=at)
            if curse["on"] and any(
                abs(leg.amount_cents) == self.CURSED_CENTS for each in movements for leg in each.legs
            ):
                raise ZeroDivisionError
            return done

        def settle_funded(now, **options):
            done = sql_of_sweeps.settle_funded(now, **options)
            if curse["on"] and Transfer.objects.filter(amount_cents=self.CURSED_CENTS, status="complete").exists():
                raise ZeroDivisionError
            return done

        monkeypatch.setattr(batches, "post", post)
        monkeypatch.setattr(settlement, "settle_funded", settle_funded)
        return curse

    def test_is_set_aside_and_does_not_stop_the_others(self, api, income, rent, is_cursed):
        transfers = [transfer_between(api, income, rent, cents) for cents in (1_00, self.CURSED_CENTS, 2_00)]

        settle()

        assert [status_of(transfer)[0] for transfer in transfers] == ["complete", "processing", "complete"]
        assert balances(income, rent) == [97_00, 3_00]
        assert list(Transfer.objects.stalled()) == [transfers[1]]
        assert find_faults() == []

    def test_is_tried_again_after_a_rest(self, api, income, rent, is_cursed, later):
        transfer = transfer_between(api, income, rent, self.CURSED_CENTS)
        settle()
        is_cursed["on"] = False

        settle(later(STALLED_REST.total_seconds() - 60))
        assert status_of(transfer) == ("processing", None)
        settle(later(STALLED_REST.total_seconds()))

        assert status_of(transfer) == ("complete", None)
        assert not Transfer.objects.stalled().exists()
        assert balances(rent) == [self.CURSED_CENTS]

    def test_can_be_cancelled_meanwhile(self, api, income, rent, is_cursed):
        transfer = transfer_between(api, income, rent, self.CURSED_CENTS)
        settle()

        assert api.post(f"/transfers/{transfer.id}/cancel").status_code == 200
        assert not Transfer.objects.stalled().exists()

    def test_keeps_its_report_for_later(self, api, income, bank, is_cursed, later):
        transfers = [transfer_between(api, income, bank, cents) for cents in (self.CURSED_CENTS, 2_00)]
        settle()
        settle(later(30))

        assert [status_of(transfer)[0] for transfer in transfers] == ["pending", "complete"]
        assert held(income) == self.CURSED_CENTS
        is_cursed["on"] = False
        settle(later(30 + STALLED_REST.total_seconds()))

        assert status_of(transfers[0]) == ("complete", None)
        assert held(income) == 0
        assert EntrySet.objects.filter(transfer=transfers[0]).count() == 1
        assert find_faults() == []


def _cannot_be_reached(*_, **__):
    raise RailUnreachable


class TestARailThatCannotBeReached:
    def test_gets_the_payments_when_it_is_back(self, api, income, bank, monkeypatch, later):
        transfer = transfer_between(api, income, bank, 30_00)
        settlement.accept(timezone.now())
        with monkeypatch.context() as patch:
            patch.setattr(SimulatedRail, "submit", _cannot_be_reached)
            assert settlement.submit(timezone.now()) == 0
        transfer.refresh_from_db()
        assert (transfer.status, transfer.submitted_at, transfer.stalled_at) == ("pending", None, None)

        settle()
        settle(later())

        assert status_of(transfer) == ("complete", None)
