"""The desk while others decide, stop keys and pay: each transfer is decided once, and as it was read."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, BrokenBarrierError, Event

import pytest
from django.utils import timezone

from apikeys.models import ApiKey
from sequence.stops.services import pause_key
from tests.factories import PodFactory
from tests.staff import Staff
from tests.threads import (
    PATIENCE_SECONDS,
    Crew,
    in_background,
    in_open_transaction,
    wait_until_somebody_waits_for_a_lock,
)
from tests.transfers.at_once import deadlocks
from tests.transfers.desk.steps import DESK, form_of, statuses
from tests.transfers.steps import fund, settle, transfer_between
from transfers.admin.desk_decisions import DECISIONS
from transfers.ledger_invariants import find_faults
from transfers.models import Status, Transfer
from transfers.services import approve_transfer, reject_transfer

pytestmark = pytest.mark.django_db(transaction=True)

MAY = ("transfers.view_transfer", "transfers.decide_transfer")


@pytest.fixture
def asked(client_with, acme, income, rent):
    """A dozen transfers of two keys with caps, from two accounts."""
    other = PodFactory(organization=acme, name="Other")
    fund(other, 100_00)
    agents = [client_with("MANUAL_TRANSFER:*>*;day=100000;count_week=50;approval=0") for _ in range(2)]
    return [transfer_between(agents[number % 2], [income, other][number % 3 == 0], rent, 1_00) for number in range(12)]


def press(staff, decision, transfers, form):
    """Press a button over what was read when the form came."""
    sent = {**form, "ticked": [transfer.id for transfer in transfers], "decision": decision, "note": "", "seen": None}
    return staff.client.post(f"/admin/{DESK}", sent)


def heading_of(response):
    return re.search(r'<h2 id="outcome">([^<]*)</h2>', response.content.decode())[1]


class TestTwoPeople:
    def test_decide_the_same_rows_once(self, asked, by_length):
        """One approves them, the other rejects them."""
        ann, bob = Staff("ann", *MAY), Staff("bob", *MAY)
        for part in range(by_length(2, 4, 12)):
            ours = asked[part :: by_length(2, 4, 12)]
            forms = form_of(ann.get(DESK)), form_of(bob.get(DESK))
            with Crew(2) as crew:
                answers = crew.at_once(
                    lambda ours=ours, forms=forms: press(ann, "approve", ours, forms[0]),
                    lambda ours=ours, forms=forms: press(bob, "reject", ours[::-1], forms[1]),
                )
            told = {heading_of(answer).partition(",")[0] for answer in answers}
            assert told in (
                {f"{len(ours)} approved", "Nothing was rejected"},
                {f"{len(ours)} rejected", "Nothing was approved"},
            )
            assert len(set(statuses(ours))) == 1
        assert find_faults() == []

    def test_decide_different_rows_of_the_same_keys_without_a_deadlock(
        self, client_with, income, rent, savings, bank, monkeypatch
    ):
        """Of accounts that have nothing in common. Their keys come in opposite orders, and each has its counters."""
        ann, bob = Staff("ann", *MAY), Staff("bob", *MAY)
        one, other = (client_with("MANUAL_TRANSFER:*>*;day=100000;approval=0") for _ in range(2))
        hers = [transfer_between(api, income, rent, 1_00) for api in (one, other)]
        his = [transfer_between(api, bank, savings, 1_00) for api in (other, one)]
        both_hold_one = Barrier(2)

        def reject_and_wait(**decision):
            rejected = reject_transfer(**decision)
            with suppress(BrokenBarrierError):  # As it should be: one of them waits until the other is through.
                both_hold_one.wait(0.5)
            return rejected

        monkeypatch.setitem(DECISIONS, "reject", replace(DECISIONS["reject"], decide=reject_and_wait))
        form = form_of(ann.get(DESK))
        before = deadlocks()

        with Crew(2) as crew:
            answers = crew.at_once(lambda: press(ann, "reject", hers, form), lambda: press(bob, "reject", his, form))

        assert [heading_of(answer).partition(",")[0] for answer in answers] == ["2 rejected"] * 2
        assert deadlocks() == before
        assert find_faults() == []

    def test_wait_for_each_other_and_the_second_is_told(self, asked):
        bob = Staff("bob", *MAY)
        form = form_of(bob.get(DESK))

        may_press = Event()

        def press_then():
            may_press.wait(PATIENCE_SECONDS)
            return press(bob, "approve", asked, form)

        decided_by_ann = in_open_transaction(lambda: approve_transfer(transfer_id=asked[3].id, by="staff:ann"))
        with in_background(press_then) as pressed, decided_by_ann:
            may_press.set()
            wait_until_somebody_waits_for_a_lock()
            # Nothing of it is done yet: all rows are locked before the first is decided.
            assert set(statuses(asked)) == {Status.PENDING_APPROVAL}

        assert heading_of(pressed.result()).startswith("11 approved")
        assert "It is processing already, by ann." in pressed.result().content.decode()


class TestAKey:
    def test_that_is_paused_between_showing_and_deciding_gets_nothing(self, asked):
        ann = Staff("ann", *MAY)
        form = form_of(ann.get(DESK))
        pause_key(key_id=asked[0].api_key_id, by="staff:bob", note=None)

        answer = press(ann, "approve", asked, form)

        assert heading_of(answer).startswith("6 approved")
        assert "It is cancelled already (Key Stopped), by bob." in answer.content.decode()
        assert statuses(asked)[::2] == [Status.CANCELLED] * 6
        assert statuses(asked)[1::2] == [Status.PROCESSING] * 6
        assert find_faults() == []

    def test_that_is_paused_while_they_are_decided_starts_nothing(self, asked):
        ann = Staff("ann", *MAY)
        form = form_of(ann.get(DESK))
        with Crew(2) as crew:
            crew.at_once(
                lambda: press(ann, "approve", asked, form),
                lambda: pause_key(key_id=asked[0].api_key_id, by="staff:bob", note=None),
            )
        settle()

        assert {transfer.status for transfer in Transfer.objects.filter(api_key_id=asked[0].api_key_id)} == {
            Status.CANCELLED
        }
        assert ApiKey.objects.get(id=asked[0].api_key_id).paused_at is not None
        assert find_faults() == []


class TestMoney:
    def test_that_moves_while_the_rows_are_locked_waits(self, asked, income, rent, api):
        """A worker pays what comes due meanwhile: afterwards the desk asks again, or it has been before."""
        ann = Staff("ann", *MAY)
        form = form_of(ann.get(DESK))
        transfer_between(api, income, rent, 50_00)
        with Crew(2) as crew:
            answer, _ = crew.at_once(lambda: press(ann, "approve", asked, form), settle)
        settle(timezone.now() + timedelta(minutes=1))

        told = heading_of(answer)
        assert told.startswith(("12 approved", "4 approved"))
        # Those of the account that nobody touched, where the worker was first.
        assert ("look again" in answer.content.decode()) == told.startswith("4 approved")
        assert find_faults() == []
