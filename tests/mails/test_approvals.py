"""Mails of approvals: those that wait are told of once, and once more a day before they expire."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from sequence.core.events.numbering import number_events
from sequence.mails.approvals import mail_approvals, read_approvals
from sequence.mails.models import ApprovalNotice
from tests.factories import IncomeSourceFactory, PodFactory
from tests.transfers.steps import fund
from transfers.models import APPROVAL_LIFETIME, Transfer
from transfers.services import approve_transfer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _somebody_is_mailed(settings):
    settings.APPROVALS_EMAIL = ["ann@example.com", "ben@example.com"]


@pytest.fixture
def ask(client_with, acme):
    """Return a function by which a key of an organization asks for a transfer that a person has to approve."""

    def ask_for(cents=300_00, organization=acme):
        income = IncomeSourceFactory(organization=organization, name=f"Payroll of {organization}")
        fund(income, 1000_00)
        rent = PodFactory(organization=organization, name="Rent")
        client = client_with("MANUAL_TRANSFER:*>*;approval=1000", organization=organization)
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": cents}
        answer = client.post("/transfers", body)
        assert answer.json()["data"]["status"] == "pending_approval", answer.content
        return Transfer.objects.get(id=answer.json()["data"]["id"])

    return ask_for


def work(at=None):
    now = at or timezone.now()
    while number_events(now):
        pass
    read_approvals(now)
    mail_approvals(now)


class TestATransferThatWaits:
    def test_is_mailed_once(self, ask):
        transfer = ask()
        work()
        work()

        [sent] = mail.outbox
        assert sent.to == ["ann@example.com", "ben@example.com"]
        assert sent.subject == "Acme: 1 transfer waits for approval"
        assert "$300.00 from Payroll of Acme to Rent" in sent.body
        assert f"/admin/transfers/transfer/{transfer.id}/change/" in sent.body
        assert f"/admin/transfers/transfer/desk/?organization={transfer.organization_id}" in sent.body

    def test_is_mailed_again_a_day_before_it_expires(self, ask):
        transfer = ask()
        work()
        ends_at = transfer.created_at + APPROVAL_LIFETIME
        work(ends_at - timedelta(days=1, minutes=1))
        assert len(mail.outbox) == 1
        work(ends_at - timedelta(days=1))
        work(ends_at - timedelta(hours=1))

        assert len(mail.outbox) == 2
        assert "expires within a day" in mail.outbox[1].subject
        assert f"{ends_at:%Y-%m-%d at %H:%M} UTC" in mail.outbox[1].body
        assert not ApprovalNotice.objects.exists()

    def test_is_not_mailed_once_it_is_decided(self, ask):
        transfer = ask()
        approve_transfer(transfer_id=transfer.id, by="staff:ann")
        work()
        work(transfer.created_at + APPROVAL_LIFETIME)

        assert mail.outbox == []

    def test_of_one_organization_is_not_told_beside_anothers(self, ask, globex):
        ask(300_00)
        ask(400_00)
        ask(500_00, globex)
        work()

        bodies = {sent.subject: sent.body for sent in mail.outbox}
        assert set(bodies) == {"Acme: 2 transfers wait for approval", "Globex: 1 transfer waits for approval"}
        assert "$500.00" not in bodies["Acme: 2 transfers wait for approval"]
        assert "Acme" not in bodies["Globex: 1 transfer waits for approval"]

    def test_is_mailed_to_nobody_unless_somebody_is_named(self, ask, settings):
        settings.APPROVALS_EMAIL = []
        ask()
        work()

        assert mail.outbox == []


class TestAMailServerThatIsAway:
    def test_is_tried_again(self, ask, monkeypatch):
        def away(**_):
            raise ConnectionRefusedError

        ask()
        with monkeypatch.context() as patch:
            patch.setattr("sequence.mails.approvals.send_mail", away)
            work()
        work()
        assert mail.outbox == []

        work(timezone.now() + timedelta(minutes=6))
        assert len(mail.outbox) == 1
