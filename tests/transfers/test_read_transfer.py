"""GET /transfers/{id} and POST /transfers/{id}/cancel."""

import pytest

from accounts.models import Account
from apikeys.models import SpendCounter
from tests.factories import PodFactory
from tests.transfers.steps import (
    assert_nothing_moved,
    balances,
    error_of,
    fund,
    post_transfer,
    settle,
    status_of,
    transfer_between,
)
from transfers.ledger_invariants import find_faults
from transfers.models import Transfer
from transfers.services import pull_from_outside
from transfers.settlement import accept
from transfers.simulated_rail_control import fail_payment

UNKNOWN = ["txr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "txr_nothing", "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV", "1"]


@pytest.fixture
def transfer(api, income, rent) -> Transfer:
    return transfer_between(api, income, rent, 30_00)


class TestGetTransfer:
    def test_shows_what_the_list_shows(self, api, transfer, income):
        got = api.get(f"/transfers/{transfer.id}")

        assert got.status_code == 200
        [listed, _] = api.get(f"/transfers?account_id={income.id}").json()["data"]
        assert got.json()["data"] == listed

    def test_shows_a_deposit_without_source_and_a_pull_without_destination(self, api, income):
        deposit = fund(income, 5)
        pull = pull_from_outside(account_id=income.id, amount_cents=3, by="test")

        got = api.get(f"/transfers/{deposit.id}").json()["data"]
        assert (got["direction"], got["origin"], got["source"]) == ("money_in", "paycheck", None)
        assert got["destination"]["id"] == income.id
        assert got["status"] == "complete"
        assert got["completed_at"] == got["created_at"]
        got = api.get(f"/transfers/{pull.id}").json()["data"]
        assert (got["direction"], got["origin"], got["destination"]) == ("money_out", "external_pull", None)
        assert balances(income) == [100_02]

    @pytest.mark.parametrize("end", ["source_id", "destination_id"])
    def test_is_open_to_a_key_for_either_account(self, client_with, transfer, end):
        assert (
            client_with(f"READ_TRANSFERS:{getattr(transfer, end)}").get(f"/transfers/{transfer.id}").status_code == 200
        )

    def test_is_closed_to_a_key_for_another_account_which_learns_nothing(self, client_with, transfer, savings):
        api = client_with(f"READ_TRANSFERS:{savings.id}")

        answers = {api.get(f"/transfers/{id}").json()["error"]["message"] for id in (transfer.id, *UNKNOWN)}

        assert answers == {"This API key does not have the required permission."}
        assert error_of(api.get(f"/transfers/{transfer.id}")) == (403, "forbidden")

    def test_needs_the_scope(self, client_with, transfer):
        assert error_of(client_with("MANUAL_TRANSFER:*>*").get(f"/transfers/{transfer.id}")) == (403, "forbidden")

    @pytest.mark.parametrize("id", UNKNOWN)
    def test_does_not_find_what_is_not_there(self, api, id):
        response = api.get(f"/transfers/{id}")

        assert error_of(response) == (404, "not_found")
        assert response.json()["error"]["message"] == "Transfer not found."

    def test_never_finds_another_organizations(self, other_api, transfer):
        assert error_of(other_api.get(f"/transfers/{transfer.id}")) == (404, "not_found")

    def test_keeps_the_last_name_of_a_deleted_account(self, api, acme, income):
        pod = PodFactory(organization=acme, name="Old")
        transfer = transfer_between(api, income, pod, 5_00)
        settle()
        transfer_between(api, pod, PodFactory(organization=acme), 5_00)
        settle()
        api.patch(f"/accounts/{pod.id}", {"nickname": "Last"})
        assert api.delete(f"/accounts/{pod.id}").status_code == 204

        got = api.get(f"/transfers/{transfer.id}").json()["data"]

        assert got["destination"] == {"id": pod.id, "name": "Last", "type": "pod"}
        assert error_of(api.get(f"/transfers?account_id={pod.id}")) == (404, "not_found")
        names = [item["destination"]["name"] for item in api.get(f"/transfers?account_id={income.id}").json()["data"]]
        assert "Last" in names


class TestCancelTransfer:
    def cancel(self, api, transfer, **options):
        return api.post(f"/transfers/{transfer.id}/cancel", **options)

    def test_stops_a_transfer_that_is_processing(self, api, transfer, income, rent):
        response = self.cancel(api, transfer)
        settle()

        assert response.status_code == 200
        shown = response.json()["data"]
        assert (shown["status"], shown["completed_at"], shown["error_code"]) == ("cancelled", None, None)
        assert shown["cancel_reason"] == "by_key"
        assert api.get(f"/transfers/{transfer.id}").json()["data"] == shown
        assert balances(income, rent) == [100_00, 0]
        transfer.refresh_from_db()
        assert transfer.decided_by == f"key:{transfer.api_key_id}"
        assert transfer.decided_at is not None
        assert_nothing_moved()

    def test_stops_a_transfer_that_waits_for_approval(self, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*;day=3000;approval=0")
        transfer = transfer_between(api, income, rent, 30_00)

        assert self.cancel(api, transfer).json()["data"]["status"] == "cancelled"

        assert set(SpendCounter.objects.values_list("spent_cents", flat=True)) == {0}
        assert post_transfer(api, income, rent, 30_00).status_code == 201
        assert_nothing_moved()

    def reach(self, state, api, transfer, income, bank, rent, later) -> Transfer:
        if state == "complete":
            settle()
        elif state == "cancelled":
            self.cancel(api, transfer)
        elif state == "incomplete":
            transfer = transfer_between(api, income, rent, 100_01)
            settle()
        elif state in ("pending", "error"):
            transfer = transfer_between(api, income, bank, 10_00)
            accept(later(0))
            if state == "error":
                fail_payment(transfer.id, "payment_failed")
        assert status_of(transfer)[0] == state
        return transfer

    @pytest.mark.parametrize("state", ["pending", "complete", "cancelled", "incomplete", "error"])
    def test_is_refused_later_than_that(self, api, transfer, income, bank, rent, later, state):
        transfer = self.reach(state, api, transfer, income, bank, rent, later)
        before = balances(income, bank, rent)

        response = self.cancel(api, transfer)

        assert error_of(response) == (409, "transfer_not_cancellable")
        assert state in response.json()["error"]["message"]
        assert status_of(transfer)[0] == state
        assert balances(income, bank, rent) == before
        assert find_faults() == []

    def test_is_refused_for_a_deposit(self, api, income):
        assert error_of(self.cancel(api, fund(income, 1))) == (409, "transfer_not_cancellable")

    def test_needs_an_entry_that_matches_the_pair(self, client_with, transfer, income, rent, savings):
        for permission in (f"MANUAL_TRANSFER:{income.id}>{savings.id}", "READ_TRANSFERS:*"):
            assert error_of(self.cancel(client_with(permission), transfer)) == (403, "forbidden")
        assert status_of(transfer)[0] == "processing"

        assert self.cancel(client_with(f"MANUAL_TRANSFER:{income.id}>{rent.id}"), transfer).status_code == 200

    @pytest.mark.parametrize("id", UNKNOWN)
    def test_does_not_find_what_is_not_there(self, api, client_with, income, rent, id):
        path = f"/transfers/{id}/cancel"

        assert error_of(api.post(path)) == (404, "not_found")
        assert error_of(client_with(f"MANUAL_TRANSFER:{income.id}>{rent.id}").post(path)) == (403, "forbidden")

    def test_never_finds_another_organizations(self, other_api, transfer):
        assert error_of(self.cancel(other_api, transfer)) == (404, "not_found")
        assert status_of(transfer)[0] == "processing"

    def test_takes_no_fields(self, api, transfer):
        assert error_of(api.post(f"/transfers/{transfer.id}/cancel", {"reason": "x"})) == (400, "invalid_request")

    def test_answers_the_same_when_it_is_repeated_with_its_key(self, api, transfer):
        first = self.cancel(api, transfer, idempotency_key="same")
        again = self.cancel(api, transfer, idempotency_key="same")

        assert first.status_code == again.status_code == 200
        assert again.content == first.content

    def test_repeats_that_it_was_too_late(self, api, transfer):
        settle()
        first = self.cancel(api, transfer, idempotency_key="same")
        again = self.cancel(api, transfer, idempotency_key="same")

        assert error_of(first) == (409, "transfer_not_cancellable")
        assert again.content == first.content
        assert again.headers["Idempotent-Replayed"] == "true"


class TestDeleteAccount:
    """DELETE /accounts/{id} while money is under way."""

    @pytest.mark.parametrize("end", ["source", "destination"])
    @pytest.mark.parametrize("state", ["pending_approval", "processing", "pending"])
    def test_is_refused_with_a_transfer_under_way(self, api, client_with, bank, rent, state, end, later):
        fund(rent, 10_00)
        permission = "MANUAL_TRANSFER:*>*" + (";approval=0" if state == "pending_approval" else "")
        pair = (bank, rent) if end == "source" else (rent, bank)
        transfer = transfer_between(client_with(permission), *pair, 10_00)
        if state == "pending":
            accept(later(0))

        response = api.delete(f"/accounts/{bank.id}")

        assert status_of(transfer)[0] == state
        assert error_of(response) == (409, "account_not_empty")
        assert Account.objects.get(id=bank.id).deleted_at is None

    def test_is_refused_with_money_in_it(self, api, income):
        assert error_of(api.delete(f"/accounts/{income.id}")) == (409, "account_not_empty")

    def test_is_possible_once_the_transfer_has_ended(self, api, transfer, rent):
        api.post(f"/transfers/{transfer.id}/cancel")

        assert api.delete(f"/accounts/{rent.id}").status_code == 204
