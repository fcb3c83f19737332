"""Insert of a transfer with its count: what stands in the tables is what the ORM would have written."""

from datetime import datetime

import pytest

from apikeys.entries import parse_permissions
from apikeys.limits import SpendPeriod, starts_on
from apikeys.models import SpendCounter
from apikeys.services import create_api_key
from sequence.core.transactions import TryAgain, run_in_transaction
from tests.factories import PodFactory
from transfers.models import Direction, Origin, Status, Transfer
from transfers.sql.counted_insert import insert_counted

pytestmark = pytest.mark.django_db(transaction=True)

# The last moment of a month and a week, one of another week's year, a leap day, and one that is another day in UTC.
MOMENTS = [
    "2026-05-31T23:59:59.999999+00:00",
    "2026-06-01T00:00:00+00:00",
    "2027-01-01T00:00:00+00:00",
    "2028-02-29T12:00:00.5+00:00",
    "2026-07-13T01:30:00+02:00",
]


@pytest.fixture
def key(acme):
    key, _ = create_api_key(
        organization=acme,
        name="Payments",
        permissions=parse_permissions(["MANUAL_TRANSFER:*>*;day=500;week=600;month=700"]),
        created_by="test",
    )
    return key


@pytest.fixture
def permission(key):
    return key.permissions()[0]


@pytest.fixture
def new_transfer(acme, key, permission):
    source, destination = PodFactory.create_batch(2, organization=acme)

    def make(cents=100, at=MOMENTS[0], **fields):
        moment = datetime.fromisoformat(at)
        return Transfer(
            organization_id=acme.id,
            amount_cents=cents,
            direction=Direction.INTERNAL,
            origin=Origin.USER,
            status=Status.PROCESSING,
            source=source,
            destination=destination,
            rail="book",
            api_key_id=key.id,
            spend_id=permission.spend_id,
            created_at=moment,
            updated_at=moment,
            **fields,
        )

    return make


def _columns(transfer):
    row = Transfer.objects.filter(id=transfer.id).values().get()
    return {name: value for name, value in row.items() if name != "id"}


def _counters(permission):
    rows = SpendCounter.objects.filter(spend_id=permission.spend_id)
    return {(row.period, row.starts_on): (row.spent_cents, row.uses) for row in rows}


class TestInsertCounted:
    @pytest.mark.parametrize(
        "fields",
        [{}, {"description": "Rent", "request_id": "req-1"}, {"status": Status.PENDING_APPROVAL}],
    )
    def test_writes_what_the_orm_writes(self, new_transfer, permission, fields):
        status = fields.pop("status", Status.PROCESSING)
        plain, counted = new_transfer(**fields), new_transfer(**fields)
        plain.status = counted.status = status
        plain.save(force_insert=True)
        insert_counted(counted, permission)

        assert _columns(counted) == _columns(plain)
        assert vars(counted._state) | {"fields_cache": None} == vars(plain._state) | {"fields_cache": None}
        assert counted.source.name == plain.source.name

    @pytest.mark.parametrize("at", MOMENTS)
    def test_counts_in_the_three_periods_of_its_instant(self, new_transfer, permission, acme, at):
        insert_counted(new_transfer(100, at), permission)
        insert_counted(new_transfer(50, at), permission)

        moment = datetime.fromisoformat(at)
        assert _counters(permission) == {(period, starts_on(period, moment)): (150, 2) for period in SpendPeriod}
        assert set(SpendCounter.objects.values_list("organization", flat=True)) == {acme.id}

    @pytest.mark.parametrize(("spent", "cents"), [(400, 101), (0, 501)])
    def test_leaves_nothing_where_a_cap_holds_no_more(self, new_transfer, permission, spent, cents):
        insert_counted(new_transfer(max(spent, 1)), permission)
        before = _counters(permission)

        tries = []

        def work():
            tries.append(1)
            if len(tries) == 1:
                insert_counted(new_transfer(cents), permission)

        run_in_transaction(work)

        assert len(tries) == 2
        assert _counters(permission) == before
        assert Transfer.objects.count() == 1

    @pytest.mark.parametrize("period", SpendPeriod)
    def test_asks_the_cap_of_each_period(self, new_transfer, permission, period):
        # Each period's counter stands just where its own cap is reached; the two others are far from theirs.
        moment, cap = datetime.fromisoformat(MOMENTS[1]), {"day": 500, "week": 600, "month": 700}[period]
        row = {"spend_id": permission.spend_id, "period": period, "starts_on": starts_on(period, moment)}
        SpendCounter.objects.create(**row, spent_cents=cap - 100, organization_id=new_transfer().organization_id)
        insert_counted(new_transfer(100, MOMENTS[1]), permission)

        with pytest.raises(TryAgain):
            insert_counted(new_transfer(1, MOMENTS[1]), permission)

    def test_counts_nothing_for_a_transfer_that_may_not_be(self, new_transfer, permission):
        orphan = new_transfer()
        orphan.destination_id = f"acc_{'0' * 25}1"
        with pytest.raises(Exception, match="foreign key"):
            insert_counted(orphan, permission)

        assert _counters(permission) == {}
