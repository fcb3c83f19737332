"""Reading the past from the postings."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.transfers.steps import settle, transfer_between
from transfers.ledger import balance_at
from transfers.models import Posting
from transfers.services import pull_from_outside


class TestBalanceAt:
    @pytest.fixture
    def history(self, api, income, rent, set_clock):
        """Three movements of the income source, a day apart, and when each was posted."""
        start = timezone.now().replace(microsecond=123_456)
        for day in (1, 2):
            set_clock(start + timedelta(days=day))
            transfer_between(api, income, rent, 10_00 * day)
            settle()
        set_clock(start + timedelta(days=3))
        pull_from_outside(account_id=income.id, amount_cents=5_00, by="test")
        return list(Posting.objects.filter(account=income).order_by("posted_at").values_list("posted_at", flat=True))

    def test_is_the_balance_at_the_end_of_any_instant(self, income, rent, history):
        arrived, first, second, third = history

        assert balance_at(income, arrived - timedelta(microseconds=1)) == 0
        assert balance_at(income, arrived) == 100_00
        assert balance_at(income, first - timedelta(microseconds=1)) == 100_00
        assert [balance_at(income, at) for at in (first, second, third)] == [90_00, 70_00, 65_00]
        assert [balance_at(rent, at) for at in history] == [0, 10_00, 30_00, 30_00]

    def test_is_the_balance_now_for_now(self, income, rent, history):
        for account in (income, rent):
            account.refresh_from_db()
            assert balance_at(account, history[-1] + timedelta(days=365)) == account.balance_cents
