"""What the database refuses of rules and their runs, whoever writes it."""

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from rules.models import ExecutionStatus, Rule, RuleExecution, RuleStatus
from rules.services import delete_rule, start_execution
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import enable, move, run_now, write

pytestmark = pytest.mark.django_db
FINAL = [ExecutionStatus.EXECUTED, ExecutionStatus.PARTIAL, ExecutionStatus.FAILED]


@pytest.fixture
def made(api, income, rent) -> Rule:
    return write(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))


@pytest.fixture
def enabled(made) -> Rule:
    return enable(made)


def refused(rows, **changes) -> str:
    """Return how the database refuses the change of these rows."""
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        rows.update(**changes)
    return str(refusal.value)


class TestRule:
    def test_has_no_other_status(self, made):
        assert "Invalid transition" in refused(Rule.objects.filter(id=made.id), status="paused")

    @pytest.mark.as_owner
    def test_is_never_deleted(self, made):
        with pytest.raises(DatabaseError, match="Cannot delete rows"), transaction.atomic():
            Rule.objects.filter(id=made.id)._raw_delete("default")

    def test_is_enabled_in_the_version_that_was_reviewed(self, made):
        facts = {"enabled_at": timezone.now(), "enabled_by": "staff:ada"}

        assert "passes the review by" in refused(
            Rule.objects.filter(id=made.id), status=RuleStatus.ENABLED, enabled_version=None, **facts
        )

    def test_is_disabled_before_it_becomes_another_version(self, enabled):
        assert "passes the review by" in refused(Rule.objects.filter(id=enabled.id), version=F("version") + 1)

    def test_never_goes_back_to_an_earlier_version(self, made):
        assert "passes the review by" in refused(Rule.objects.filter(id=made.id), version=0)

    @pytest.mark.parametrize("changes", [{"deleted_at": None}, {"nickname": "again"}])
    def test_stays_deleted(self, made, changes):
        delete_rule(organization_id=made.organization_id, rule_id=made.id)

        assert "is deleted" in refused(Rule.objects.filter(id=made.id), **changes)


class TestExecution:
    @pytest.fixture
    def row(self, enabled):
        execution = start_execution(enabled, trigger_type="MANUAL")
        return RuleExecution.objects.filter(id=execution.id)

    @pytest.mark.parametrize("before", FINAL)
    @pytest.mark.parametrize("after", ExecutionStatus.values)
    def test_stays_as_it_ended(self, row, before, after):
        row.update(status=before, decided_at=timezone.now())

        if after == before:
            row.update(status=after)
        else:
            assert "Invalid transition" in refused(row, status=after)

    @pytest.mark.parametrize("status", FINAL)
    def test_ends_with_a_decision(self, row, status):
        with pytest.raises(IntegrityError, match="execution_ends_decided"), transaction.atomic():
            row.update(status=status)

    @pytest.mark.parametrize(
        "changes", [{"incoming_cents": 1}, {"mode": "simulation"}, {"hops": 2}, {"started_by": "x"}]
    )
    def test_stays_what_was_started(self, row, changes):
        assert "Cannot update rows" in refused(row, **changes)

    @pytest.mark.as_owner
    def test_is_never_deleted(self, row):
        with pytest.raises(DatabaseError, match="Cannot delete rows"), transaction.atomic():
            row._raw_delete("default")

    def test_ends_where_a_worker_carries_it_out(self, api, enabled):
        assert run_now(api, enabled)["status"] == "failed"  # no money
