"""X-Called-Reason: never refused, kept on the transfer, shown to whoever approves, wanted where an entry says so."""

import pytest

from tests.staff import sign_in
from tests.transfers.steps import post_transfer
from transfers.models import Transfer


def reason_of(response):
    return Transfer.objects.get(id=response.json()["data"]["id"]).called_reason


def sent(text):
    """Return UTF-8 as a server hands it over."""
    return (text if isinstance(text, bytes) else text.encode()).decode("latin-1")


class TestReason:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("The rent of July", "The rent of July"),
            ("Miete für Jülich 🏠", "Miete für Jülich 🏠"),
            ("a\tb\x7fc", "a b c"),
            (b"caf\xe9", "caf\ufffd"),
            ("pay \u202eevil", "pay  evil"),
            ("x" * 1_001, "x" * 1_000),
            ("", None),
            ("   ", None),
        ],
    )
    def test_is_kept_as_people_can_read_it(self, api, income, rent, given, kept):
        response = post_transfer(api, income, rent, 1_00, headers={"X-Called-Reason": sent(given)})

        assert (response.status_code, reason_of(response)) == (201, kept)

    def test_is_no_part_of_what_is_asked(self, api, income, rent):
        answers = [
            post_transfer(api, income, rent, 1_00, idempotency_key="once", headers={"X-Called-Reason": reason})
            for reason in ("One", "Another")
        ]

        assert answers[0].json()["data"] == answers[1].json()["data"]
        assert reason_of(answers[1]) == "One"

    def test_stands_on_the_page_of_whoever_approves(self, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*;approval=0")
        post_transfer(api, income, rent, 1_00, headers={"X-Called-Reason": sent("The <b>rent</b> of Jülich")})
        transfer = Transfer.objects.get(api_key__isnull=False)

        page = sign_in(is_superuser=True).get(f"/admin/transfers/transfer/{transfer.id}/approve/").content.decode()

        assert "The &lt;b&gt;rent&lt;/b&gt; of Jülich" in page


class TestRequired:
    def test_is_told_with_the_header_and_leaves_the_idempotency_key_free(self, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*;reason=required")

        refusal = post_transfer(api, income, rent, 1_00, idempotency_key="once")
        assert refusal.status_code == 400
        [detail] = refusal.json()["error"]["details"]
        assert (detail["field"], detail["code"]) == ("X-Called-Reason", "required")

        said = post_transfer(api, income, rent, 1_00, idempotency_key="once", headers={"X-Called-Reason": "Rent"})
        assert said.status_code == 201

    def test_goes_by_another_entry_that_wants_none(self, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*;reason=required", "MANUAL_TRANSFER:*>*;approval=0")

        assert post_transfer(api, income, rent, 1_00).json()["data"]["status"] == "pending_approval"
        said = post_transfer(api, income, rent, 1_00, headers={"X-Called-Reason": "Rent"})
        assert said.json()["data"]["status"] == "processing"

    def test_is_not_what_stands_in_the_way_of_too_much(self, client_with, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*@500;reason=required")

        error = post_transfer(api, income, rent, 6_00).json()["error"]

        assert error["code"] == "max_amount_exceeded"
        assert [detail["code"] for detail in error["details"]] == ["max_amount"]
