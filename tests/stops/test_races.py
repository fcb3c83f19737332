"""Stops while programs ask and workers work: nothing of what was stopped moves on after the answer."""

import os
import random
import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.authentication import find_key
from apikeys.errors import KeyPaused
from apikeys.models import ApiKey, Organization, OrganizationStatus
from apikeys.services import resume_api_key, rotate_api_key, set_organization_status
from rules.models import RuleExecution
from rules.runs import KEY_STOPPED
from rules.services import trigger_rule
from rules.sweeps import carry_out
from sequence.core import clock
from sequence.core.errors import DomainError, Unauthorized
from sequence.stops.services import pause_key, revoke_key, suspend_organization
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, trigger, write_enabled
from tests.stops.conftest import make_agent
from tests.threads import (
    PATIENCE_SECONDS,
    Crew,
    in_background,
    in_open_transaction,
    wait_until_somebody_waits_for_a_lock,
)
from tests.transfers.steps import settle, transfer_between
from transfers.asking import TransferRequest
from transfers.ledger_invariants import find_faults
from transfers.models import CancelReason, Status, Transfer
from transfers.services import approve_transfer, create_manual_transfer
from transfers.settlement import accept, collect, submit

pytestmark = pytest.mark.django_db(transaction=True)
# In a short run, a full one, a long one.
ROUNDS = (1, 3, 100)
TRANSFERS, WORKERS = 200, 4
UNDER_WAY = [Status.PENDING_APPROVAL, Status.PROCESSING]


@pytest.fixture
def dice(request) -> random.Random:
    seed = int(os.environ.get("STOP_SEED") or random.randrange(10**9))  # noqa: S311 - chance of the run
    print(f"STOP_SEED={seed} repeats {request.node.name}")  # noqa: T201 - pytest shows it where the test fails
    return random.Random(seed)  # noqa: S311 - chance that can be repeated is the point


def create(agent, income, rent, cents=1_00):
    """Ask as a request does that has just come through the door."""
    caller = find_key(agent.token, at=clock.now())
    request = TransferRequest(source_account_id=income.id, destination_account_id=rent.id, amount_in_cents=cents)
    return lambda: create_manual_transfer(key=caller, request=request)


def pause(agent):
    return lambda: pause_key(key_id=agent.key.id, by="staff:bob")


def begun_meanwhile(first, second):
    """Do ``first``, begin ``second``, which has to wait, commit, and return what the second returned or raised."""
    may_begin = threading.Event()

    def begin():
        may_begin.wait(PATIENCE_SECONDS)
        try:
            return second()
        except DomainError as refusal:
            return refusal

    with in_background(begin) as outcome, in_open_transaction(first):
        may_begin.set()
        wait_until_somebody_waits_for_a_lock()
    return outcome.result()


class TestAStopInTheMiddle:
    @pytest.mark.parametrize("how", ["key", "organization"])
    def test_lets_none_leave_its_state_after_the_answer(self, by_length, dice, acme, income, rent, bank, how):
        for number in range(by_length(*ROUNDS)):
            self.play(dice, make_agent(acme, name=f"Agent {number}"), acme, income, rent, bank, how)
        assert find_faults() == []

    def play(self, dice, agent, acme, income, rent, bank, how):
        self.ask_for_all(dice, agent, income, rent, bank)
        is_over = threading.Event()
        pause_seconds = dice.uniform(0, 0.06)

        def work() -> None:
            while not is_over.is_set():
                for sweep in (accept, submit, collect):
                    sweep(timezone.now())

        def stop():
            time.sleep(pause_seconds)
            try:
                if how == "key":
                    told = pause_key(key_id=agent.key.id, by="staff:bob").as_json()
                else:
                    told = suspend_organization(organization_id=acme.id, by="staff:bob").as_json()
                seen = dict(Transfer.objects.filter(api_key=agent.key).values_list("id", "status"))
                time.sleep(0.1)
                return told, seen
            finally:
                is_over.set()

        with Crew(WORKERS + 1) as crew:
            *worked, (told, seen) = crew.at_once(*[work] * WORKERS, stop)
        assert worked == [None] * WORKERS
        self.check(agent, told, seen)
        if how == "organization":
            set_organization_status(organization_id=acme.id, status=OrganizationStatus.ACTIVE)

    def ask_for_all(self, dice, agent, income, rent, bank):
        first = transfer_between(agent.api, income, rent, 1_00)
        rows = [field for field in first._meta.concrete_fields if not field.primary_key]
        given = {field.attname: getattr(first, field.attname) for field in rows}
        made = []
        for _ in range(TRANSFERS - 1):
            destination = dice.choice([rent, bank])
            rail = "book" if destination is rent else "simulated"
            direction = "internal" if destination is rent else "money_out"
            status = dice.choice([Status.PROCESSING, Status.PROCESSING, Status.PENDING_APPROVAL])
            own = {"destination_id": destination.id, "rail": rail, "direction": direction, "status": status}
            made.append(Transfer(**{**given, **own, "spend_id": None}))
        Transfer.objects.bulk_create(made)

    def check(self, agent, told, seen):
        now = dict(Transfer.objects.filter(api_key=agent.key).values_list("id", "status"))
        cancelled = Transfer.objects.filter(api_key=agent.key, status=Status.CANCELLED).count()
        assert len(seen) == TRANSFERS
        assert not [id for id, status in seen.items() if status in UNDER_WAY]
        assert {id for id, status in now.items() if status == Status.CANCELLED} == {
            id for id, status in seen.items() if status == Status.CANCELLED
        }
        assert told["cancelled"]["count"] == cancelled
        mine = Transfer.objects.filter(api_key=agent.key, status__in=[Status.PENDING, Status.COMPLETE]).count()
        assert cancelled + mine == TRANSFERS
        if told["stopped"][0]["type"] == "api_key":
            assert told["cancelled"]["count"] + told["not_stopped"]["count"] == TRANSFERS


