"""The upgrade to reading arrivals from events: what was noticed stays so, and what was not is noticed once."""

import importlib
from datetime import timedelta

import pytest
from django.db import connection

from rules.arrivals import READER, looked_at
from rules.models import ArrivalLook
from sequence.core.events.models import Event, EventReader
from sequence.core.events.numbering import number_events
from sequence.core.worker import run_once
from tests.factories import PodFactory
from tests.rules.definitions import on_funds, rule, step
from tests.rules.steps import move, runs_of, write_enabled
from tests.transfers.steps import fund
from transfers.models import Transfer

LOOKS = importlib.import_module("rules.migrations.0006_keep_when_arrivals_were_looked_at").LOOKS
begin = importlib.import_module("rules.migrations.0007_read_arrivals_from_events")


def execute(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def mark(transfer, after=timedelta(0)):
    """Let the release before have noticed it, so long after it came."""
    with connection.cursor() as cursor:
        noticed_at = transfer.completed_at + after
        cursor.execute("UPDATE transfers_transfer SET arrival_noticed_at = %s WHERE completed_at = %s", [
            noticed_at, transfer.completed_at,
        ])  # fmt: skip


@pytest.fixture
def before(db):
    """The table as the release before had it."""
    execute("ALTER TABLE transfers_transfer ADD COLUMN arrival_noticed_at timestamptz")


@pytest.mark.as_owner
class TestUpgrade:
    def test_notices_once_what_was_not_noticed_yet(self, before, api, acme, globex, income, rent, savings):
        made = write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=on_funds(rent.id)))
        ran = fund(rent, 1_00)
        run_once()
        # The release before knew no cursor.
        EventReader.objects.all().delete()
        mark(ran)
        for transfer in Transfer.objects.filter(destination=savings):
            mark(transfer)
        number_events(ran.completed_at)
        passed, at_once, unnoticed = fund(rent, 2_00), fund(rent, 3_00), fund(rent, 4_00)
        elsewhere = fund(PodFactory(organization=globex), 5_00)
        mark(passed, timedelta(seconds=3))
        mark(at_once)
        mark(elsewhere, timedelta(seconds=3))
        assert Event.objects.unnumbered().exists()

        execute(LOOKS, begin.HOLD, begin.NUMBER, begin.READERS, begin.UNNOTICED)

        for organization in (acme, globex):
            events = Event.objects.for_organization(organization.id)
            in_order = list(events.order_by("position").values_list("sequence", flat=True))
            assert in_order == list(range(1, len(in_order) + 1))
        [reader] = EventReader.objects.all()
        assert (reader.organization_id, reader.name) == (acme.id, READER)
        assert dict(ArrivalLook.objects.values_list("transfer", "looked_at")) == {
            passed.id: passed.completed_at + timedelta(seconds=3),
            unnoticed.id: None,
        }
        run_once()
        assert [run.trigger_transfer_id for run in runs_of(made)] == [ran.id, unnoticed.id]
        assert looked_at(at_once) == at_once.completed_at
        run_once()
        assert len(runs_of(made)) == 2
