"""Plain builders of rows that tests need and no endpoint makes."""

import factory

from accounts.models import Account, AccountType, ExternalAccountType
from apikeys.models import Organization
from tests.past_guards import past_guard


class OrganizationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda number: f"Organization {number}")
    legal_name = factory.LazyAttribute(lambda organization: f"{organization.name} Inc.")


class PodFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Account

    organization = factory.SubFactory(OrganizationFactory)
    type = AccountType.POD
    name = factory.Sequence(lambda number: f"Pod {number}")

    @classmethod
    def _create(cls, model_class, *args, **fields):
        if not fields.get("balance_cents"):
            return super()._create(model_class, *args, **fields)
        # Money out of nothing, past the guard that wants postings for it.
        with past_guard("accounts.Account:begins_empty"):
            return super()._create(model_class, *args, **fields)


class IncomeSourceFactory(PodFactory):
    type = AccountType.INCOME_SOURCE
    name = factory.Sequence(lambda number: f"Income {number}")


class ExternalAccountFactory(PodFactory):
    type = AccountType.EXTERNAL_ACCOUNT
    external_account_type = ExternalAccountType.DEPOSITORY
    name = factory.Sequence(lambda number: f"Bank {number}")
    institution_name = "First Bank"


def set_balance(account: Account, cents: int) -> None:
    """Put money into an account out of nothing, past the guard that wants postings for it."""
    with past_guard("accounts.Account:balance_moves_only_with_postings"):
        Account.objects.filter(id=account.id).update(balance_cents=cents)
