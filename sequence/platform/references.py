"""Accounts as other things name them."""

from rest_framework import serializers

from accounts.models import Account, AccountType
from sequence.core.typing import JsonObject
from sequence.platform.enums import UpperWord, upper
from sequence.platform.ids import PlainId, plain_id
from sequence.platform.names import Spelled


class AccountReference(Spelled):
    """An account that took part; a deleted one keeps its last name."""

    id = PlainId()
    name = serializers.CharField()
    type = UpperWord(AccountType, name="AccountType")
    is_deleted = serializers.BooleanField()


def show_reference(account: Account) -> JsonObject:
    """Return an account as other objects of the dialect name it."""
    return {
        "id": plain_id(account.id),
        "name": account.name,
        "type": upper(account.type),
        "isDeleted": account.deleted_at is not None,
    }
