"""POST /transfers."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from apikeys.models import IdempotencyRecord, SpendCounter
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.transfers.steps import (
    assert_nothing_moved,
    balances,
    error_of,
    fund,
    held,
    post_transfer,
    settle,
)
from transfers.models import Transfer

FIELDS = [
    "id",
    "amount_in_cents",
    "direction",
    "origin",
    "status",
    "description",
    "source",
    "destination",
    "rule_id",
    "rule_execution_id",
    "error_code",
    "created_at",
    "completed_at",
    "cancel_reason",
    "not_before",
]
KINDS = ["income", "pod", "depository", "investment", "liability"]
# (source, destination): direction and origin. Every other pair is refused.
POSSIBLE = {
    ("income", "pod"): ("internal", "user"),
    ("pod", "pod"): ("internal", "user"),
    ("income", "depository"): ("money_out", "user"),
    ("income", "investment"): ("money_out", "user"),
    ("income", "liability"): ("money_out", "user"),
    ("pod", "depository"): ("money_out", "user"),
    ("pod", "investment"): ("money_out", "user"),
    ("pod", "liability"): ("money_out", "user"),
    ("depository", "pod"): ("money_in", "user_pull"),
}
STATEMENTS = 9


@pytest.fixture
def account_of(acme):
    """Return a function that makes an account of a kind, with money where a ledger can hold it."""

    def make(kind: str) -> Account:
        if kind in ("income", "pod"):
            account = (IncomeSourceFactory if kind == "income" else PodFactory)(organization=acme)
            fund(account, 100_00)
            return account
        return ExternalAccountFactory(organization=acme, external_account_type=kind.upper(), balance_cents=100_00)

    return make


class TestCreateTransfer:
    def test_answers_with_the_whole_transfer(self, api, income, rent):
        response = post_transfer(api, income, rent, 30_00, description="June rent")

        assert response.status_code == 201
        body = response.json()
        transfer = body["data"]
        assert list(body) == ["request_id", "data"]
        assert list(transfer) == FIELDS
        assert re.fullmatch("txr_[0-9A-Z]{26}", transfer["id"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", transfer["created_at"])
        assert {name: transfer[name] for name in FIELDS if name not in ("id", "created_at")} == {
            "amount_in_cents": 30_00,
            "direction": "internal",
            "origin": "user",
            "status": "processing",
            "description": "June rent",
            "source": {"id": income.id, "name": "Payroll", "type": "income_source"},
            "destination": {"id": rent.id, "name": "Rent", "type": "pod"},
            "rule_id": None,
            "rule_execution_id": None,
            "error_code": None,
            "completed_at": None,
            "cancel_reason": None,
            "not_before": None,
        }
        assert list(transfer["source"]) == ["id", "name", "type"]

    def test_moves_nothing_until_a_worker_settles_it(self, api, income, rent):
        sent = post_transfer(api, income, rent, 30_00).json()["data"]

        assert balances(income, rent) == [100_00, 0]
        settle()

        assert balances(income, rent) == [70_00, 30_00]
        got = api.get(f"/transfers/{sent['id']}").json()["data"]
        assert got.pop("completed_at") is not None
        del sent["completed_at"]
        assert got == {**sent, "status": "complete"}

    def test_tells_that_there_was_too_little(self, api, income, rent):
        sent = post_transfer(api, income, rent, 100_01).json()["data"]
        settle()

        got = api.get(f"/transfers/{sent['id']}").json()["data"]
        assert (got["status"], got["error_code"], got["completed_at"]) == ("incomplete", "insufficient_funds", None)
        assert balances(income, rent) == [100_00, 0]
        assert_nothing_moved()

    @pytest.mark.parametrize("source_kind", KINDS)
    @pytest.mark.parametrize("destination_kind", KINDS)
    def test_goes_between_these_pairs_and_no_others(self, api, account_of, later, source_kind, destination_kind):
        source, destination = account_of(source_kind), account_of(destination_kind)

        response = post_transfer(api, source, destination, 10_00)
        settle()
        settle(later())

        if (source_kind, destination_kind) not in POSSIBLE:
            assert error_of(response) == (400, "invalid_request")
            assert not Transfer.objects.filter(source=source).exists()
            assert balances(source, destination) == [100_00, 100_00]
            return
        assert response.status_code == 201
        sent = response.json()["data"]
        assert (sent["direction"], sent["origin"]) == POSSIBLE[source_kind, destination_kind]
        assert api.get(f"/transfers/{sent['id']}").json()["data"]["status"] == "complete"
        owes_less = destination_kind == "liability"
        assert balances(source, destination) == [90_00, 90_00 if owes_less else 110_00]
        assert held(source) == 0

    @pytest.mark.parametrize("cents", [99, 0, -100, 2**53, 10**30, "1000", 1000.0, 1000.5, True, None, [], {}, "١٠٠٠"])
    def test_refuses_an_amount_below_a_dollar_or_that_is_no_whole_number(self, api, income, rent, cents):
        response = post_transfer(api, income, rent, cents)

        assert error_of(response) == (400, "invalid_request")
        assert [detail["field"] for detail in response.json()["error"]["details"]] == ["amount_in_cents"]
        assert_nothing_moved()

    @pytest.mark.parametrize("cents", [100, 2**53 - 1])
    def test_takes_an_amount_from_a_dollar_up(self, api, income, rent, cents):
        assert post_transfer(api, income, rent, cents).json()["data"]["amount_in_cents"] == cents

    @pytest.mark.parametrize("text", ["A1 b2 C3 4", "x", "0000000000"])
    def test_takes_ten_letters_digits_and_spaces_as_description(self, api, income, rent, text):
        assert post_transfer(api, income, rent, 1_00, description=text).json()["data"]["description"] == text

    def test_counts_an_absent_or_null_description_as_none(self, api, income, rent):
        assert post_transfer(api, income, rent, 1_00).json()["data"]["description"] is None
        assert post_transfer(api, income, rent, 1_00, description=None).json()["data"]["description"] is None

    @pytest.mark.parametrize(
        "text", ["12345678901", "a-b", "ä", "a\nb", "", " ", "a_b", "١", 5, ["a"], "a\n", "\ta", " 1234567890"]
    )
    def test_refuses_any_other_description(self, api, income, rent, text):
        response = post_transfer(api, income, rent, 1_00, description=text)

        assert error_of(response) == (400, "invalid_request")
        assert response.json()["error"]["details"][0]["field"] == "description"
        assert_nothing_moved()

    def test_refuses_the_same_account_twice(self, api, income, rent):
        response = post_transfer(api, rent, rent, 1_00)

        assert error_of(response) == (400, "invalid_request")
        assert response.json()["error"]["details"][0]["code"] == "same_account"

    @pytest.mark.parametrize("missing", ["source_account_id", "destination_account_id", "amount_in_cents"])
    def test_wants_both_accounts_and_the_amount(self, api, income, rent, missing):
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 1_00}
        del body[missing]

        response = api.post("/transfers", body)

        assert error_of(response) == (400, "invalid_request")
        assert [detail["field"] for detail in response.json()["error"]["details"]] == [missing]

    def test_refuses_a_field_that_does_not_exist(self, api, income, rent):
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 1_00, "rail": 1}

        assert error_of(api.post("/transfers", body)) == (400, "invalid_request")

    @pytest.mark.parametrize("end", ["source_account_id", "destination_account_id"])
    @pytest.mark.parametrize("which", ["unknown", "malformed", "foreign", "deleted"])
    def test_does_not_find_an_account_that_is_none_of_ours(self, api, income, rent, globex, end, which):
        foreign, deleted = PodFactory(organization=globex), PodFactory(organization=income.organization)
        api.delete(f"/accounts/{deleted.id}")
        id = {"unknown": "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV", "malformed": "nobody"}.get(which)
        id = id or {"foreign": foreign.id, "deleted": deleted.id}[which]
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 1_00, end: id}

        response = api.post("/transfers", body)

        assert error_of(response) == (404, "not_found")
        assert response.json()["error"] == {
            "code": "not_found",
            "message": "Account not found.",
            "details": [{"field": end, "code": "not_found", "message": "Account not found."}],
        }
        assert_nothing_moved()

    def test_names_both_accounts_where_neither_is_there(self, api):
        response = api.post(
            "/transfers", {"source_account_id": " acc_1 ", "destination_account_id": "acc_2", "amount_in_cents": 1_00}
        )

        fields = [detail["field"] for detail in response.json()["error"]["details"]]
        assert fields == ["source_account_id", "destination_account_id"]

    def test_needs_an_entry_that_matches_the_pair(self, client_with, income, rent, savings):
        api = client_with(f"MANUAL_TRANSFER:{income.id}>{rent.id},{rent.id}>*")

        assert post_transfer(api, income, rent, 1_00).status_code == 201
        assert post_transfer(api, rent, savings, 1_00).status_code == 201
        for source, destination in ((income, savings), (savings, rent), (rent, income)):
            expected = (400, "invalid_request") if source == rent else (403, "forbidden")
            assert error_of(post_transfer(api, source, destination, 1_00)) == expected
        assert Transfer.objects.exclude(api_key=None).count() == 2

    def test_tells_a_key_without_star_nothing_about_what_exists(self, client_with, income, rent, globex):
        api = client_with(f"MANUAL_TRANSFER:{income.id}>{rent.id}")
        answers = set()
        for id in ("acc_01ARZ3NDEKTSV4RRFFQ69G5FAV", PodFactory(organization=globex).id, "nobody"):
            response = api.post(
                "/transfers", {"source_account_id": income.id, "destination_account_id": id, "amount_in_cents": 1_00}
            )
            answers.add((response.status_code, *response.json()["error"].items()))

        text = "This API key does not have the required permission."
        assert answers == {(403, ("code", "forbidden"), ("message", text))}

    def test_needs_the_scope(self, client_with, income, rent):
        assert error_of(post_transfer(client_with("LIST_ACCOUNTS"), income, rent, 1_00)) == (403, "forbidden")

    def test_looks_at_the_pair_before_it_looks_at_the_cap(self, client_with, income, rent, bank, brokerage):
        api = client_with("MANUAL_TRANSFER:*>*@100")

        assert error_of(post_transfer(api, bank, brokerage, 1_01)) == (400, "invalid_request")
        assert error_of(post_transfer(api, income, rent, 1_01)) == (403, "max_amount_exceeded")

    def test_costs_nine_statements_with_an_idempotency_key(self, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*;day=100000;week=100000;month=100000;approval=90000", "LIST_ACCOUNTS")
        post_transfer(api, income, rent, 1_00)

        with CaptureQueriesContext(connection) as statements:
            assert post_transfer(api, income, rent, 1_00, idempotency_key="counted").status_code == 201

        # Inside a test's transaction, BEGIN and COMMIT show as SAVEPOINT and RELEASE.
        assert len(statements) <= STATEMENTS, [query["sql"][:80] for query in statements]


class TestCreateTransferTwice:
    """The same Idempotency-Key again."""

    def test_moves_the_money_once(self, api, income, rent):
        first = post_transfer(api, income, rent, 30_00, idempotency_key="same")
        settle()
        again = post_transfer(api, income, rent, 30_00, idempotency_key="same")
        settle()

        assert first.status_code == again.status_code == 201
        assert again.content == first.content
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert balances(income, rent) == [70_00, 30_00]

    def test_moves_it_again_under_another_key_or_none(self, api, income, rent):
        for key in ("one", "two", None):
            post_transfer(api, income, rent, 10_00, idempotency_key=key)
        settle()

        assert balances(income, rent) == [70_00, 30_00]

    def test_counts_the_cap_once(self, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*;day=3000")
        for _ in range(3):
            assert post_transfer(api, income, rent, 30_00, idempotency_key="same").status_code == 201

        assert set(SpendCounter.objects.values_list("spent_cents", flat=True)) == {30_00}

    def test_repeats_the_refusal_of_a_cap_even_when_there_is_room_by_then(self, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*;day=3000")
        room = post_transfer(api, income, rent, 10_00).json()["data"]
        refused = post_transfer(api, income, rent, 25_00, idempotency_key="late")
        assert error_of(refused) == (403, "max_amount_exceeded")
        api.post(f"/transfers/{room['id']}/cancel")

        again = post_transfer(api, income, rent, 25_00, idempotency_key="late")

        assert again.content == refused.content
        assert again.headers["Idempotent-Replayed"] == "true"
        assert post_transfer(api, income, rent, 25_00, idempotency_key="anew").status_code == 201

    def test_repeats_that_an_account_was_not_there(self, api, income):
        body = {
            "source_account_id": income.id,
            "destination_account_id": "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "amount_in_cents": 1_00,
        }
        first = api.post("/transfers", body, idempotency_key="same")
        again = api.post("/transfers", body, idempotency_key="same")

        assert error_of(first) == (404, "not_found")
        assert [detail["field"] for detail in first.json()["error"]["details"]] == ["destination_account_id"]
        assert again.content == first.content
        assert again.headers["Idempotent-Replayed"] == "true"

    @pytest.mark.parametrize("cents", [99, "100"])
    def test_leaves_the_key_free_after_a_refusal_at_the_door(self, api, income, rent, cents):
        assert post_transfer(api, income, rent, cents, idempotency_key="same").status_code == 400

        assert not IdempotencyRecord.objects.exists()
        assert post_transfer(api, income, rent, 1_00, idempotency_key="same").status_code == 201

    def test_leaves_the_key_free_after_a_pair_that_is_impossible_or_forbidden(self, client_with, income, rent, bank):
        api = client_with(f"MANUAL_TRANSFER:{income.id}>{rent.id},{rent.id}>{income.id}")
        assert post_transfer(api, rent, income, 1_00, idempotency_key="same").status_code == 400
        assert post_transfer(api, income, bank, 1_00, idempotency_key="same").status_code == 403

        assert post_transfer(api, income, rent, 1_00, idempotency_key="same").status_code == 201

    def test_refuses_another_amount(self, api, income, rent):
        post_transfer(api, income, rent, 1_00, idempotency_key="same")

        response = post_transfer(api, income, rent, 2_00, idempotency_key="same")

        assert error_of(response) == (400, "idempotency_key_mismatch")
        assert [detail["field"] for detail in response.json()["error"]["details"]] == ["amount_in_cents"]
        assert Transfer.objects.exclude(api_key=None).count() == 1

    def test_pays_anew_after_a_day(self, api, income, rent, set_clock):
        first = post_transfer(api, income, rent, 1_00, idempotency_key="same")
        record = IdempotencyRecord.objects.get()
        set_clock(record.created_at + timedelta(hours=24))

        again = post_transfer(api, income, rent, 1_00, idempotency_key="same")

        assert again.json()["data"]["id"] != first.json()["data"]["id"]
