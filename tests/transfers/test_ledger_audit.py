"""Checking the ledger by itself, once a day, and keeping what was found."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.threads import Crew
from transfers import ledger_audit
from transfers.ledger_audit import check_ledger, check_ledger_daily
from transfers.ledger_invariants import Fault, count_checks
from transfers.models import LedgerCheck


@pytest.fixture
def fault(monkeypatch):
    """Something that the checks find."""
    fault = Fault("balance_is_its_postings", "acc_1", "the balance is 1 cents, but the postings add up to 2")
    monkeypatch.setattr(ledger_audit, "find_faults", lambda: [fault])
    return fault


class TestCheckLedger:
    def test_keeps_who_checked_what_and_what_was_found(self, db, fault):
        check_ledger(by="staff:ann")

        check = LedgerCheck.objects.get()
        assert (check.by, check.checks, check.is_clean) == ("staff:ann", count_checks(), False)
        assert check.faults == [vars(fault)]
        assert check.started_at <= check.finished_at

    def test_is_clean_where_nothing_is_wrong(self, income):
        assert check_ledger(by="test").is_clean


class TestCheckLedgerDaily:
    def test_checks_once_a_day(self, db):
        now = timezone.now()

        assert check_ledger_daily(now) == count_checks()
        assert check_ledger_daily(now + timedelta(hours=23)) == 0
        assert LedgerCheck.objects.get().by == "worker"
        assert check_ledger_daily(now + timedelta(hours=25)) == count_checks()

    def test_forgets_what_was_found_a_quarter_ago(self, db):
        now = timezone.now()
        for days in (89, 91):
            at = now - timedelta(days=days)
            LedgerCheck.objects.create(started_at=at, finished_at=at, by=f"{days}", checks=1)

        check_ledger_daily(now)

        assert set(LedgerCheck.objects.values_list("by", flat=True)) == {"89", "worker"}

    @pytest.mark.django_db(transaction=True)
    def test_is_done_by_one_of_several_workers(self):
        now = timezone.now()

        with Crew(3) as crew:
            done = crew.all_at_once(lambda: check_ledger_daily(now))

        assert sorted(done) == [0, 0, count_checks()]
        assert LedgerCheck.objects.count() == 1
