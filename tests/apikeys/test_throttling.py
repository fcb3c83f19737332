"""The rate limit."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.models import ApiKey, RateWindow
from tests.client import Api
from tests.threads import Crew


@pytest.fixture(autouse=True)
def _limited(settings):
    settings.RATE_LIMIT_ENABLED = True


@pytest.fixture
def clock(set_clock):
    """A clock that stands still at a whole instant until a test moves it."""
    start = timezone.now()

    def move(seconds: float) -> None:
        set_clock(start + timedelta(seconds=seconds))

    move(0)
    return move


class TestRateLimit:
    @pytest.fixture
    def lister(self, client_with):
        return client_with("LIST_ACCOUNTS")

    def statuses(self, api, requests: int) -> Counter:
        return Counter(api.get("/accounts").status_code for _ in range(requests))

    def test_lets_100_requests_a_minute_pass_and_refuses_the_next(self, lister, clock):
        assert self.statuses(lister, 100) == {200: 100}

        response = lister.get("/accounts")

        assert response.status_code == 429
        assert response.headers["Retry-After"] == "60"
        assert response.json()["error"] == {
            "code": "rate_limit_exceeded",
            "message": "This API key may make 100 requests a minute. Try again in 60 seconds.",
        }

    def test_tells_how_long_to_wait_and_is_free_again_just_then(self, lister, clock):
        self.statuses(lister, 100)
        for second, retry_after in [(0.5, "60"), (1, "59"), (59, "1"), (59.5, "1"), (59.999999, "1")]:
            clock(second)
            assert lister.get("/accounts").headers["Retry-After"] == retry_after

        clock(60)
        assert self.statuses(lister, 101) == {200: 100, 429: 1}

    def test_is_not_prolonged_by_hammering(self, lister, clock):
        self.statuses(lister, 150)
        clock(60)

        assert lister.get("/accounts").status_code == 200

    def test_starts_its_minute_with_the_first_request(self, lister, clock):
        lister.get("/accounts")
        clock(59)
        assert self.statuses(lister, 100) == {200: 99, 429: 1}
        clock(60)

        assert lister.get("/accounts").status_code == 200

    @pytest.mark.parametrize("limit", [1, 5, 120])
    def test_is_another_number_where_staff_set_one(self, lister, clock, limit):
        ApiKey.objects.update(rate_limit_per_minute=limit)

        assert self.statuses(lister, limit + 3) == {200: limit, 429: 3}

    def test_counts_for_each_key_alone(self, lister, client_with, clock, settings):
        settings.RATE_LIMIT_PER_MINUTE = 3
        other = client_with("LIST_ACCOUNTS")
        assert self.statuses(lister, 4) == {200: 3, 429: 1}

        assert self.statuses(other, 3) == {200: 3}

    def test_counts_refusals_of_a_known_key_but_no_strangers(self, lister, clock, settings):
        settings.RATE_LIMIT_PER_MINUTE = 2
        assert lister.post("/accounts/pods", {}).status_code == 403
        assert lister.get("/accounts?x=1").status_code == 400
        assert lister.put("/accounts/pods", {}).status_code == 405

        assert lister.get("/accounts").status_code == 429
        assert self.statuses(Api("sk_x"), 5) == {401: 5}
        assert RateWindow.objects.count() == 1

    def test_can_be_switched_off(self, lister, settings):
        settings.RATE_LIMIT_ENABLED = False

        assert self.statuses(lister, 150) == {200: 150}
        assert not RateWindow.objects.exists()


class TestManyThreads:
    def test_get_exactly_the_limit_together(self, transactional_db, client_with, clock):
        api = client_with("LIST_ACCOUNTS")
        share = [8] * 10 + [7] * 10
        assert sum(share) == 150
        works = [lambda n=n: [api.get("/accounts").status_code for _ in range(n)] for n in share]

        with Crew(20) as crew:
            results = crew.at_once(*works)

        assert Counter(status for statuses in results for status in statuses) == {200: 100, 429: 50}
