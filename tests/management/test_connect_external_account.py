"""``connect_external_account``"""

import pytest

from accounts.models import Account
from tests.management.test_key_commands import refusal_of, run_json


class TestConnectExternalAccount:
    def connect(self, acme, *arguments: str, name="Checking", institution="First Bank", kind="DEPOSITORY"):
        options = ["--organization", acme.id, f"--name={name}", f"--institution={institution}", "--type", kind]
        return ("connect_external_account", *options, *arguments)

    def test_tells_the_account_as_the_api_does(self, acme, api):
        facts = run_json(*self.connect(acme, "--balance", "5000"))

        assert facts == api.get(f"/accounts/{facts['id']}").json()["data"]
        assert facts["balance"]["balance_in_cents"] == 5000

    @pytest.mark.parametrize("text", ["", "x" * 101, "two\nlines"])
    def test_refuses_a_name_or_institution_of(self, acme, text):
        assert "Give 1 to 100 characters in one line" in refusal_of(*self.connect(acme, name=text))
        assert "Give 1 to 100 characters in one line" in refusal_of(*self.connect(acme, institution=text))
        assert not Account.objects.exists()
