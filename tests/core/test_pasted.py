"""Secrets that somebody pasted where none belongs."""

import pytest

from apikeys.tokens import new_token, shown_part
from sequence.core.pasted import without_secrets
from sequence.webhooks.signing import new_secret


class TestWithoutSecrets:
    def test_leaves_what_a_key_is_recognised_by(self):
        token = new_token()

        assert (
            without_secrets(f"It is {token}, help: {token}")
            == f"It is {shown_part(token)}***, help: {shown_part(token)}***"
        )

    def test_leaves_nothing_of_the_secret_of_a_webhook(self):
        assert without_secrets(f"/x/{new_secret()}/y") == "/x/whsec_***/y"

    @pytest.mark.parametrize("text", ["", "risk_free", "sk_A9DzpfVn", "whsec_", "task_" + "a" * 39])
    def test_leaves_all_else(self, text):
        assert without_secrets(text) == text
