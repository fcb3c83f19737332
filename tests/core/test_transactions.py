"""One write is one transaction, tried again when PostgreSQL asks for it."""

from threading import Barrier

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection

from apikeys.models import Organization
from sequence.core import transactions
from sequence.core.transactions import TryAgain, run_in_transaction, transactional
from tests.factories import OrganizationFactory
from tests.threads import PATIENCE_SECONDS, Crew


def failure(sqlstate: str) -> OperationalError:
    error = OperationalError("as if from PostgreSQL")
    error.__cause__ = psycopg.errors.lookup(sqlstate)()
    return error


class TestRunInTransaction:
    @pytest.fixture(autouse=True)
    def _without_pauses(self, transactional_db, monkeypatch):
        monkeypatch.setattr(transactions, "MAX_PAUSE_SECONDS", 0)
        self.tries = 0

    def work(self, *errors: Exception):
        """Write a row, and fail at the first tries with the given errors."""

        def write():
            self.tries += 1
            OrganizationFactory(name=f"Try {self.tries}")
            if self.tries <= len(errors):
                raise errors[self.tries - 1]
            return self.tries

        return write

    def names(self) -> list[str]:
        return list(Organization.objects.values_list("name", flat=True))

    @pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
    @pytest.mark.parametrize("failures", [0, 1, 4])
    def test_repeats_the_whole_work_until_it_succeeds(self, sqlstate, failures):
        assert run_in_transaction(self.work(*[failure(sqlstate)] * failures)) == failures + 1

        assert self.names() == [f"Try {failures + 1}"]

    @pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
    def test_gives_up_after_five_tries(self, sqlstate):
        with pytest.raises(OperationalError):
            run_in_transaction(self.work(*[failure(sqlstate)] * 9))

        assert self.tries == 5
        assert self.names() == []

    def test_repeats_it_as_often_as_somebody_else_was_faster(self):
        assert run_in_transaction(self.work(*[TryAgain()] * 20)) == 21

        assert self.names() == ["Try 21"]

    @pytest.mark.parametrize("error", [failure("55P03"), failure("57014"), IntegrityError("x"), RuntimeError("x")])
    def test_repeats_nothing_else(self, error):
        with pytest.raises(type(error)):
            run_in_transaction(self.work(error))

        assert self.tries == 1
        assert self.names() == []

    def test_joins_the_one_that_is_open(self):
        def outer():
            run_in_transaction(self.work())
            assert connection.in_atomic_block
            raise RuntimeError("after the inner one succeeded")

        with pytest.raises(RuntimeError):
            run_in_transaction(outer)
        assert self.names() == []

    def test_repeats_the_outermost_work_and_not_the_inner_one(self):
        outer_tries = []

        def outer():
            outer_tries.append(1)
            return run_in_transaction(self.work(failure("40P01")))

        assert run_in_transaction(outer) == 2
        assert len(outer_tries) == self.tries == 2
        assert self.names() == ["Try 2"]

    def test_undoes_the_whole_when_the_inner_one_fails_and_the_outer_one_goes_on(self):
        def outer():
            OrganizationFactory(name="Outer")
            with pytest.raises(RuntimeError):
                run_in_transaction(self.work(RuntimeError("inner")))

        run_in_transaction(outer)

        assert self.names() == []

    def test_begins_anew_after_a_failure(self):
        with pytest.raises(RuntimeError):
            run_in_transaction(self.work(RuntimeError("x")))

        assert run_in_transaction(self.work()) == 2
        assert not connection.in_atomic_block

    def test_survives_a_real_deadlock(self):
        first, second = OrganizationFactory(name="A"), OrganizationFactory(name="B")
        meet = Barrier(2)

        def rename(*ids: str):
            tries = []

            def work():
                tries.append(1)
                for id in ids:
                    Organization.objects.filter(id=id).update(legal_name="Renamed")
                    if len(tries) == 1 and id == ids[0]:
                        meet.wait(PATIENCE_SECONDS)
                return len(tries)

            return run_in_transaction(work)

        with Crew(2) as crew:
            tries = crew.at_once(lambda: rename(first.id, second.id), lambda: rename(second.id, first.id))

        assert 2 <= max(tries) <= 5
        assert set(Organization.objects.values_list("legal_name", flat=True)) == {"Renamed"}


class TestTransactional:
    def test_makes_a_function_one_transaction(self, transactional_db):
        @transactional
        def create(name: str, *, fails: bool) -> str:
            """Create."""
            OrganizationFactory(name=name)
            if fails:
                raise RuntimeError
            return name

        with pytest.raises(RuntimeError):
            create("A", fails=True)

        assert create("B", fails=False) == "B"
        assert create.__doc__ == "Create."
        assert [organization.name for organization in Organization.objects.all()] == ["B"]
