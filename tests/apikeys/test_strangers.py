"""A flood of keys that nobody made."""

import pytest

from apikeys import authentication
from apikeys.strangers import MOST_REMEMBERED, MOST_UNKNOWN_KEYS, Strangers
from apikeys.tokens import new_token
from sequence import clock
from tests.client import Api


class TestStrangers:
    @pytest.fixture(autouse=True)
    def _counted(self, settings, monkeypatch):
        settings.RATE_LIMIT_ENABLED = True
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

    def test_are_remembered_in_bounded_memory(self):
        strangers = Strangers()
        for number in range(MOST_REMEMBERED + 5):
            strangers.refuse(str(number), b"", at=clock.now())
            strangers.welcome(str(number).encode())

        assert len(strangers.counts) == len(strangers.known) == MOST_REMEMBERED
