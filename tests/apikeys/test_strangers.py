"""A flood of keys that nobody made."""

import pytest
from django.test import Client

from apikeys import authentication
from apikeys.models import ApiKey, OrganizationStatus
from apikeys.services import set_organization_status
from apikeys.strangers import MOST_REMEMBERED, MOST_UNKNOWN_KEYS, Strangers
from apikeys.tokens import new_token
from sequence.core import clock
from tests.client import Api


class TestStrangers:
    @pytest.fixture(autouse=True)
    def _counted_in_one_minute(self, settings, monkeypatch, set_clock):
        """However long this machine takes for a minute's requests."""
        settings.RATE_LIMIT_ENABLED = True
        set_clock(clock.now())
        monkeypatch.setattr(authentication, "strangers", Strangers())

    def test_are_refused_without_asking_the_database(self, db, api, django_assert_num_queries):
        assert api.get("/accounts").status_code == 200
        for _ in range(MOST_UNKNOWN_KEYS):
            assert Api(new_token()).get("/accounts").status_code == 401

        with django_assert_num_queries(0):
            answer = Api(new_token()).get("/accounts")
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) <= 60
        assert api.get("/accounts").status_code == 200

    @pytest.mark.parametrize("close", ["revoke", "expire", "suspend"])
    def test_are_not_those_whose_key_was_closed(self, acme, globex, api, client_with, close):
        closed = client_with("LIST_ACCOUNTS", organization=globex)
        if close == "suspend":
            set_organization_status(organization_id=globex.id, status=OrganizationStatus.SUSPENDED)
        else:
            column = {"revoke": "revoked_at", "expire": "expires_at"}[close]
            ApiKey.objects.filter(organization=globex).update(**{column: clock.now()})

        for _ in range(MOST_UNKNOWN_KEYS + 1):
            assert closed.get("/accounts").status_code == 401
        assert api.get("/accounts").status_code == 200

        for _ in range(MOST_UNKNOWN_KEYS):
            Api(new_token()).get("/accounts")
        assert Api(new_token()).get("/accounts").status_code == 429
        assert closed.get("/accounts").status_code == 401

    def test_from_one_ipv6_network_count_as_one(self, db):
        def ask(address: str) -> int:
            return (
                Client()
                .get("/api/v1/accounts", headers={"Authorization": f"ApiKey {new_token()}"}, REMOTE_ADDR=address)
                .status_code
            )

        assert {ask(f"2001:db8::{number:x}") for number in range(MOST_UNKNOWN_KEYS)} == {401}
        assert ask("2001:db8::ffff:1") == 429
        assert ask("2001:db8:0:1::1") == 401

    def test_do_not_get_round_it_by_what_they_claim(self, db, settings):
        def ask(claim: str) -> int:
            headers = {"Authorization": f"ApiKey {new_token()}", "X-Forwarded-For": claim}
            return Client().get("/api/v1/accounts", headers=headers).status_code

        assert {ask(f"198.51.100.{number}") for number in range(MOST_UNKNOWN_KEYS)} == {401}
        assert ask("203.0.113.1") == 429
        settings.BEHIND_PROXY = True
        assert {ask(f"203.0.113.{number}, 192.0.2.1") for number in range(MOST_UNKNOWN_KEYS)} == {401}
        assert ask("203.0.113.99, 192.0.2.1:4711") == 429
        assert ask("192.0.2.1, 203.0.113.99") == 401

    def test_are_remembered_in_bounded_memory(self):
        strangers = Strangers()
        for number in range(MOST_REMEMBERED + 5):
            strangers.refuse(str(number), b"", at=clock.now())
            strangers.welcome(str(number).encode())

        assert len(strangers.counts) == len(strangers.known) == MOST_REMEMBERED
