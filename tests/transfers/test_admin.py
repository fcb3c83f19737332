"""The staff's pages about money."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pghistory.models import Context

from apikeys.services import edit_api_key
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.staff import Staff, sign_in
from transfers.models import AchLimits, Origin, SimulatedMark, Status, Transfer
from transfers.services import deposit
from transfers.settlement import accept, submit

VIEW = ["transfers.view_transfer", "transfers.view_posting", "transfers.view_entryset"]


@pytest.fixture
def income(acme):
    account = IncomeSourceFactory(organization=acme, name="Payroll")
    deposit(account_id=account.id, amount_cents=100_000, origin=Origin.PAYCHECK, by="test")
    return account


@pytest.fixture
def pod(acme):
    return PodFactory(organization=acme, name="Rent")


@pytest.fixture
def bank(acme):
    return ExternalAccountFactory(organization=acme, name="Bank")


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


def asked(client_with, source, target, cents=5_000, limits="") -> Transfer:
    """Return a transfer that a program asked for."""
    api = client_with(f"MANUAL_TRANSFER:*>*{limits}")
    body = {"source_account_id": source.id, "destination_account_id": target.id, "amount_in_cents": cents}
    return Transfer.objects.get(id=api.post("/transfers", body).json()["data"]["id"])


def page_of(transfer, name="change") -> str:
    return f"transfers/transfer/{transfer.id}/{name}/"


class TestTransferPages:
    def test_say_what_waits_and_why_something_failed(self, root, client_with, income, pod, acme, now):
        asked(client_with, income, pod, limits=";approval=100")
        asked(client_with, pod, income_to(acme), cents=999_00)
        accept(now)

        waiting = root.get("transfers/transfer/", waits="person").content.decode()
        failed = root.get("transfers/transfer/", waits="failed").content.decode()

        assert "<strong>1</strong> waits for a person" in waiting
        assert "Insufficient Funds" in failed
        assert "$999.00" in failed
        assert "$50.00" not in failed

    def test_show_every_fact_of_one(self, root, client_with, income, pod, now):
        transfer = asked(client_with, income, pod)
        accept(now)

        text = root.get(page_of(transfer)).content.decode()

        assert all(
            part in text for part in ["$50.00", "Complete", "Payroll", "Rent", "2 postings", transfer.request_id]
        )

    def test_ask_the_same_number_of_queries_for_more_rows(self, root, client_with, income, pod):
        def queries() -> int:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                root.get("transfers/transfer/")
            return len(captured)

        asked(client_with, income, pod)
        few = queries()
        for _ in range(5):
            asked(client_with, income, pod)

        assert queries() == few


class TestDecisions:
    def test_approving_lets_the_transfer_go_and_names_the_person(self, client_with, income, pod):
        transfer = asked(client_with, income, pod, limits=";approval=100")
        staff = Staff("ann", *VIEW, "transfers.decide_transfer")

        assert "checked again when you approve" in staff.get(page_of(transfer, "approve")).content.decode()
        staff.post(page_of(transfer, "approve"))

        transfer.refresh_from_db()
        assert (transfer.status, transfer.decided_by) == (Status.PROCESSING, "staff:ann")

    def test_a_custodian_of_the_key_is_told_why_not_and_who_may(self, client_with, income, pod):
        transfer = asked(client_with, income, pod, limits=";approval=100")
        staff = Staff("ann", *VIEW, "transfers.decide_transfer")
        sign_in("transfers.view_transfer", "transfers.decide_transfer", name="bob")
        sign_in("transfers.decide_transfer", name="who-cannot-see-it")
        edit_api_key(key_id=transfer.api_key_id, changes={"name": "Mine"}, changed_by="staff:ann")

        page = staff.get(page_of(transfer, "approve")).content.decode()
        response = staff.post(page_of(transfer, "approve"))

        assert "ann changed the key that asked for this, so somebody else must decide." in page
        assert "Who may decide: bob." in page
        assert 'type="submit" class="button' not in page
        transfer.refresh_from_db()
        assert transfer.status == Status.PENDING_APPROVAL
        assert "somebody else must decide" in response.content.decode()

    def test_everybody_is_told_who_may_not_and_who_may(self, client_with, income, pod):
        transfer = asked(client_with, income, pod, limits=";approval=100")
        staff = Staff("bob", *VIEW, "transfers.decide_transfer")
        edit_api_key(key_id=transfer.api_key_id, changes={"name": "Mine"}, changed_by="staff:ann")

        page = staff.get(page_of(transfer, "approve")).content.decode()
        assert "ann changed the key that asked for this" in page
        assert "Who may decide: bob." in page
        assert 'type="submit" class="button' in page

    def test_many_who_may_are_counted_and_nobody_is_said(self, client_with, income, pod):
        transfer = asked(client_with, income, pod, limits=";approval=100")
        staff = Staff("ann", *VIEW, "transfers.decide_transfer")
        edit_api_key(key_id=transfer.api_key_id, changes={"name": "Mine"}, changed_by="staff:ann")

        assert "Who may decide: nobody yet." in staff.get(page_of(transfer, "approve")).content.decode()
        for number in range(6):
            sign_in("transfers.view_transfer", "transfers.decide_transfer", name=f"bob{number}")
        assert "Who may decide: 6 people." in staff.get(page_of(transfer, "approve")).content.decode()

    def test_a_custodian_may_reject(self, client_with, income, pod):
        transfer = asked(client_with, income, pod, limits=";approval=100")
        staff = Staff("ann", *VIEW, "transfers.decide_transfer")
        edit_api_key(key_id=transfer.api_key_id, changes={"name": "Mine"}, changed_by="staff:ann")

        staff.post(page_of(transfer, "reject"))

        transfer.refresh_from_db()
        assert transfer.status == Status.CANCELLED

    @pytest.mark.parametrize("name", ["approve", "reject", "cancel", "simulate"])
    def test_without_the_permission_there_is_no_button_and_no_way(self, client_with, income, bank, name):
        limits = ";approval=100" if name in ("approve", "reject") else ""
        transfer = asked(client_with, income, bank, limits=limits)
        staff = Staff("eve", *VIEW)

        assert f"../{name}/" not in staff.get(page_of(transfer)).content.decode()
        assert staff.post(page_of(transfer, name)).status_code == 403
        before = transfer.status
        transfer.refresh_from_db()
        assert transfer.status == before

    def test_rejecting_and_cancelling_move_nothing(self, root, client_with, income, pod):
        waiting, accepted = asked(client_with, income, pod, limits=";approval=100"), asked(client_with, income, pod)

        root.post(page_of(waiting, "reject"))
        root.post(page_of(accepted, "cancel"))

        statuses = Transfer.objects.filter(origin=Origin.USER).values_list("status", flat=True)
        assert set(statuses) == {Status.CANCELLED}
        pod.refresh_from_db()
        assert pod.balance_cents == 0

    def test_the_simulated_institution_does_as_it_is_told(self, root, client_with, income, bank, now):
        transfer = asked(client_with, income, bank)
        accept(now)
        submit(now)

        root.post(page_of(transfer, "simulate"), ending="fail", code="name_mismatch")

        transfer.refresh_from_db()
        assert (transfer.status, transfer.error_code) == (Status.ERROR, "name_mismatch")


class TestLedgerPages:
    def test_show_postings_by_account_and_cannot_change_them(self, root, income):
        text = root.get("transfers/posting/", q=income.id).content.decode()

        assert "$1,000.00" in text
        assert root.get("transfers/posting/add/").status_code == 403

    def test_tell_a_balance_as_of_a_past_instant(self, root, income):
        before = root.get("transfers/posting/balance/", account=income.id, at="2020-01-01 00:00:00").content.decode()
        after = root.get("transfers/posting/balance/", account=income.id, at="2999-01-01 00:00:00").content.decode()

        assert "Payroll held $0.00 at 2020-01-01 00:00:00 UTC." in before
        assert "Payroll held $1,000.00 at 2999-01-01 00:00:00 UTC." in after


class TestRailPages:
    def test_limits_and_marks_are_edited_on_the_audit_trail(self, root, acme, bank):
        limits = {"organization": acme.id, "daily_credit_cents": "1,000.00"}
        root.post("transfers/achlimits/add/", **limits)
        root.post("transfers/simulatedmark/add/", account=bank.id, fail_code="payment_failed", return_delay_seconds="0")

        assert AchLimits.objects.get().daily_credit_cents == 100_000
        assert SimulatedMark.objects.get().fail_code == "payment_failed"
        assert [context.metadata["actor"] for context in Context.objects.all()][-2:] == ["staff:root", "staff:root"]

    def test_every_page_has_the_strict_policy(self, root, client_with, income, pod):
        transfer = asked(client_with, income, pod)

        for path in ["transfers/transfer/", page_of(transfer), "transfers/posting/", "transfers/entryset/"]:
            policy = root.get(path).headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy


def income_to(organization):
    """A pod that money can go to."""
    return PodFactory(organization=organization, name="Other")
