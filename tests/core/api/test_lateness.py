"""How late a list may be for its reader; where there is no replica, nobody is late."""

import pytest
from django.test import RequestFactory

from sequence.core.api.lateness import bearable_seconds


def seconds_of(value: str) -> float | None:
    return bearable_seconds(RequestFactory().get("/", headers={"Cache-Control": value}))


class TestBearableSeconds:
    @pytest.mark.parametrize(
        "value", ["max-stale=60", "Max-Stale=60", "no-cache, max-stale=60", 'max-stale="60",no-store']
    )
    def test_are_those_that_the_reader_names(self, value):
        assert seconds_of(value) == 60

    @pytest.mark.parametrize("value", ["", "max-stale", "max-stale=", "max-stale=-1", "x-max-stale=5", "max-age=60"])
    def test_are_none_without_a_number(self, value):
        assert seconds_of(value) is None


@pytest.mark.django_db
def test_a_list_without_a_replica_is_of_now(api):
    answer = api.get("/accounts", headers={"Cache-Control": "max-stale=3600"})

    assert answer.status_code == 200
    assert "Age" not in answer.headers
