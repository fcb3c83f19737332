"""The audit log: one entry for each call of a tool, however it ends."""

from datetime import timedelta

import pytest

from sequence.core import clock
from sequence.core.audit_log.beyond_limit import record_calls_beyond_limit
from sequence.core.audit_log.models import AuditEntry
from sequence.core.audit_log.reads import reads
from tests.mcp.conftest import plain
from tests.mcp.test_tools import pay

pytestmark = pytest.mark.django_db


def entries() -> list[tuple[str, int, str | None]]:
    """Return what the log tells of assistants: action, status and code of each entry."""
    reads.flush()
    rows = AuditEntry.objects.filter(via="mcp").order_by("position")
    return [*rows.values_list("action", "status", "error_code")]


class TestACall:
    def test_that_pays_is_one_entry(self, assistant, income, rent):
        pay(assistant, income, rent, reason="The rent")

        assert entries() == [("CREATE_TRANSFER", 201, None)]
        assert AuditEntry.objects.get(via="mcp").reason == "The rent"

    def test_that_is_told_its_smallest_changes_is_one_entry(self, assistant_with, income, rent):
        capped = assistant_with(f"MANUAL_TRANSFER:*>{rent.id};day=500")
        assert pay(capped, income, rent)["structuredContent"]["smallestChanges"]

        assert entries() == [("CREATE_TRANSFER", 403, "max_amount_exceeded")]

    def test_that_only_asks_is_one_entry(self, assistant, income, rent):
        ends = {"sourceAccountId": plain(income), "destinationAccountId": plain(rent)}
        assistant.read("dryRunTransfer", **ends, amountInCents=10_00)

        assert entries() == [("DRY_RUN_TRANSFER", 200, None)]

    @pytest.mark.parametrize(("tool", "action"), [("createTransfer", "CREATE_TRANSFER"), ("listRules", "LIST_RULES")])
    def test_with_arguments_that_there_are_not_is_one_entry(self, assistant, tool, action):
        assistant.refusal(tool, nonsense=1)

        assert entries() == [(action, 400, "invalid_request")]

    def test_beyond_the_rate_limit_is_one_entry_a_minute(self, assistant, acme, settings, set_clock):
        settings.RATE_LIMIT_ENABLED = True
        acme.api_keys.update(rate_limit_per_minute=1)
        now = clock.now()
        set_clock(now)
        assert [assistant.ask("tools/list").status_code for _ in range(4)] == [200, 429, 429, 429]

        set_clock(now + timedelta(days=365))
        assert record_calls_beyond_limit(clock.now()) == 1
        assert entries() == [("CALL_TOOL", 429, "rate_limit_exceeded")]
