"""Decisions about transfers are on the audit trail, whoever makes them, and in raw SQL too."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from sequence.core.audit import run_audited
from tests.staff import page_of, sign_in
from tests.transfers.steps import settle, transfer_between
from transfers import services
from transfers.models import APPROVAL_LIFETIME, CancelReason, Origin, Transfer
from transfers.settlement import expire_approvals
from transfers.stopping import cancel_all

TransferDecision = apps.get_model("transfers.TransferDecision")


@pytest.fixture
def waiting(client_with, income, rent) -> Transfer:
    """A transfer that waits for a person."""
    return transfer_between(client_with("MANUAL_TRANSFER:*>*;approval=0"), income, rent, 30_00)


def cancel_one(transfer) -> None:
    services.cancel_transfer(transfer_id=transfer.id, by="staff:cleo", reason=CancelReason.REJECTED, note="Odd")


def cancel_every(transfer) -> None:
    with transaction.atomic():
        cancel_all(Q(id=transfer.id), reason=CancelReason.KEY_STOPPED, by="staff:cleo", at=timezone.now(), note="Odd")


def decisions(transfer) -> list[tuple[str, str, str]]:
    events = TransferDecision.objects.filter(pgh_obj_id=transfer.id).order_by("pgh_id")
    return [(event.pgh_label, event.status, event.decided_by) for event in events]


class TestDecisions:
    @pytest.mark.parametrize(
        ("decide", "status"),
        [
            (services.approve_transfer, "processing"),
            (services.reject_transfer, "cancelled"),
            (services.cancel_transfer, "cancelled"),
        ],
    )
    def test_are_events_with_who_and_why(self, waiting, decide, status):
        run_audited(lambda: decide(transfer_id=waiting.id, by="staff:bob"), actor="staff:bob", reason="Asked Ann")

        assert decisions(waiting) == [("decide", status, "staff:bob")]
        [event] = TransferDecision.objects.filter(pgh_obj_id=waiting.id)
        assert event.pgh_context.metadata == {"actor": "staff:bob", "reason": "Asked Ann"}

    def test_are_each_an_event(self, waiting):
        services.approve_transfer(transfer_id=waiting.id, by="staff:bob")
        services.cancel_transfer(transfer_id=waiting.id, by="staff:cleo")

        assert decisions(waiting) == [("decide", "processing", "staff:bob"), ("decide", "cancelled", "staff:bob")]
        last = TransferDecision.objects.filter(pgh_obj_id=waiting.id).latest("pgh_id")
        assert (last.cancelled_by, last.cancel_reason) == ("staff:cleo", "by_key")

    @pytest.mark.parametrize("stop", [cancel_one, cancel_every])
    def test_leave_the_first_decider_in_place(self, waiting, stop):
        services.approve_transfer(transfer_id=waiting.id, by="staff:bob")
        approved = Transfer.objects.get(id=waiting.id)
        stop(waiting)

        left = Transfer.objects.get(id=waiting.id)
        assert (left.decided_by, left.decided_at) == ("staff:bob", approved.decided_at)
        assert (left.status, left.cancelled_by, left.decision_note) == ("cancelled", "staff:cleo", "Odd")

    @pytest.mark.parametrize("stop", [cancel_one, cancel_every])
    def test_name_who_cancels_what_nobody_decided(self, waiting, stop):
        stop(waiting)

        left = Transfer.objects.get(id=waiting.id)
        assert (left.decided_by, left.cancelled_by) == ("staff:cleo", None)
        assert decisions(waiting) == [("decide", "cancelled", "staff:cleo")]

    def test_keep_what_they_were_about(self, waiting):
        services.approve_transfer(transfer_id=waiting.id, by="staff:bob")

        event = TransferDecision.objects.get(pgh_obj_id=waiting.id)
        for column in ("organization_id", "amount_cents", "source_id", "destination_id"):
            assert getattr(event, column) == getattr(Transfer.objects.get(id=waiting.id), column)

    def test_of_nobody_in_time_are_events(self, waiting):
        expire_approvals(timezone.now() + APPROVAL_LIFETIME + timedelta(minutes=1))

        assert decisions(waiting) == [("decide", "cancelled", "worker:expire_approvals")]

    def test_to_record_money_are_events(self, income):
        transfer = services.deposit(account_id=income.id, amount_cents=5, origin=Origin.PAYCHECK, by="command:deposit")

        assert decisions(transfer) == [("record", "processing", "command:deposit")]

    def test_in_raw_sql_are_events(self, waiting):
        Transfer.objects.filter(id=waiting.id).update(status="processing", decided_by="staff:me")
        Transfer.objects.filter(id=waiting.id).update(decision_note="Never mind")

        assert decisions(waiting) == [("decide", "processing", "staff:me")] * 2

    def test_are_on_the_transfers_history(self, waiting):
        staff = sign_in(is_superuser=True)
        run_audited(
            lambda: services.reject_transfer(transfer_id=waiting.id, by="staff:bob"),
            actor="staff:bob",
            reason="Not ours",
        )

        page = staff.get(page_of(waiting, "history")).content.decode()

        assert "staff:bob" in page
        assert "decided" in page
        assert "Not ours" in page

    def test_cost_settlement_nothing(self, api, income, rent):
        transfer = transfer_between(api, income, rent, 30_00)
        settle()

        assert decisions(transfer) == []
