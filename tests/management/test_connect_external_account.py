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

    @pytest.mark.parametrize("kind", ["DEPOSITORY", "LIABILITY"])
    def test_takes_a_balance_below_zero(self, acme, kind):
        facts = run_json(*self.connect(acme, "--balance", "-5000", kind=kind))

        assert facts["balance"]["balance_in_cents"] == -5000

    def test_takes_a_statement_below_zero(self, acme):
        facts = run_json(*self.connect(acme, "--statement-balance=-5000", kind="LIABILITY"))

        assert facts["balance"]["last_statement_balance_in_cents"] == -5000

    @pytest.mark.parametrize("cents", [2**53, -(2**53)])
    def test_refuses_in_words_what_is_no_sum_that_can_be_told(self, acme, cents):
        assert f"'{cents}' is no whole number from " in refusal_of(*self.connect(acme, f"--balance={cents}"))
        assert not Account.objects.exists()

    @pytest.mark.parametrize("text", ["", "x" * 101, "two\nlines"])
    def test_refuses_a_name_or_institution_of(self, acme, text):
        assert "Give 1 to 100 characters in one line" in refusal_of(*self.connect(acme, name=text))
        assert "Give 1 to 100 characters in one line" in refusal_of(*self.connect(acme, institution=text))
        assert not Account.objects.exists()
