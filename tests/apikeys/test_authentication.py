"""``Authorization: ApiKey <key>``"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys import services
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey, OrganizationStatus
from apikeys.tokens import digest_of, new_token
from tests.accounts.test_masking import every_text_of_the_database
from tests.client import Api
from tests.threads import in_open_transaction

UNAUTHORIZED = {"code": "unauthorized", "message": "Missing or invalid API key."}


@pytest.fixture
def key_and_token(acme):
    return services.create_api_key(
        organization=acme, name="Agent", permissions=parse_permissions(["LIST_ACCOUNTS"]), created_by="test"
    )


@pytest.fixture
def key(key_and_token) -> ApiKey:
    return key_and_token[0]


@pytest.fixture
def token(key_and_token) -> str:
    return key_and_token[1]


def status_with(token: str) -> int:
    response = Api(token).get("/accounts")
    assert response.status_code == 200 or response.json()["error"] == UNAUTHORIZED
    return response.status_code


class TestAuthorizationHeader:
    @pytest.mark.parametrize("scheme", ["ApiKey", "apikey", "APIKEY"])
    def test_names_its_scheme_in_any_case(self, token, scheme):
        assert Api(None).get("/accounts", headers={"Authorization": f"{scheme} {token}"}).status_code == 200

    @pytest.mark.parametrize(
        ("form", "code"),
        [
            ("", "missing"),
            (" ", "missing"),
            ("ApiKey", "malformed"),
            ("ApiKey ", "malformed"),
            ("{token}", "scheme"),
            ("Bearer {token}", "scheme"),
            ("Basic {token}", "scheme"),
            ("ApiKey  {token}", "malformed"),
            ("ApiKey\t{token}", "scheme"),
            ("ApiKey {token} ", "malformed"),
            ("ApiKey {token}x", "malformed"),
            ("ApiKey {token} {token}", "malformed"),
            ("ApiKey {token},ApiKey {token}", "malformed"),
            ("ApiKey sk_é", "malformed"),
            ("ApiKey sk_\x00", "malformed"),
            ("ApiKey {upper}", "malformed"),
        ],
    )
    def test_is_refused_without_a_query_and_told_what_can_be_seen_of_it(self, token, form, code):
        header = form.format(token=token, upper=token.upper())

        with CaptureQueriesContext(connection) as queries:
            response = Api(None).get("/accounts", headers={"Authorization": header})

        assert response.status_code == 401
        error = response.json()["error"]
        assert {**error, "details": 0} == {**UNAUTHORIZED, "details": 0}
        [detail] = error["details"]
        assert (detail["field"], detail["code"]) == ("Authorization", code)
        assert ("ApiKey <key>" in detail["message"]) is (code != "malformed")
        assert len(queries) == 0

    def test_with_a_typing_error_is_refused_without_a_query(self, token):
        typo = token[:20] + ("a" if token[20] != "a" else "b") + token[21:]

        with CaptureQueriesContext(connection) as queries:
            response = Api(typo).get("/accounts")
        assert response.status_code == 401
        assert [detail["code"] for detail in response.json()["error"]["details"]] == ["malformed"]
        assert len(queries) == 0

    def test_with_an_unknown_key_is_refused_and_told_no_more(self, token):
        assert status_with(new_token()) == 401

    def test_in_the_query_opens_nothing(self, token):
        assert Api(None).get(f"/accounts?api_key={token}").status_code == 401


class TestKey:
    def test_is_stored_only_as_a_hash(self, key, token):
        row = every_text_of_the_database()

        assert token[:9] in row
        assert token[:10] not in row
        assert digest_of(token).hex() in row
        assert bytes(ApiKey.objects.get().digest) == digest_of(token)

    def test_is_closed_at_the_next_request_when_revoked(self, key, token):
        assert status_with(token) == 200
        services.revoke_api_key(key_id=key.id)

        assert status_with(token) == 401

    def test_is_closed_from_the_instant_it_expires(self, key, token, set_clock):
        moment = timezone.now() + timedelta(days=1)
        ApiKey.objects.update(expires_at=moment)

        set_clock(moment - timedelta(microseconds=1))
        assert status_with(token) == 200
        set_clock(moment)
        assert status_with(token) == 401

    def test_is_closed_while_its_organization_is_suspended(self, key, token):
        organization_id = key.organization_id
        services.set_organization_status(organization_id=organization_id, status=OrganizationStatus.SUSPENDED)
        assert status_with(token) == 401

        services.set_organization_status(organization_id=organization_id, status=OrganizationStatus.ACTIVE)
        assert status_with(token) == 200

    def test_has_other_permissions_at_the_next_request(self, key, token):
        services.set_permissions(
            key_id=key.id, permissions=parse_permissions(["CREATE_ACCOUNTS"]), changed_by="somebody"
        )

        assert Api(token).get("/accounts").status_code == 403
        assert Api(token).post("/accounts/pods", {"nickname": "Rent"}).status_code == 201

    def test_without_any_permission_opens_nothing(self, acme):
        _, token = services.create_api_key(organization=acme, name="Bare", permissions=[], created_by="test")

        assert Api(token).get("/accounts").status_code == 403


class TestLastUse:
    def used_at(self):
        return ApiKey.objects.get().last_used_at

    def test_is_noted_at_most_once_a_minute(self, key, token, set_clock):
        start = timezone.now()
        assert self.used_at() is None
        for seconds, noted in [(0, 0), (1, 0), (59.999999, 0), (60, 60), (61, 60), (200, 200)]:
            set_clock(start + timedelta(seconds=seconds))
            assert status_with(token) == 200
            assert self.used_at() == start + timedelta(seconds=noted)

    def test_is_not_noted_of_a_key_that_opens_nothing(self, key, token):
        services.revoke_api_key(key_id=key.id)
        status_with(token)

        assert self.used_at() is None

    def test_is_no_change_for_the_audit_trail(self, key, token):
        before = key.events.count()
        status_with(token)

        assert self.used_at() is not None
        assert key.events.count() == before


class TestLockedKey:
    def test_keeps_nobody_waiting(self, transactional_db, key, token):
        with in_open_transaction(lambda: list(ApiKey.objects.select_for_update())):
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '30s'")
            try:
                assert status_with(token) == 200
            finally:
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")
        assert ApiKey.objects.get().last_used_at is None
