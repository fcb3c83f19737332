"""Sessions of the staff end in time."""

from datetime import timedelta

import pytest

from sequence.core import clock
from tests.staff import Staff


def is_signed_in(staff: Staff) -> bool:
    return staff.get("password_change/").status_code == 200  # The page that costs least.


class TestSession:
    @pytest.fixture
    def root(self, db):
        return Staff("root", is_superuser=True)

    @pytest.fixture
    def pass_time(self, set_clock):
        start = clock.now()
        return lambda **after: set_clock(start + timedelta(**after))

    def test_ends_after_half_an_hour_without_a_page(self, root, pass_time):
        assert is_signed_in(root)
        pass_time(minutes=29)
        assert is_signed_in(root)
        pass_time(minutes=58)
        assert is_signed_in(root)
        pass_time(minutes=88, seconds=1)
        assert not is_signed_in(root)
        pass_time(minutes=0)
        assert not is_signed_in(root)

    def test_ends_after_twelve_hours_of_work(self, root, pass_time):
        for minutes in range(0, 12 * 60, 20):
            pass_time(minutes=minutes)
            assert is_signed_in(root)
        pass_time(hours=12, seconds=1)
        assert not is_signed_in(root)
