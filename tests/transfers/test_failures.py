"""A failed transfer says what to do, and stays on the console until somebody takes it with a note."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from sequence.core.admin.trail import Filters, newest_changes
from sequence.core.audit_log.models import AuditEntry
from sequence.core.transactions import transactional
from tests.staff import Staff, messages_of, page_of
from tests.transfers.at_once import at_once
from tests.transfers.steps import settle, transfer_between
from transfers.errors import FailureNotTakeable, TransferNotFound
from transfers.failures import REMEDIES, take_failure
from transfers.models import ErrorCode, Transfer

VIEW = "transfers.view_transfer"


@pytest.fixture
def failed(api, income, rent):
    """A transfer of more than there is."""
    transfer = transfer_between(api, income, rent, 90_000_00)
    settle()
    transfer.refresh_from_db()
    assert transfer.error_code == ErrorCode.INSUFFICIENT_FUNDS
    return transfer


def taken(transfer: Transfer):
    transfer.refresh_from_db()
    return (transfer.failure_taken_by, transfer.failure_note)


class TestThePageOfAFailedTransfer:
    def test_says_what_to_do_and_that_nobody_has_taken_it(self, failed):
        page = Staff("ann", VIEW).client.get(page_of(failed)).content.decode()

        assert "The source held too little when it was due." in page
        assert "Nobody has taken it." in page
        assert "Take this failure" not in page

    def test_says_nothing_of_the_kind_of_one_that_did_not_fail(self, api, income, rent):
        transfer = transfer_between(api, income, rent, 1_00)

        assert "Why it failed" not in Staff("ann", VIEW).client.get(page_of(transfer)).content.decode()

    @pytest.mark.parametrize("code", ErrorCode)
    def test_has_words_for_every_reason(self, code):
        assert REMEDIES[code].endswith(".")

    def test_lets_somebody_take_it_with_a_note(self, failed):
        ann = Staff("ann", VIEW, "transfers.take_transfer")

        answer = ann.client.post(page_of(failed, "take"), {"note": "Paid by check"}, follow=True)

        assert messages_of(answer) == [f"You have taken {failed.id}."]
        assert taken(failed) == ("staff:ann", "Paid by check")
        assert "Taken by staff:ann" in answer.content.decode()
        assert ann.client.get(page_of(failed, "take")).status_code == 302  # No longer possible.

    def test_wants_the_note(self, failed):
        ann = Staff("ann", VIEW, "transfers.take_transfer")

        assert "This field is required" in ann.client.post(page_of(failed, "take"), {"note": " "}).content.decode()
        assert taken(failed) == (None, None)

    def test_lets_nobody_take_it_who_may_only_look(self, failed):
        assert Staff("ann", VIEW).client.post(page_of(failed, "take"), {"note": "Mine"}).status_code == 403
        assert taken(failed) == (None, None)

    def test_costs_one_query_more_than_that_of_another(self, api, income, rent, failed):
        fine = transfer_between(api, income, rent, 1_00)
        ann = Staff("ann", VIEW)

        def queries(transfer) -> int:
            with CaptureQueriesContext(connection) as captured:
                ann.client.get(page_of(transfer))
            return len(captured)

        assert queries(failed) <= queries(fine) + 1


class TestTakingAFailure:
    def test_is_on_the_trail_and_in_the_audit_log(self, failed):
        ann = Staff("ann", VIEW, "transfers.take_transfer")
        ann.client.post(page_of(failed, "take"), {"note": "Paid by check"})

        [change] = [each for each in newest_changes(Filters(object_id=failed.id)).changes if "taken" in each.verb]
        assert (change.actor, change.reason) == ("staff:ann", "Paid by check")
        assert ("failure taken by", "staff:ann") in [(field.name, field.after) for field in change.fields]
        entry = AuditEntry.objects.get(action="TAKE_FAILURE")
        assert (entry.actor, entry.reason, entry.resource_id) == ("staff:ann", None, failed.id)

    def test_by_a_command_names_who_ran_it(self, failed):
        out = StringIO()
        call_command("take_failure", failed.id, "--note", "Paid by check", "--json", stdout=out)

        assert json.loads(out.getvalue())["status"] == "incomplete"
        by, note = taken(failed)
        assert by.startswith("command:take_failure:")
        assert note == "Paid by check"
        assert AuditEntry.objects.get(action="TAKE_FAILURE").reason is None

    def test_by_a_command_wants_a_note_and_a_known_person(self, failed):
        with pytest.raises(CommandError):
            call_command("take_failure", failed.id)
        with pytest.raises(CommandError, match="no active staff user"):
            call_command("take_failure", failed.id, "--note", "Mine", "--by", "nobody")
        assert taken(failed) == (None, None)

    def test_is_done_once(self, failed):
        take_failure(transfer_id=failed.id, by="staff:ann", note="Mine")

        with pytest.raises(FailureNotTakeable, match="taken by staff:ann"):
            take_failure(transfer_id=failed.id, by="staff:bob", note="No, mine")
        assert taken(failed) == ("staff:ann", "Mine")

    def test_is_of_a_failure_alone(self, api, income, rent):
        fine = transfer_between(api, income, rent, 1_00)

        with pytest.raises(FailureNotTakeable, match="has not failed"):
            take_failure(transfer_id=fine.id, by="staff:ann", note="Mine")
        with pytest.raises(TransferNotFound):
            take_failure(transfer_id=fine.id[:-1] + "0", by="staff:ann", note="Mine")

    def test_changes_nothing_that_a_program_sees(self, api, failed):
        before = api.get(f"/transfers/{failed.id}").json()["data"]
        take_failure(transfer_id=failed.id, by="staff:ann", note="Mine")

        assert api.get(f"/transfers/{failed.id}").json()["data"] == before

    @pytest.mark.django_db(transaction=True)
    def test_by_many_at_once_is_one_persons(self, failed):
        def take(number: int) -> bool:
            try:
                take_failure(transfer_id=failed.id, by=f"staff:{number}", note="Mine")
            except FailureNotTakeable:
                return False
            return True

        assert sum(at_once([lambda number=number: take(number) for number in range(8)])) == 1


class TestTheDatabase:
    @pytest.mark.parametrize(
        "values",
        [
            {"failure_taken_by": "staff:bob"},
            {"failure_taken_at": None},
            {"failure_note": "Another"},
        ],
    )
    def test_lets_nobody_take_it_again(self, failed, values):
        take_failure(transfer_id=failed.id, by="staff:ann", note="Mine")

        with pytest.raises(IntegrityError):
            change(failed, **values)

    @pytest.mark.parametrize("values", [{"failure_taken_by": "staff:bob"}, {"failure_note": "Mine"}])
    def test_lets_nobody_take_it_in_part(self, failed, values):
        with pytest.raises(IntegrityError):
            change(failed, **values)


@transactional
def change(transfer: Transfer, **values) -> None:
    Transfer.objects.filter(id=transfer.id).update(**values)
