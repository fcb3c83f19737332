"""The command that removes idempotency records which nobody can repeat any more."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from apikeys.models import IdempotencyRecord


def removed(*arguments: str) -> int:
    """Run the command and return how many it says that it removed."""
    out = io.StringIO()
    call_command("purge_idempotency_records", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())["removed"]


class TestPurgeIdempotencyRecords:
    @pytest.fixture
    def _records(self, api, set_clock):
        now = timezone.now()
        for name, age in [("old", 25), ("live", 1)]:
            set_clock(now - timedelta(hours=age))
            api.post("/accounts/pods", {"nickname": name}, idempotency_key=name)
        set_clock(now)

    @pytest.mark.usefixtures("_records")
    def test_removes_expired_records(self):
        assert removed() == 1
        assert [record.key for record in IdempotencyRecord.objects.all()] == ["live"]
        assert removed() == 0

    @pytest.mark.usefixtures("_records")
    def test_removes_all_when_told(self):
        assert removed("--all") == 2
        assert not IdempotencyRecord.objects.exists()
