"""Workers that go from one organization to the next. What they then say to the database: tests/scaling."""

import pytest

from sequence import wiring
from sequence.core import clock, rounds
from sequence.core.due import due_when, forget_questions
from sequence.core.events.models import Event
from sequence.core.rounds import ForOrganization, do_in_turns, in_rounds
from sequence.core.sweeps import name_of, only_for, swept, swept_organization
from sequence.core.worker import Worker, run_once
from tests.factories import IncomeSourceFactory
from tests.transfers.steps import fund

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def going_round(settings):
    settings.WORK_BY_ORGANIZATION = True


@pytest.fixture
def waiting(acme, globex):
    """Ids of two organizations whose events wait, the one that waits longer first."""
    for organization in (acme, globex):
        fund(IncomeSourceFactory(organization=organization), 1_00)
    return [acme.id, globex.id]


@pytest.fixture
def seen(monkeypatch):
    """For whom a sweep of events worked, which is the only sweep."""
    seen = []

    @due_when(lambda now: [Event.objects.unnumbered()])
    def look(now):
        events = swept(Event.objects.unnumbered())
        seen.append((swept_organization(), {event.organization_id for event in events}))
        return events.update(sequence=None) * 0

    monkeypatch.setattr(wiring, "SWEEPS", [look])
    yield seen
    forget_questions()


class TestRounds:
    def test_are_of_each_organization_with_something_due_and_of_no_other(self, waiting, seen, globex):
        Event.objects.filter(organization=globex).delete()
        run_once()

        assert seen == [(waiting[0], {waiting[0]})]

    def test_are_of_one_organization_after_the_other(self, waiting, seen):
        run_once()

        assert seen == [(id, {id}) for id in waiting]

    def test_are_not_made_unless_they_are_wanted(self, waiting, seen, settings):
        settings.WORK_BY_ORGANIZATION = False
        run_once()

        assert seen == [(None, set(waiting))]

    def test_are_not_made_by_who_works_for_one_already(self, waiting, seen):
        with only_for(waiting[1]):
            run_once()

        assert seen == [(waiting[1], {waiting[1]})]

    def test_look_at_the_first_rows_alone(self, waiting, seen, monkeypatch):
        monkeypatch.setattr(rounds, "LOOKED_AT", 1)
        run_once()

        assert [owner for owner, _ in seen] == waiting[:1]

    def test_leave_a_sweep_that_does_not_say_what_is_due_as_it_is(self):
        def sweep(now):
            return 0

        assert in_rounds([sweep], clock.now()) == [sweep]

    def test_that_break_for_one_organization_go_on_for_the_others(self, waiting, seen, monkeypatch, caplog):
        [look] = wiring.SWEEPS

        @due_when(look.due_rows)
        def breaks(now):
            look(now)
            if swept_organization() == waiting[0]:
                raise ZeroDivisionError
            return 0

        monkeypatch.setattr(wiring, "SWEEPS", [breaks])
        worker = Worker()
        for _ in range(2):
            for sweep in worker._due_sweeps():
                worker._attempt(sweep)

        # The second time the broken one rests.
        assert [owner for owner, _ in seen] == [*waiting, waiting[1]]
        assert "breaks" in caplog.text


class TestForOrganization:
    def test_is_known_by_the_name_of_its_sweep(self, acme):
        def settle(now):
            return 0

        assert name_of(ForOrganization(settle, acme.id)) == "settle"


class TestDoInTurns:
    OWNED = (("org_1", "a"), ("org_2", "b"), ("org_1", "c"))

    def work(self, ids):
        return [(swept_organization(), id) for id in ids]

    def test_works_for_one_after_the_other(self):
        assert do_in_turns(self.OWNED, self.work) == [("org_1", "a"), ("org_1", "c"), ("org_2", "b")]
        assert do_in_turns([], self.work) == []

    def test_works_on_all_at_once_otherwise(self, settings):
        settings.WORK_BY_ORGANIZATION = False

        assert do_in_turns(self.OWNED, lambda ids: [ids]) == [["a", "b", "c"]]
        assert do_in_turns([], lambda ids: [ids]) == []
