"""The accounts that rules are tried on, and a snapshot that sees what the test's own transaction has."""

from contextlib import nullcontext

import pytest
from django.db import connection

from sequence.replays.snapshot import Snapshot
from tests.rules.conftest import bank, card, dice, income, rent, savings

__all__ = ["bank", "card", "dice", "income", "rent", "savings"]


@pytest.fixture
def one_connection(monkeypatch):
    """Let replays read over the test's connection, which alone sees what the test has not committed."""
    monkeypatch.setattr("sequence.replays.replaying.open_snapshot", lambda: nullcontext(Snapshot(connection)))
