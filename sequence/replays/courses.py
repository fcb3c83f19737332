"""Courses: how the balances of some accounts went, once as they did and once as they would have gone."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from rules.engine.snapshot import AccountState
from sequence.core.periods import day_of


class Low(NamedTuple):
    """The least that an account had (or owed), and when it first had no more."""

    cents: int
    at: datetime


class Course:
    """Accounts by their ids, from an instant on. Whoever changes one says so by ``note``."""

    def __init__(self, accounts: dict[str, AccountState], since: datetime) -> None:
        self.accounts = accounts
        self.lowest: dict[str, Low] = {}
        # What each account had at the end of the days on which it changed.
        self.days: defaultdict[str, dict[date, int]] = defaultdict(dict)
        for id in accounts:
            self._find_lowest(id, since)

    def settle(self, account_id: str, gained_cents: int, at: datetime) -> None:
        """Let an account gain the cents for good, or lose them where they are below zero."""
        self.accounts[account_id].settle(gained_cents)
        self.note(account_id, at)

    def note(self, account_id: str, at: datetime) -> None:
        """See what an account has now."""
        balance_cents = self.accounts[account_id].balance_cents
        if balance_cents is not None:
            self.days[account_id][day_of(at)] = balance_cents
            self._find_lowest(account_id, at)

    def balances(self) -> Iterator[tuple[str, int | None]]:
        return ((id, account.balance_cents) for id, account in self.accounts.items())

    def _find_lowest(self, account_id: str, at: datetime) -> None:
        cents = self.accounts[account_id].balance_cents
        if cents is not None and (account_id not in self.lowest or cents < self.lowest[account_id].cents):
            self.lowest[account_id] = Low(cents, at)
