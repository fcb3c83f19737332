"""Accounts on the wire. Fields stand in the order of the contract."""

from rest_framework import serializers

from accounts.models import Account, AccountType, ExternalAccountType
from sequence.core.api.fields import Cents, Id, PageQuery, StoredCents, StrictSerializer, Text, Word, show_time
from sequence.core.money import BULLETS
from sequence.core.typing import JsonObject


def _nickname(*, required: bool = True) -> Text:
    return Text(max_length=100, help_text="Display name, 1 to 100 characters.", required=required)


def _icon() -> Text:
    return Text(max_length=50, required=False, help_text="Icon identifier, shown to people in the admin.")


def _description() -> Text:
    help_text = "A note for people, at most 500 characters; an empty text removes it."
    return Text(max_length=500, multiline=True, allow_blank=True, required=False, help_text=help_text)


class CreateIncomeSource(StrictSerializer):
    """Body of ``POST /accounts/income-sources``."""

    nickname = _nickname()
    icon = _icon()


class CreatePod(StrictSerializer):
    """Body of ``POST /accounts/pods``."""

    nickname = _nickname()
    icon = _icon()
    description = _description()
    savings_target_in_cents = Cents(required=False, help_text="What the pod is to reach, in cents.")


class EditAccount(StrictSerializer):
    """Body of ``PATCH /accounts/{id}``: at least one of the fields."""

    min_fields = 1

    nickname = _nickname(required=False)
    icon = _icon()
    description = _description()


class AccountListQuery(PageQuery):
    """Query of ``GET /accounts``."""

    type = Word(AccountType, required=False, help_text="Only accounts of this type.")


class AccountIdentity(serializers.Serializer):
    """What every form of an account begins with."""

    id = Id("acc")
    name = serializers.CharField()
    type = Word(AccountType)
    description = serializers.CharField(allow_null=True)
    external_account_type = Word(ExternalAccountType, allow_null=True)
    beneficiary_name = serializers.CharField(allow_null=True)
    institution_name = serializers.CharField(allow_null=True)
    can_be_source = serializers.BooleanField()
    can_be_destination = serializers.BooleanField()


class AccountSummary(AccountIdentity):
    """An account in a list: without bank numbers and balance."""

    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Account) -> JsonObject:
        return {**_identity(instance), **_times(instance)}


class MaskedNumber(serializers.CharField):
    """A bank number of which only the last four digits are shown."""

    def json_schema(self) -> JsonObject:
        return {"type": "string", "pattern": f"^{BULLETS}[0-9]{{4}}$"}


class Balance(serializers.Serializer):
    """What an account holds or owes, in cents."""

    balance_in_cents = StoredCents(
        allow_null=True, help_text="Of a liability: what is owed, positive (negative: a credit)."
    )
    available_balance_in_cents = StoredCents(
        allow_null=True, help_text="The balance less what pending outgoing transfers hold; null of a liability."
    )
    last_statement_balance_in_cents = StoredCents(allow_null=True)
    next_payment_minimum_in_cents = StoredCents(allow_null=True)
    next_payment_due_date = serializers.DateField(allow_null=True)
    balance_last_updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Account) -> JsonObject:
        due_on = instance.next_payment_due_on
        return {
            "balance_in_cents": instance.balance_cents,
            "available_balance_in_cents": instance.available_cents,
            "last_statement_balance_in_cents": instance.last_statement_balance_cents,
            "next_payment_minimum_in_cents": instance.next_payment_minimum_cents,
            "next_payment_due_date": due_on.isoformat() if due_on else None,
            "balance_last_updated_at": show_time(instance.balance_updated_at),
        }


# One shows all: it holds nothing of what it shows.
_show_balance = Balance().to_representation


class AccountDetail(AccountIdentity):
    """A full account. Bank numbers show their last four digits."""

    routing_number = MaskedNumber(allow_null=True)
    bank_account_number = MaskedNumber(allow_null=True)
    balance = Balance()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Account) -> JsonObject:
        return {
            **_identity(instance),
            "routing_number": instance.masked_routing_number,
            "bank_account_number": instance.masked_bank_account_number,
            "balance": _show_balance(instance),
            **_times(instance),
        }


show_account = AccountDetail().to_representation


def _identity(account: Account) -> JsonObject:
    return {
        "id": account.id,
        "name": account.name,
        "type": account.type,
        "description": account.description,
        "external_account_type": account.external_account_type,
        "beneficiary_name": account.beneficiary_name,
        "institution_name": account.institution_name,
        "can_be_source": account.can_be_source,
        "can_be_destination": account.can_be_destination,
    }


def _times(account: Account) -> JsonObject:
    return {"created_at": show_time(account.created_at), "updated_at": show_time(account.updated_at)}
