"""``GET /idempotency-keys/{key}``"""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.apps import apps
from django.utils import timezone

from apikeys import services
from apikeys.entries import parse_permissions
from apikeys.models import IdempotencyRecord
from apikeys.services import set_permissions
from sequence.core.api.ids import NOUNS, PrefixedIdField, new_id, noun_of
from sequence.stops.services import pause_key
from tests.apikeys.repeats import INCOME, KEY, PODS
from tests.apikeys.test_idempotency import key_of
from tests.client import Api
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import action, manual, rule, step
from tests.transfers.steps import fund, post_transfer

# Within a test's own transaction whatever was sent is still in progress.
for_real = pytest.mark.django_db(transaction=True)

FIELDS = [
    "key",
    "state",
    "method",
    "path",
    "request_id",
    "response_status",
    "created_at",
    "expires_at",
    "resource",
    "response",
    "response_withheld",
]


def ask(api, key: str = KEY, *, query: str = ""):
    return api.get(f"/idempotency-keys/{quote(key, safe='')}{query}")


def told(api, key: str = KEY, *, query: str = "") -> dict:
    answer = ask(api, key, query=query)
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert list(data) == FIELDS
    return data


def assert_not_found(answer) -> None:
    assert answer.status_code == 404
    assert answer.json()["error"] == {"code": "not_found", "message": "Idempotency key not found."}


def token_of(api) -> str:
    return api.headers["Authorization"].removeprefix("ApiKey ")


@pytest.fixture
def pod(acme):
    return PodFactory(organization=acme, name="Rent")


class TestAnsweredRequest:
    def test_is_told_whole(self, api):
        first = api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY, headers={"X-Request-ID": "mine"})

        data = told(api)

        record = IdempotencyRecord.objects.get()
        assert data == {
            "key": KEY,
            "state": "completed",
            "method": "POST",
            "path": "/api/v1/accounts/pods",
            "request_id": "mine",
            "response_status": 201,
            "created_at": record.created_at.isoformat().replace("+00:00", "Z"),
            "expires_at": (record.created_at + timedelta(hours=24)).isoformat().replace("+00:00", "Z"),
            "resource": {"type": "account", "id": first.json()["data"]["id"]},
            "response": first.json(),
            "response_withheld": False,
        }

    def test_without_a_body_names_what_its_address_does(self, api, pod):
        api.delete(f"/accounts/{pod.id}", idempotency_key=KEY)

        data = told(api)
        assert (data["response_status"], data["response"], data["response_withheld"]) == (204, None, False)
        assert data["resource"] == {"type": "account", "id": pod.id}

    def test_that_only_started_something_names_that(self, api, acme):
        pods = PodFactory.create_batch(2, organization=acme)
        move = action("fixed_amount", pods[0].id, pods[1].id, amount_in_cents=100)
        made = api.post("/rules", rule(step(move), trigger=manual(pods[0].id)), idempotency_key="rule").json()["data"]
        started = api.post(f"/rules/{made['id']}/trigger", {"simulation": True}, idempotency_key=KEY)

        assert told(api, "rule")["resource"] == {"type": "rule", "id": made["id"]}
        id = started.json()["data"]["execution_id"]
        assert told(api)["resource"] == {"type": "rule_execution", "id": id}

    def test_that_was_refused_for_its_state_has_its_refusal_and_no_resource(self, api, pod):
        fund(pod, 5)
        refusal = api.delete(f"/accounts/{pod.id}", idempotency_key=KEY)

        data = told(api)
        assert (data["response_status"], data["resource"]) == (409, None)
        assert data["response"] == refusal.json()

    def test_is_told_the_same_after_a_replay(self, api):
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)
        before = told(api)
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        assert told(api) == before

    @pytest.mark.parametrize("key", ["a/b", "/", "//a//", "a%2Fb", "?x=1#y", "..", "~!&=+;:'\"<>|\\", "x" * 255])
    def test_is_found_whatever_its_key_is_made_of(self, api, key):
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=key)

        assert told(api, key)["key"] == key

    @for_real
    def test_is_found_by_its_endpoint_alone(self, api):
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        assert told(api, query="?endpoint=POST%20/api/v1/accounts/pods")["state"] == "completed"
        for other in ("POST%20/api/v1/accounts", "PUT%20/api/v1/accounts/pods", "POST", "x"):
            assert_not_found(ask(api, query=f"?endpoint={other}"))

    def test_is_told_to_a_key_without_any_permission(self, client_with):
        api = client_with("CREATE_ACCOUNTS")
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)
        set_permissions(key_id=key_of(api).id, permissions=[], changed_by="test")

        data = told(api)
        assert (data["state"], data["response"], data["response_withheld"]) == ("completed", None, True)
        assert data["resource"]["type"] == "account"


@for_real
class TestRequestThatHadNoEffect:
    def test_was_never_sent(self, api):
        assert_not_found(ask(api))

    @pytest.mark.parametrize("body", [{}, {"nickname": 5}, {"nickname": "Rent", "x": 1}])
    def test_was_refused_at_the_door(self, api, body):
        assert api.post(PODS, body, idempotency_key=KEY).status_code == 400

        assert_not_found(ask(api))

    def test_is_forgotten_from_the_instant_it_expires(self, api, set_clock):
        now = timezone.now()
        set_clock(now)
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        set_clock(now + timedelta(hours=24) - timedelta(microseconds=1))
        assert told(api)["state"] == "completed"
        set_clock(now + timedelta(hours=24))
        assert_not_found(ask(api))

    def test_is_forgotten_when_it_is_purged(self, api):
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)
        IdempotencyRecord.objects.all().delete()

        assert_not_found(ask(api))

    @pytest.mark.parametrize("key", ["a,b", "é", "x" * 256, "%00", "\0", "a\0b", "a b", " "])
    def test_has_a_key_that_none_can_have(self, api, key):
        assert_not_found(ask(api, key))

    def test_is_what_others_are_told_of_it(self, api, client_with, other_api):
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        assert_not_found(ask(client_with("CREATE_ACCOUNTS")))
        assert_not_found(ask(other_api))


