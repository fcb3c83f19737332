"""Sweeps: for everybody, or for one organization alone."""

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
        asked: list[str] = []

        def record(execute, sql, params, many, context):
            asked.append(f"{sql.strip()} {[*map(str, params.values() if isinstance(params, dict) else params or ())]}")
            return execute(sql, params, many, context)

        with only_for(acme.id), connection.execute_wrapper(record):
            assert sweep(now()) == 0

        looked = [statement for statement in asked if statement.startswith(("SELECT", "WITH"))]
        assert looked
        assert [statement for statement in looked if str(parse_id("org", acme.id)) not in statement] == []

    def test_ends_with_its_block(self, acme):
        with only_for(acme.id):
            assert swept(Transfer.objects.all()).query.where
        assert not swept(Transfer.objects.all()).query.where
