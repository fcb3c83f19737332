"""Bank numbers at rest."""

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.db import connection

from accounts.models import Account
from sequence.core.money import mask
from tests.factories import PodFactory


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT routing_number FROM accounts_account")
        return cursor.fetchone()[0]


class TestEncryptedField:
    @pytest.fixture(autouse=True)
    def account(self, db):
        return PodFactory(routing_number="021000021")

    def test_is_read_back_by_this_process_and_by_nobody_else(self):
        assert Account.objects.get().routing_number == "021000021"
        assert "021000021" not in stored()

    def test_hides_that_two_numbers_are_equal(self):
        first = stored()
        Account.objects.get().save()

        assert stored() != first

    def test_outlives_a_rotation_of_keys(self, settings):
        settings.BANK_NUMBER_KEYS = [Fernet.generate_key().decode(), *settings.BANK_NUMBER_KEYS]
        assert Account.objects.get().routing_number == "021000021"

        Account.objects.get().save()

        settings.BANK_NUMBER_KEYS = settings.BANK_NUMBER_KEYS[:1]
        assert Account.objects.get().routing_number == "021000021"

    def test_is_worthless_without_the_keys(self, settings):
        settings.BANK_NUMBER_KEYS = [Fernet.generate_key().decode()]

        account = Account.objects.get()  # Whoever does not ask for the number needs no key.

        with pytest.raises(InvalidToken):
            account.routing_number  # noqa: B018 - to read it is to decrypt it

    def test_keeps_none_as_none(self):
        Account.objects.update(routing_number=None)

        assert Account.objects.get().routing_number is None


class TestMask:
    def test_shows_four_bullets_and_the_last_four(self):
        assert mask("7731") == "\u2022\u2022\u2022\u20227731"

    def test_shows_nothing_of_nothing(self):
        assert mask(None) is None