class TestOwnLineage:
    def test_is_shared_by_rotations_in_both_directions(self, api):
        _, token = services.rotate_api_key(key_id=key_of(api).id, overlap=timedelta(hours=1), rotated_by="test")
        api.post(PODS, {"nickname": "Rent"}, idempotency_key="before")
        Api(token).post(PODS, {"nickname": "Rent"}, idempotency_key="after")

        for key in ("before", "after"):
            assert told(api, key) == told(Api(token), key)

    def test_is_told_to_a_paused_key_without_what_it_may_no_longer_do(self, api):
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)
        pause_key(key_id=key_of(api).id, by="staff:somebody")

        data = told(api)
        assert (data["state"], data["response_status"]) == ("completed", 201)
        assert (data["response"], data["response_withheld"]) == (None, True)

    def test_is_told_to_a_paused_key_where_it_may_still_call(self, api):
        paused = api.post("/key/pause", {}, idempotency_key=KEY)

        assert told(api)["response"] == paused.json()

    def test_is_closed_to_a_revoked_key(self, api):
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)
        services.revoke_api_key(key_id=key_of(api).id)

        assert ask(api).status_code == 401


class TestAnswerThatIsWithheld:
    """Just where a replay would be refused."""

    @pytest.fixture
    def income(self, acme):
        account = IncomeSourceFactory(organization=acme)
        fund(account, 100_00)
        return account

    def change(self, api, *permissions: str) -> bool:
        set_permissions(key_id=key_of(api).id, permissions=parse_permissions(permissions), changed_by="test")
        return told(api)["response_withheld"]

    def test_depends_on_the_scope(self, client_with):
        api = client_with("CREATE_ACCOUNTS")
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        assert self.change(api, "LIST_ACCOUNTS", "EDIT_ACCOUNTS:*")
        assert not self.change(api, "CREATE_ACCOUNTS")

    def test_depends_on_the_resource_in_the_address(self, client_with, pod):
        api = client_with(f"EDIT_ACCOUNTS:{pod.id}")
        api.patch(f"/accounts/{pod.id}", {"nickname": "Home"}, idempotency_key=KEY)

        assert self.change(api, f"EDIT_ACCOUNTS:{new_id('acc')}")
        assert not self.change(api, f"EDIT_ACCOUNTS:{pod.id}")
        assert not self.change(api, "EDIT_ACCOUNTS:*")

    def test_depends_on_the_pair_in_the_body(self, client_with, income, pod):
        api = client_with("MANUAL_TRANSFER:*>*")
        body = {"source_account_id": income.id, "destination_account_id": pod.id, "amount_in_cents": 1_00}
        assert api.post("/transfers", body, idempotency_key=KEY).status_code == 201

        assert self.change(api, f"MANUAL_TRANSFER:{pod.id}>{income.id}")
        assert self.change(api, "READ_TRANSFERS:*")
        assert not self.change(api, f"MANUAL_TRANSFER:{income.id}>{pod.id}")

    def test_depends_on_what_the_request_found(self, client_with, income, pod):
        api = client_with("MANUAL_TRANSFER:*>*")
        transfer = post_transfer(api, income, pod, 1_00).json()["data"]
        api.post(f"/transfers/{transfer['id']}/cancel", idempotency_key=KEY)

        assert self.change(api, f"MANUAL_TRANSFER:{pod.id}>{income.id}")
        assert not self.change(api, f"MANUAL_TRANSFER:{income.id}>{pod.id}")

    def test_is_given_where_nothing_was_found_to_whoever_may_know_that(self, client_with):
        api = client_with("MANUAL_TRANSFER:*>*")
        refusal = api.post(f"/transfers/{new_id('txr')}/cancel", idempotency_key=KEY)

        assert told(api)["response"] == refusal.json()
        assert not self.change(api, "MANUAL_TRANSFER:*>*")
        assert self.change(api, f"MANUAL_TRANSFER:{new_id('acc')}>*")

    def test_is_given_of_a_rule_with_fractions(self, client_with, income, pod):
        api = client_with("CREATE_AND_EDIT_RULES")
        move = action("percentage", income.id, pod.id, percentage_value=33.33, percentage_target="SOURCE_ACCOUNT")
        created = api.post("/rules", rule(step(move), trigger=manual(income.id)), idempotency_key=KEY)

        assert created.status_code == 201
        assert told(api)["response"] == json.loads(created.content)
        assert self.change(api, "LIST_RULES")

    @pytest.mark.parametrize(
        ("method", "path"), [("POST", "/api/v1/gone"), ("BREW", "/api/v1/transfers"), ("POST", "/"), ("POST", "/%00")]
    )
    def test_is_that_of_a_call_that_nobody_can_make(self, api, method, path):
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)
        IdempotencyRecord.objects.update(method=method, path=path)

        assert told(api)["response_withheld"]


class TestNoun:
    def test_is_known_of_every_id(self):
        prefixes = {model._meta.pk.prefix for model in apps.get_models() if isinstance(model._meta.pk, PrefixedIdField)}

        assert prefixes <= set(NOUNS)
        assert noun_of(new_id("rex")) == "rule_execution"

    @pytest.mark.parametrize("text", [None, 5, "", "acc_", "acc", "req_01ARZ3NDEKTSV4RRFFQ69G5FAV", INCOME, ["acc_1"]])
    def test_of_anything_else_is_none(self, text):
        assert noun_of(text) is None
