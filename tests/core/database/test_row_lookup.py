"""Look-up by a statement that is written once: what it returns is what the ORM returns."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.services import get_account
from apikeys.models import ApiKey
from rules.models import Rule
from sequence.core.database.row_lookup import RowLookup
from tests.client import Api
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, write
from tests.transfers.steps import fund, transfer_between
from transfers.models import Transfer


@pytest.fixture
def _rows(api: Api, acme):
    income = IncomeSourceFactory(organization=acme, routing_number="021000021", savings_target_cents=5, balance_cents=7)
    ExternalAccountFactory(organization=acme, interest_rate_percent=None)
    rent = PodFactory(organization=acme)
    fund(income, 10_00)
    transfer_between(api, income, rent, 1_00)
    write(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize("model", [Account, Transfer, Rule, ApiKey])
class TestRowLookup:
    def test_returns_what_the_orm_returns(self, model):
        found = RowLookup(model, "true").find()

        rows = {row.pk: row for row in model.objects.all()}
        assert len(found) == len(rows) > 0
        names = [field.attname for field in model._meta.concrete_fields]
        for instance in found:
            assert [getattr(instance, name) for name in names] == [getattr(rows[instance.pk], name) for name in names]
            assert instance._state.adding is False

    def test_asks_once(self, model):
        with CaptureQueriesContext(connection) as captured:
            RowLookup(model, "true").find()

        assert len(captured) == 1


def test_an_instance_is_saved_like_any_other(acme):
    pod = PodFactory(organization=acme)

    found = get_account(organization_id=acme.id, account_id=pod.id)
    found.name = "Rent"
    found.save(update_fields=["name"])

    assert Account.objects.get(id=pod.id).name == "Rent"
