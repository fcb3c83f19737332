"""The page that asks whether a payment is approved: what it leaves, what it uses, and whether it can be paid at all."""

from datetime import UTC, datetime
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import edit_account
from apikeys.models import ApiKey, SpendCounter
from apikeys.services import revoke_api_key, rotate_api_key, set_organization_status
from tests.factories import ExternalAccountFactory, PodFactory, set_balance
from tests.staff import Staff, seen_on
from transfers.models import AchLimits, Status, Transfer

NOON = datetime(2026, 5, 13, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _stopped(set_clock):
    set_clock(NOON)


@pytest.fixture
def pod(acme):
    pod = PodFactory(organization=acme, name="Main Payroll")
    set_balance(pod, 700_000)
    return pod


@pytest.fixture
def bank(acme):
    return ExternalAccountFactory(organization=acme, name="Chase checking")


@pytest.fixture
def ann(db):
    return Staff("ann", "transfers.view_transfer", "transfers.decide_transfer")


@pytest.fixture
def ask(client_with, pod, bank):
    """Return a function that asks for payments under limits, and returns the last one."""

    def ask_for(*cents, limits=";approval=0", **body):
        api = client_with(f"MANUAL_TRANSFER:*>*{limits}")
        for amount in cents:
            ends = {"source_account_id": pod.id, "destination_account_id": bank.id}
            answer = api.post("/transfers", {**ends, "amount_in_cents": amount, **body})
        return Transfer.objects.get(id=answer.json()["data"]["id"])

    return ask_for


def page(transfer):
    return f"transfers/transfer/{transfer.id}/approve/"


def text_of(staff, transfer):
    return unescape(staff.get(page(transfer)).content.decode())


class TestApprovalPage:
    def test_tells_balance_caps_and_who_asked(self, ann, ask):
        transfer = ask(100_000, 600_000, limits="@900000;day=800000;month=1000000;approval=20000", description="RENT")
        key = ApiKey.objects.get()

        text = text_of(ann, transfer)

        assert "It can be paid as things stand now." in text
        assert "$6,000.00 leaves the house" in text
        assert "Available in the source now: $7,000.00. After: $1,000.00." in text
        assert (
            "Of $8,000.00 a day (UTC): $1,000.00 used by others, $6,000.00 by this, $1,000.00 left; "
            "it begins anew on 2026-05-14."
        ) in text
        assert (
            "Of $10,000.00 a calendar month (UTC): $1,000.00 used by others, $6,000.00 by this, $3,000.00 left; "
            "it begins anew on 2026-06-01."
        ) in text
        assert "at most $9,000.00 a transfer" in text
        assert f"Key “{key.name}” ({key.prefix}…) asked on 2026-05-13 at 12:00 UTC, and above $200.00" in text
        assert "On the statement: “RENT”." in text
        assert "Undecided it is cancelled on 2026-05-" in text

    def test_says_beforehand_what_is_missing(self, ann, ask, pod):
        transfer = ask(600_000)
        set_balance(pod, 1_000)

        assert "It cannot be paid: $5,990.00 short now." in text_of(ann, transfer)
        assert "After: -$5,990.00." in text_of(ann, transfer)

    def test_says_beforehand_that_the_rail_will_refuse(self, ann, ask, acme):
        transfer = ask(600_000)
        AchLimits.objects.create(organization=acme, daily_credit_cents=100)

        assert "It cannot be paid now: Daily" in text_of(ann, transfer)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda transfer: revoke_api_key(key_id=transfer.api_key_id), "is revoked or expired"),
            (
                lambda transfer: set_organization_status(organization_id=transfer.organization_id, status="suspended"),
                "The organization is suspended.",
            ),
            (
                lambda transfer: SpendCounter.objects.update(spent_cents=900_000),
                "The key's permissions or caps no longer allow it.",
            ),
            (
                lambda transfer: edit_account(
                    organization_id=transfer.organization_id, account_id=transfer.destination_id, deleted_at=NOON
                ),
                "Account not found.",
            ),
        ],
        ids=["key", "organization", "caps", "account"],
    )
    def test_says_beforehand_what_approving_would_refuse(self, ann, ask, change, words):
        transfer = ask(600_000, limits=";day=800000;approval=0")
        change(transfer)

        text = text_of(ann, transfer)
        assert "It cannot be approved: " in text
        assert words in text
        # The service says the same, whatever the page has told.
        told = unescape(ann.post(page(transfer)).content.decode())
        assert words in told
        transfer.refresh_from_db()
        assert transfer.status == Status.PENDING_APPROVAL

    def test_tells_of_the_key_that_took_its_place(self, ann, ask):
        transfer = ask(600_000)
        new, _ = rotate_api_key(key_id=transfer.api_key_id, overlap=NOON - NOON, rotated_by="staff:bob")

        assert f"It was rotated since: its successor is “{new.name}” ({new.prefix}…)." in text_of(ann, transfer)

    def test_changes_and_locks_nothing(self, ann, ask):
        transfer = ask(600_000)
        SpendCounter.objects.all().delete()

        with CaptureQueriesContext(connection) as captured:
            text_of(ann, transfer)

        assert not SpendCounter.objects.exists()
        written = [query["sql"] for query in captured if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
        assert all("session" in sql for sql in written)
        assert [query["sql"] for query in captured if " FOR " in query["sql"] and "UPDATE" in query["sql"]] == []
        assert [query["sql"] for query in captured if "FOR KEY SHARE" in query["sql"]] == []

    def test_asks_again_when_the_balance_has_moved(self, ann, ask, pod):
        transfer = ask(600_000)
        seen = ann.client.get(f"/admin/{page(transfer)}")
        set_balance(pod, 1_000)

        answer = ann.client.post(f"/admin/{page(transfer)}", {"seen": seen_on(seen)})

        assert "short now" in answer.content.decode()
        transfer.refresh_from_db()
        assert transfer.status == Status.PENDING_APPROVAL

    def test_asks_a_bounded_number_of_questions(self, ann, ask, acme, bank):
        transfer = ask(100_000)

        with CaptureQueriesContext(connection) as captured:
            text_of(ann, transfer)

        assert len(captured) <= 25

    def test_of_the_console_tells_the_payee_by_facts(self, ask, bank):
        ask(600_000)
        edit_account(organization_id=bank.organization_id, account_id=bank.id, name="Rainy days")

        text = Staff("root", is_superuser=True).get("").content.decode()

        assert "“Rainy days” (External depository at “First Bank”" in text
        assert "leaves the house, renamed lately)" in text
