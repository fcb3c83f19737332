"""A rotation of the keys that bank numbers and second factors are encrypted under."""

import json
from io import StringIO

from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import call_command

from accounts.models import Account
from sequence.core.admin.second_factor import enrol, new_secret
from sequence.core.models import SecondFactor
from tests.factories import PodFactory


class TestEncryptAgain:
    def test_lets_the_old_key_be_dropped_and_changes_nothing_else(self, db, settings):
        account = PodFactory(routing_number="021000021", bank_account_number=None)
        PodFactory()
        secret = new_secret()
        enrol(User.objects.create_user("ann", is_staff=True), secret)
        before = Account.objects.values("updated_at").get(id=account.id)
        events = account.events.count()
        settings.BANK_NUMBER_KEYS = [Fernet.generate_key().decode(), *settings.BANK_NUMBER_KEYS]
        out = StringIO()
        call_command("encrypt_again", "--json", stdout=out)
        settings.BANK_NUMBER_KEYS = settings.BANK_NUMBER_KEYS[:1]

        assert json.loads(out.getvalue()) == {"encrypted": 2}
        assert Account.objects.get(id=account.id).routing_number == "021000021"
        assert SecondFactor.objects.get().secret == secret
        assert Account.objects.values("updated_at").get(id=account.id) == before
        assert account.events.count() == events
