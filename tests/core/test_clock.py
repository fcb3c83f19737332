from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from accounts.services import create_pod
from sequence.core import clock
from sequence.core.errors import DomainError

THEN = datetime(2020, 2, 29, 12, tzinfo=UTC)


class TestNow:
    def test_is_the_present_in_utc(self):
        before = timezone.now()
        moment = clock.now()

        assert before <= moment <= timezone.now()
        assert moment.utcoffset() == timedelta(0)


class TestStoppedAt:
    def test_stops_it_until_the_block_ends_however_it_ends(self):
        with suppress(DomainError), clock.stopped_at(THEN):
            assert clock.now() == THEN
            raise DomainError("over")

        assert clock.now() > THEN

    def test_nests(self):
        with clock.stopped_at(THEN):
            with clock.stopped_at(THEN + timedelta(days=1)):
                assert clock.now() == THEN + timedelta(days=1)
            assert clock.now() == THEN

    def test_leaves_other_threads_alone(self):
        with clock.stopped_at(THEN), ThreadPoolExecutor(1) as other:
            assert other.submit(clock.now).result() > THEN

    def test_dates_what_services_make(self, acme):
        with clock.stopped_at(THEN):
            pod = create_pod(organization_id=acme.id, beneficiary_name="John Smith", nickname="Rent")

        assert pod.created_at == pod.updated_at == pod.balance_updated_at == THEN
