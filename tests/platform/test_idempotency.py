"""Idempotency-Keys of the vendor's dialect: one namespace for each endpoint, and one dialect for each key."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone

from apikeys import idempotency
from apikeys.errors import RequestInProgress
from apikeys.idempotency import LIFETIME
from apikeys.models import IdempotencyRecord
from tests.factories import IncomeSourceFactory, PodFactory
from tests.platform.client import plain
from tests.platform.conftest import in_dialect
from tests.platform.steps import action, manual, pay, refusal, step
from tests.rules.steps import enable
from tests.threads import PATIENCE_SECONDS, Crew
from tests.transfers.steps import fund, post_transfer
from transfers.models import Transfer

KEY = "one-key"


def made() -> int:
    return Transfer.objects.filter(origin="user").count()


@pytest.fixture
def rule_path(platform, income, rent):
    from tests.platform.test_rules import own

    body = {"trigger": manual(income), "steps": [step(action("FIXED", income, rent, amountInCents=500))]}
    id = platform.post("/rules", body).json()["data"]["id"]
    enable(own(id))
    return f"/rules/{id}/trigger"


class TestNamespace:
    def test_is_the_endpoint(self, platform, income, rent, rule_path):
        transfer = pay(platform, income, rent, 500, idempotency_key=KEY)
        execution = platform.post(rule_path, {}, idempotency_key=KEY)

        assert (transfer.status_code, execution.status_code) == (201, 202)
        again = pay(platform, income, rent, 500, idempotency_key=KEY)
        assert (again.content, again.headers["Idempotent-Replayed"]) == (transfer.content, "true")
        assert platform.post(rule_path, {}, idempotency_key=KEY).content == execution.content
        assert made() == 1

    def test_is_the_template_and_not_the_address(self, platform, rule_path, income, rent):
        platform.post(rule_path, {}, idempotency_key=KEY)
        other = platform.post(f"/rules/{plain(income.id)}/trigger", {}, idempotency_key=KEY)

        assert refusal(other) == (400, "IDEMPOTENCY_KEY_MISMATCH")

    def test_refuses_another_body(self, platform, income, rent):
        pay(platform, income, rent, 500, idempotency_key=KEY)

        assert refusal(pay(platform, income, rent, 501, idempotency_key=KEY)) == (400, "IDEMPOTENCY_KEY_MISMATCH")

    def test_is_of_every_write(self, platform, income):
        body = {"type": "POD", "name": "Once"}
        accounts = [platform.post("/accounts", body, idempotency_key=KEY) for _ in range(2)]

        assert [response.status_code for response in accounts] == [201, 201]
        assert accounts[0].content == accounts[1].content

    def test_leaves_the_key_free_after_a_refusal_at_the_door(self, platform, income, rent):
        assert pay(platform, income, rent, 1, idempotency_key=KEY).status_code == 400
        assert pay(platform, income, rent, 500, idempotency_key=KEY).status_code == 201


class TestDialects:
    """A client that moves between the dialects in mid-retry does not pay twice."""

    def test_of_the_own_api_first(self, api, platform, income, rent):
        assert post_transfer(api, income, rent, 500, idempotency_key=KEY).status_code == 201

        assert refusal(pay(platform, income, rent, 500, idempotency_key=KEY)) == (400, "IDEMPOTENCY_KEY_MISMATCH")
        assert made() == 1

    def test_of_the_vendor_first(self, api, platform, income, rent):
        assert pay(platform, income, rent, 500, idempotency_key=KEY).status_code == 201

        response = post_transfer(api, income, rent, 500, idempotency_key=KEY)
        assert response.json()["error"]["code"] == "idempotency_key_mismatch"
        assert made() == 1

    def test_are_free_of_each_other_after_a_day(self, api, platform, income, rent, set_clock):
        pay(platform, income, rent, 500, idempotency_key=KEY)
        set_clock(timezone.now() + LIFETIME + timedelta(seconds=1))

        assert post_transfer(api, income, rent, 500, idempotency_key=KEY).status_code == 201
        assert refusal(pay(platform, income, rent, 500, idempotency_key=KEY)) == (400, "IDEMPOTENCY_KEY_MISMATCH")

    def test_are_told_apart_in_the_database_too(self, api, platform, income, rent):
        pay(platform, income, rent, 500, idempotency_key=KEY)

        assert IdempotencyRecord.objects.get().endpoint == "POST /platform/v1/transfers"


@pytest.mark.django_db(transaction=True)
def test_a_key_that_races_through_both_dialects_pays_once(acme, api, by_length, monkeypatch):
    """Whoever is first holds the key: the other dialect waits for it, and is refused."""
    monkeypatch.setattr(idempotency, "TWIN_WAIT_MILLISECONDS", PATIENCE_SECONDS * 1000)
    platform = in_dialect(api)
    # The document that answers are held against is made here, and not by several threads at once.
    platform.get("/beneficiaries"), api.get("/key")
    income, rent = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
    fund(income, 1000_00)
    with Crew(4) as crew:
        for number in range(by_length(4, 20, 100)):
            key = f"race-{number}"
            own, vendors = (
                lambda key=key: post_transfer(api, income, rent, 500, idempotency_key=key).status_code,
                lambda key=key: pay(platform, income, rent, 500, idempotency_key=key).status_code,
            )

            assert sorted(crew.at_once(own, vendors, own, vendors)) == [201, 201, 400, 400]
            assert made() == number + 1


class TestInProgress:
    @pytest.fixture(autouse=True)
    def _somebody_is_faster(self, monkeypatch):
        def wait(*args, **options):
            raise RequestInProgress(retry_after=1)

        monkeypatch.setattr("apikeys.viewsets.idempotency.execute_once", wait)

    def test_is_told_by_what_is_in_progress(self, platform, income, rent):
        transfer = pay(platform, income, rent, 500, idempotency_key=KEY)
        execution = platform.post(f"/rules/{plain(rent.id)}/trigger", {}, idempotency_key=KEY)
        account = platform.post("/accounts", {"type": "POD", "name": "x"}, idempotency_key=KEY)

        assert refusal(transfer) == (409, "TRANSFER_IN_PROGRESS")
        assert refusal(execution) == (409, "RULE_EXECUTION_IN_PROGRESS")
        assert refusal(account) == (409, "REQUEST_IN_PROGRESS")
        assert transfer.headers["Retry-After"] == "1"


class TestRecord:
    """What ``GET /api/v1/idempotency-keys/{key}`` tells of the dialect's requests."""

    def test_is_picked_by_its_endpoint(self, api, platform, income, rent, rule_path):
        transfer = pay(platform, income, rent, 500, idempotency_key=KEY).json()
        execution = platform.post(rule_path, {}, idempotency_key=KEY).json()

        def told(endpoint=None):
            query = f"?endpoint={quote(endpoint)}" if endpoint else ""
            return api.get(f"/idempotency-keys/{KEY}{query}").json()

        of_transfer = told("POST /platform/v1/transfers")["data"]
        assert of_transfer["response"] == transfer
        assert of_transfer["resource"]["type"] == "transfer"
        assert plain(of_transfer["resource"]["id"]) == transfer["data"]["id"]
        for endpoint in (None, "POST /platform/v1/rules/{id}/trigger", f"POST /platform/v1{rule_path}"):
            newest = told(endpoint)["data"]
            assert (newest["response"], newest["resource"]["type"]) == (execution, "rule_execution")

    def test_withholds_what_the_key_may_not_do_any_more(self, api, platform, income, rent, client_with):
        from apikeys.entries import parse_permissions
        from apikeys.models import ApiKey
        from apikeys.services import set_permissions

        pay(platform, income, rent, 500, idempotency_key=KEY)
        permissions = parse_permissions([f"MANUAL_TRANSFER:{rent.id}>{income.id}"])
        set_permissions(key_id=ApiKey.objects.get().id, permissions=permissions, changed_by="test")

        told = api.get(f"/idempotency-keys/{KEY}").json()["data"]

        assert (told["response"], told["response_withheld"]) == (None, True)
        assert refusal(pay(platform, income, rent, 500, idempotency_key=KEY)) == (403, "ACCESS_DENIED")
