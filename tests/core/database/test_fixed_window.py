"""Fixed window: counts of a minute, told by clocks that do not quite agree."""

from datetime import UTC, datetime, timedelta

import pytest

from apikeys.entries import parse_permissions
from apikeys.services import create_api_key
from apikeys.throttling import WINDOW
from sequence.core.api.ids import parse_id
from sequence.core.database.fixed_window import OVERTAKEN, FixedWindow

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)


@pytest.fixture
def count(acme):
    key, _ = create_api_key(
        organization=acme, name="Agent", permissions=parse_permissions(["LIST_RULES"]), created_by="test"
    )
    window = FixedWindow("apikeys_ratewindow", key=["api_key_id", "organization_id"], count="requests", length=WINDOW)
    return lambda at: window.count(parse_id("key", key.id), parse_id("org", acme.id), at=at, most=100)


class TestFixedWindow:
    def test_counts_until_it_ends(self, count):
        assert [count(NOON + timedelta(seconds=second))[0] for second in (0, 1, 59, 60)] == [1, 2, 3, 1]

    @pytest.mark.parametrize("before", [timedelta(milliseconds=1), timedelta(seconds=3), OVERTAKEN])
    def test_counts_what_looked_at_the_clock_before_it_began_and_came_after(self, count, before):
        count(NOON)

        number, ends_at = count(NOON - before)

        assert (number, ends_at) == (2, NOON - before + WINDOW)

    def test_begins_anew_where_a_clock_was_set_back(self, count):
        count(NOON)

        assert count(NOON - timedelta(hours=2)) == (1, NOON - timedelta(hours=2) + WINDOW)
