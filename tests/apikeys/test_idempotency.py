"""A repeated request does nothing twice."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import AccountInUse
from accounts.models import Account
from apikeys import services
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey, IdempotencyRecord
from sequence.core.api.ids import new_id
from tests.apikeys.repeats import INCOME, KEY, PODS
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS
from tests.factories import PodFactory, set_balance


@pytest.fixture
def pod(acme):
    return PodFactory(organization=acme, name="Rent")


def repeat(api, method: str, path: str, body=None, **options):
    """Send the same request twice under one key and return both answers."""
    return [api.request(method, path, body, idempotency_key=KEY, **options) for _ in range(2)]


def assert_is_replay(again, first) -> None:
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("Content-Type") == first.headers.get("Content-Type")
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


def key_of(api) -> ApiKey:
    return ApiKey.objects.get(digest=services.digest_of(api.headers["Authorization"].removeprefix("ApiKey ")))


class TestReplay:
    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("POST", INCOME, {"nickname": "Payroll", "icon": "briefcase"}, 201),
            ("POST", PODS, {"nickname": "Miete 🏠", "savings_target_in_cents": 5}, 201),
            ("PATCH", "/accounts/{id}", {"nickname": "Home"}, 200),
            ("DELETE", "/accounts/{id}", None, 204),
        ],
    )
    def test_is_the_first_answer_byte_for_byte(self, api, pod, method, path, body, status):
        first, again = repeat(api, method, path.format(id=pod.id), body)

        assert first.status_code == status
        assert_is_replay(again, first)
        assert IdempotencyRecord.objects.count() == 1

    def test_creates_nothing_again(self, api):
        repeat(api, "POST", INCOME, {"nickname": "Payroll"})

        assert Account.objects.count() == 1

    def test_does_not_undo_what_happened_since(self, api, pod):
        api.patch(f"/accounts/{pod.id}", {"nickname": "First"}, idempotency_key=KEY)
        api.patch(f"/accounts/{pod.id}", {"nickname": "Since"})

        again = api.patch(f"/accounts/{pod.id}", {"nickname": "First"}, idempotency_key=KEY)

        pod.refresh_from_db()
        assert again.json()["data"]["name"] == "First"
        assert pod.name == "Since"

    def test_has_its_own_request_id_in_the_header_and_the_first_one_in_the_body(self, api):
        body = {"nickname": "Payroll"}
        api.post(INCOME, body, idempotency_key=KEY, headers={"X-Request-ID": "first"})

        again = api.post(INCOME, body, idempotency_key=KEY, headers={"X-Request-ID": "second"})

        assert again.headers["X-Request-ID"] == "second"
        assert again.json()["request_id"] == "first"

    def test_comes_for_a_body_with_other_white_space_and_key_order(self, api):
        first = api.post(PODS, raw=b'{"nickname":"Rent","icon":"a"}', idempotency_key=KEY)

        again = api.post(PODS, raw=b' {\n "\\u0069con" : "a",\t"nickname": "Rent" } ', idempotency_key=KEY)

        assert_is_replay(again, first)

    def test_does_not_happen_without_a_key(self, api):
        for _ in range(2):
            assert api.post(PODS, {"nickname": "Rent"}).status_code == 201

        assert Account.objects.count() == 2
        assert not IdempotencyRecord.objects.exists()

    def test_does_not_happen_on_get(self, api, pod):
        for _ in range(2):
            assert "Idempotent-Replayed" not in api.get("/accounts", idempotency_key=KEY).headers

        assert not IdempotencyRecord.objects.exists()


class TestIdempotencyKey:
    @pytest.mark.parametrize("key", ["a", "x" * 255, "!~", KEY, "a-b;c=d", '"quoted"'])
    def test_may_be(self, api, key):
        for _ in range(2):
            response = api.post(PODS, {"nickname": "Rent"}, idempotency_key=key)

        assert response.headers["Idempotent-Replayed"] == "true"
        assert IdempotencyRecord.objects.get().key == key

    @pytest.mark.parametrize(
        "key", ["", " ", "x" * 256, "two words", "one,two", "one, one", "tab\t", "é", "a\x7f", "a\n", "a\x00"]
    )
    @pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
    def test_is_refused_when_it_is(self, api, pod, method, key):
        path = PODS if method == "POST" else f"/accounts/{pod.id}"

        response = api.request(method, path, {"nickname": "New"}, idempotency_key=key)

        assert response.status_code == 400
        assert response.json()["error"]["details"][0]["field"] == "Idempotency-Key"
        assert list(Account.objects.values_list("name", "deleted_at")) == [("Rent", None)]

    def test_is_ignored_on_get_whatever_it_is(self, api):
        assert api.get("/accounts", idempotency_key="").status_code == 200

    def test_of_different_case_is_another_key(self, api):
        for key in ["abc", "ABC"]:
            api.post(PODS, {"nickname": "Rent"}, idempotency_key=key)

        assert Account.objects.count() == 2


class TestRefusals:
    """Outcomes are kept, refusals at the door leave the key free."""

    def test_of_existence_are_kept(self, api, acme):
        later = new_id("acc")
        first = api.delete(f"/accounts/{later}", idempotency_key=KEY)
        PodFactory(organization=acme, id=later)

        again = api.delete(f"/accounts/{later}", idempotency_key=KEY)

        assert first.status_code == 404
        assert_is_replay(again, first)
        assert Account.objects.get().deleted_at is None

    def test_of_state_are_kept(self, api, pod):
        set_balance(pod, 500)
        first = api.delete(f"/accounts/{pod.id}", idempotency_key=KEY)
        set_balance(pod, 0)

        again = api.delete(f"/accounts/{pod.id}", idempotency_key=KEY)

        assert first.json()["error"]["code"] == "account_not_empty"
        assert_is_replay(again, first)
        assert Account.objects.get().deleted_at is None

    def test_of_state_undo_their_half_done_effect(self, api, pod, monkeypatch):
        def half_done(*, account_id, **_):
            Account.objects.filter(id=account_id).update(name="Half done")
            raise AccountInUse(name="Rent", users="a rule")

        monkeypatch.setattr("accounts.services.delete_account", half_done)

        first, again = repeat(api, "DELETE", f"/accounts/{pod.id}")

        assert first.status_code == 409
        assert_is_replay(again, first)
        assert Account.objects.get().name == "Rent"

    def test_of_validation_leave_the_key_free(self, api):
        assert api.post(PODS, {"nickname": ""}, idempotency_key=KEY).status_code == 400
        assert not IdempotencyRecord.objects.exists()

        response = api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        assert response.status_code == 201
        assert "Idempotent-Replayed" not in response.headers

    def test_of_the_resource_leave_the_key_free(self, client_with, pod):
        api = client_with(f"EDIT_ACCOUNTS:{new_id('acc')}")
        assert api.delete(f"/accounts/{pod.id}", idempotency_key=KEY).status_code == 403
        assert not IdempotencyRecord.objects.exists()
        services.set_permissions(
            key_id=key_of(api).id, permissions=parse_permissions(["EDIT_ACCOUNTS:*"]), changed_by="test"
        )

        assert api.delete(f"/accounts/{pod.id}", idempotency_key=KEY).status_code == 204

    def test_of_key_scope_and_rate_leave_the_key_free(self, api, client_with, settings):
        assert Api("sk_x").post(PODS, {"nickname": "Rent"}, idempotency_key=KEY).status_code == 401
        assert client_with("LIST_ACCOUNTS").post(PODS, {"nickname": "Rent"}, idempotency_key=KEY).status_code == 403
        settings.RATE_LIMIT_ENABLED, settings.RATE_LIMIT_PER_MINUTE = True, 1
        api.get("/accounts")
        assert api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY).status_code == 429
        settings.RATE_LIMIT_ENABLED = False

        assert not IdempotencyRecord.objects.exists()
        assert api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY).status_code == 201

    def test_that_nobody_expected_leave_the_key_free(self, api, monkeypatch):
        def explode(**_):
            raise RuntimeError("broken")

        with monkeypatch.context() as patch:
            patch.setattr("accounts.services.create_pod", explode)
            assert api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY).status_code == 500
        assert not IdempotencyRecord.objects.exists()

        assert api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY).status_code == 201


class TestRecord:
    def test_lives_24_hours_and_is_then_taken_over(self, api, set_clock):
        start = timezone.now()
        set_clock(start)
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        set_clock(start + timedelta(hours=24) - timedelta(microseconds=1))
        assert api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY).headers["Idempotent-Replayed"] == "true"
        set_clock(start + timedelta(hours=24))
        response = api.post(PODS, {"nickname": "Another"}, idempotency_key=KEY)

        assert response.status_code == 201
        assert "Idempotent-Replayed" not in response.headers
        assert Account.objects.count() == 2
        again = api.post(PODS, {"nickname": "Another"}, idempotency_key=KEY)
        assert_is_replay(again, response)

    def test_that_expired_stays_expired_when_the_new_request_is_refused(self, api, set_clock):
        start = timezone.now()
        set_clock(start)
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)
        set_clock(start + timedelta(hours=25))

        assert api.post(PODS, {"nickname": ""}, idempotency_key=KEY).status_code == 400

        assert api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY).status_code == 201
        assert Account.objects.count() == 2

    def test_tells_who_asked_for_what(self, api, acme):
        api.post(PODS, {"nickname": "Rent", "icon": "a"}, idempotency_key=KEY, headers={"X-Request-ID": "r-1"})

        record = IdempotencyRecord.objects.get()
        assert (record.organization_id, record.api_key_id) == (acme.id, key_of(api).id)
        assert (record.key, record.request_id, record.method, record.path) == (KEY, "r-1", "POST", "/api/v1" + PODS)
        assert (record.request_body, record.response_status) == ('{"icon":"a","nickname":"Rent"}', 201)
        assert record.expires_at - record.created_at == timedelta(hours=24)

    def test_that_is_purged_frees_its_key(self, api):
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)
        assert services.purge_idempotency_records() == 0
        assert services.purge_idempotency_records(include_live=True) == 1

        response = api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        assert response.status_code == 201
        assert Account.objects.count() == 2


class TestReplayAuthorization:
    @pytest.fixture
    def first(self, api, pod):
        return api.patch(f"/accounts/{pod.id}", {"nickname": "Home"}, idempotency_key=KEY)

    def again(self, api, pod):
        return api.patch(f"/accounts/{pod.id}", {"nickname": "Home"}, idempotency_key=KEY)

    def test_lets_the_same_key_have_the_answer(self, api, pod, first):
        assert_is_replay(self.again(api, pod), first)

    def test_refuses_a_revoked_key(self, api, pod, first):
        services.revoke_api_key(key_id=key_of(api).id)

        assert self.again(api, pod).status_code == 401

    @pytest.mark.parametrize("left", ["LIST_ACCOUNTS", "EDIT_ACCOUNTS:acc_1"])
    def test_refuses_a_key_that_lost_the_scope_or_the_resource(self, api, pod, first, left):
        services.set_permissions(key_id=key_of(api).id, permissions=parse_permissions([left]), changed_by="test")

        response = self.again(api, pod)

        assert response.status_code == 403
        assert response.json()["error"]["code"] == "forbidden"
        assert "Idempotent-Replayed" not in response.headers

    def test_lets_a_key_that_may_know_it_have_the_refusal_of_what_is_not_there(self, api):
        path = f"/transfers/{new_id('txr')}/cancel"
        first = api.post(path, idempotency_key=KEY)

        assert first.status_code == 404
        assert_is_replay(api.post(path, idempotency_key=KEY), first)

    def test_lets_a_key_that_kept_just_this_resource_have_the_answer(self, api, pod, first):
        kept = parse_permissions([f"EDIT_ACCOUNTS:{pod.id}"])
        services.set_permissions(key_id=key_of(api).id, permissions=kept, changed_by="test")

        assert_is_replay(self.again(api, pod), first)


class TestWhoseKey:
    def test_of_another_api_key_is_another_key(self, api, client_with):
        second = client_with(*ALL_PERMISSIONS)
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        response = second.post(PODS, {"nickname": "Food"}, idempotency_key=KEY)

        assert response.status_code == 201
        assert Account.objects.count() == 2

    def test_of_another_organization_is_another_key(self, api, other_api, globex):
        api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        response = other_api.post(PODS, {"nickname": "Rent"}, idempotency_key=KEY)

        assert "Idempotent-Replayed" not in response.headers
        assert Account.objects.for_organization(globex.id).get().id == response.json()["data"]["id"]

    def test_goes_on_after_a_rotation_in_both_directions(self, api):
        _, token = services.rotate_api_key(key_id=key_of(api).id, overlap=timedelta(hours=1), rotated_by="test")
        successor = Api(token)

        for first_api, second_api, key in [(api, successor, "one"), (successor, api, "two")]:
            first = first_api.post(PODS, {"nickname": "Rent"}, idempotency_key=key)
            assert_is_replay(second_api.post(PODS, {"nickname": "Rent"}, idempotency_key=key), first)
        assert Account.objects.count() == 2
