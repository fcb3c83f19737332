"""explain_transfer: the dry run for operators."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apikeys.services import pause_api_key
from tests.apikeys.test_idempotency import key_of
from transfers.models import Transfer


@pytest.fixture
def explain(income, rent):
    def run(api, cents, *more):
        out = StringIO()
        words = ["--key", key_of(api).id, "--source", income.id, "--destination", rent.id, "--amount", str(cents)]
        call_command("explain_transfer", "--dry-run", *words, *more, stdout=out)
        return out.getvalue()

    return run


class TestExplainTransfer:
    def test_tells_what_the_dry_run_tells(self, client_with, explain, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*@500;reason=required")
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 6_00}

        told = json.loads(explain(api, 6_00, "--reason", "Rent", "--json"))

        headers = {"X-Called-Reason": "Rent"}
        assert told == api.post("/transfers/dry-run", body, headers=headers).json()["data"]
        assert not Transfer.objects.exclude(api_key=None).exists()

    def test_tells_people_a_line_for_each_check_and_change(self, client_with, explain):
        assert explain(client_with("MANUAL_TRANSFER:*>*@500"), 6_00).splitlines() == [
            "Refused: at most 500 cents go in one transfer.",
            "    pass     route",
            "    fail     max_amount of permission 0 (500)",
            "    unknown  balance",
            "It would be allowed with amount_in_cents: 500",
            "It would be allowed with permission: {'max_amount': 600}",
        ]

    def test_says_that_no_permission_reaches_the_two(self, client_with, explain):
        told = json.loads(explain(client_with("LIST_RULES"), 6_00, "--json"))

        assert (told["verdict"], told["code"], told["smallest_changes"]) == ("refused", "forbidden", [])

    def test_says_that_the_key_is_paused(self, client_with, explain):
        api = client_with("MANUAL_TRANSFER:*>*")
        pause_api_key(key_id=key_of(api).id, by="staff:bob")

        with pytest.raises(CommandError, match="paused"):
            explain(api, 6_00)
