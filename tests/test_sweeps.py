"""Sweeps: for everybody, or for one organization alone."""

from typing import Any

import pytest
from django.db import connection

from sequence.core.api.ids import parse_id
from sequence.core.clock import now
from sequence.core.sweeps import only_for, swept
from sequence.wiring import SWEEPS
from transfers.models import Transfer


class TestOnlyFor:
    @pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.__name__)
    def test_every_sweep_asks_for_that_organizations_rows_and_for_no_others(self, sweep, acme):
        """With nothing due, each statement of a sweep is one that looks for work."""
        asked: list[Any] = []

        def record(execute, sql, params, many, context):
            asked.append((sql, [str(value) for value in params or ()]))
            return execute(sql, params, many, context)

        with only_for(acme.id), connection.execute_wrapper(record):
            assert sweep(now()) == 0

        looked = [(sql, params) for sql, params in asked if sql.startswith("SELECT")]
        assert looked
        assert [sql for sql, params in looked if str(parse_id("org", acme.id)) not in params] == []

    def test_ends_with_its_block(self, acme):
        with only_for(acme.id):
            assert swept(Transfer.objects.all()).query.where
        assert not swept(Transfer.objects.all()).query.where
