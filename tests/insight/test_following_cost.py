"""What following money costs: the rows that PostgreSQL reads for it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequence.insight.following import shares
from sequence.insight.following.moves import moves_of_entry_sets
from sequence.insight.following.shares import brought_by, carried_away
from sequence.insight.following.walks import WIDTH
from tests.database_plans import read_postings_by_their_account, scans_of
from tests.transfers.steps import fund, mark_next_posting
from transfers.models import Posting


class TestCost:
    """However much the account has moved since, a mark is near, and what lies between is all that is read."""

    DEPOSITS, BETWEEN_MARKS, REACH = 60, 6, 3

    @pytest.fixture
    def oldest(self, income, monkeypatch) -> Posting:
        monkeypatch.setattr(shares, "REACH", self.REACH)
        for number in range(self.DEPOSITS):
            if number % self.BETWEEN_MARKS == 0:
                mark_next_posting(but=1)
            fund(income, 1_00)
        read_postings_by_their_account()
        return Posting.objects.filter(account=income).earliest("id")

    @pytest.mark.parametrize("follow", [carried_away, brought_by])
    def test_of_shares_is_that_of_the_reach_and_of_what_lies_before_the_next_mark(self, oldest, follow):
        with CaptureQueriesContext(connection) as queries:
            follow([oldest.pk], width=WIDTH)

        [query] = queries.captured_queries
        assert (
            sum(read for _, read in scans_of("transfers_posting", query["sql"])) <= self.BETWEEN_MARKS + self.REACH + 1
        )

    def test_of_the_balances_beside_a_move_too(self, oldest):
        with CaptureQueriesContext(connection) as queries:
            [move] = moves_of_entry_sets([oldest.entry_set_id]).values()

        [leg] = move.legs
        assert (leg.before_cents, leg.after_cents) == (0, 1_00)
        [query] = [query["sql"] for query in queries.captured_queries if "transfers_balancemark" in query["sql"]]
        # Both sides of the move are found by its entry set, and one of them is the account's.
        assert sum(read for _, read in scans_of("transfers_posting", query)) <= self.BETWEEN_MARKS + 2