class TestARequestThatCameThroughTheDoorBeforeTheStop:
    @pytest.mark.parametrize(
        ("stop", "refusal"),
        [
            (lambda agent, acme: pause_key(key_id=agent.key.id, by="staff:bob"), KeyPaused),
            (lambda agent, acme: revoke_key(key_id=agent.key.id, by="staff:bob"), Unauthorized),
            (lambda agent, acme: suspend_organization(organization_id=acme.id, by="staff:bob"), Unauthorized),
        ],
    )
    def test_is_refused_after_it(self, agent, acme, income, rent, stop, refusal):
        ask = create(agent, income, rent)
        stop(agent, acme)

        with pytest.raises(refusal):
            ask()
        assert not Transfer.objects.filter(api_key=agent.key).exists()

    def test_waits_for_one_that_is_not_answered_yet(self, agent, income, rent):
        refusal = begun_meanwhile(pause(agent), create(agent, income, rent))

        assert isinstance(refusal, KeyPaused)
        assert not Transfer.objects.filter(api_key=agent.key).exists()

    def test_is_cancelled_by_a_stop_that_waits_for_it(self, agent, income, rent):
        told = begun_meanwhile(create(agent, income, rent), pause(agent))

        assert told.cancelled.count == 1

    def test_of_others_waits_for_nobody(self, agent, other, income, rent):
        ask = create(other, income, rent)
        with in_open_transaction(pause(agent)):
            assert ask().status == Status.PROCESSING

    def test_is_either_cancelled_or_refused_whoever_is_faster(self, agent, income, rent, by_length):
        with Crew(8) as crew:
            for _ in range(by_length(1, 3, 20)):
                ask = create(agent, income, rent)
                *asked, _ = crew.at_once(*[ask] * 7, pause(agent))
                assert all(isinstance(one, (Transfer, KeyPaused)) for one in asked), asked
                assert not Transfer.objects.filter(api_key=agent.key, status__in=UNDER_WAY).exists()
                resume_api_key(key_id=agent.key.id)
        assert find_faults() == []


class TestARotation:
    def test_that_is_not_committed_yet_is_paused_with_the_key(self, agent):
        rotation = lambda: rotate_api_key(key_id=agent.key.id, overlap=timedelta(hours=1), rotated_by="staff:zoe")  # noqa: E731
        told = begun_meanwhile(rotation, pause(agent))

        assert len(told.stopped) == 2
        assert not ApiKey.objects.filter(lineage_id=agent.key.lineage_id, paused_at=None).exists()


class TestWorkers:
    def test_cancel_what_neither_the_stop_nor_the_database_has_seen(self, agent, accepted):
        ApiKey.objects.filter(id=agent.key.id).update(revoked_at=timezone.now())
        settle()

        transfer = Transfer.objects.get(id=accepted.id)
        assert (transfer.status, transfer.cancel_reason) == (Status.CANCELLED, CancelReason.KEY_STOPPED)
        assert find_faults() == []

    def test_cancel_what_is_left_of_a_suspended_organization(self, acme, accepted):
        Organization.objects.filter(id=acme.id).update(status=OrganizationStatus.SUSPENDED)
        settle()

        transfer = Transfer.objects.get(id=accepted.id)
        assert (transfer.status, transfer.cancel_reason) == (Status.CANCELLED, CancelReason.ORGANIZATION_STOPPED)

    def test_leave_a_run_alone_while_it_is_being_stopped_and_go_on_with_others(self, acme, agent, other, income, rent):
        made = write_enabled(agent.api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        with in_open_transaction(pause(agent)):
            # As a request that came through the door before the stop, and commits when the stop has looked.
            late = trigger_rule(organization_id=acme.id, rule_id=made.id, by=f"key:{agent.key.id}")
            others = trigger(other.api, made)
            assert carry_out(timezone.now()) == 1
            assert status_of_run(late.id) == ("in_progress", None)
        assert carry_out(timezone.now()) == 1

        assert status_of_run(others) == ("executed", None)
        assert status_of_run(late.id) == ("failed", KEY_STOPPED)

    def test_take_no_approval_that_a_stop_has_overtaken(self, agent, waiting):
        approval = lambda: approve_transfer(transfer_id=waiting.id, by="staff:bob")  # noqa: E731
        told = begun_meanwhile(approval, pause(agent))

        assert told.cancelled.count == 1
        assert Transfer.objects.get(id=waiting.id).status == Status.CANCELLED


def status_of_run(id):
    return RuleExecution.objects.values_list("status", "error_message").get(id=id)
