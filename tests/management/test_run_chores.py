"""run_chores: what idle workers do once in a while, when somebody wants it now."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from sequence import wiring
from sequence.core.events.models import EVENTS_KEPT, Event
from sequence.core.events.numbering import number_events
from sequence.core.events.telling import tell
from transfers.models import LedgerCheck

pytestmark = pytest.mark.django_db


class TestRunChores:
    def test_does_all_of_them(self):
        call_command("run_chores")
        assert LedgerCheck.objects.count() == 1

    def test_does_them_as_of_another_time(self, acme, settings):
        settings.ALLOW_TIME_TRAVEL = True
        tell("webhook.test", organization_id=acme.id, data={}, at=timezone.now())
        number_events(timezone.now())

        call_command("run_chores", now=timezone.now() + EVENTS_KEPT + timedelta(days=1))
        assert not Event.objects.exists()

    def test_travels_in_no_production(self, settings):
        settings.ALLOW_TIME_TRAVEL = False
        with pytest.raises(CommandError, match="ALLOW_TIME_TRAVEL"):
            call_command("run_chores", now=timezone.now())

    def test_lets_none_keep_another_one_from_being_done(self, monkeypatch):
        last = Mock(return_value=3, __name__="last")
        broken = Mock(side_effect=ValueError, __name__="broken_one")
        monkeypatch.setattr(wiring, "CHORES", (broken, last))

        with pytest.raises(CommandError, match="broken_one broke"):
            call_command("run_chores")
        assert last.called
