"""A malformed id, of whatever length, is an id of nothing."""

from urllib.parse import quote

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.urls import NoReverseMatch, reverse

from tests.factories import PodFactory

MALFORMED = {
    "short": "acc_",
    "of another kind": "rule_01K5Z8Q3V6J2N4P7R9S1T3W5X7",
    "no id": "acc",
    "101 characters": "acc_" + "0" * 97,
    "5,000 characters": "acc_" + "Z" * 4996,
    "5,000 digits": "9" * 5000,
    "past a number's range": "9" * 20,
    "of other alphabets": "acc_" + "é" * 26,
    "invisible": "acc_\u202e",
}
EVERY = pytest.mark.parametrize("id", MALFORMED.values(), ids=MALFORMED)


class TestApi:
    @EVERY
    @pytest.mark.parametrize("path", ["accounts", "transfers", "cards", "rules", "rule-executions"])
    def test_does_not_find_it_in_an_address(self, api, path, id):
        assert api.get(f"/{path}/{quote(id)}").status_code == 404

    @EVERY
    @pytest.mark.parametrize("query", ["transfers?account_id", "cards?account_id", "rules?source_id"])
    def test_does_not_find_it_in_a_query(self, api, query, id):
        response = api.get(f"/{query}={quote(id)}")

        # A filter of something unknown that is no account or rule finds nothing.
        assert response.status_code == 404 or (response.status_code == 200 and response.json()["data"] == [])

    @EVERY
    @pytest.mark.parametrize("end", ["source_account_id", "destination_account_id"])
    def test_does_not_find_it_in_a_body(self, api, acme, end, id):
        pods = {"source_account_id": PodFactory(organization=acme).id}
        pods["destination_account_id"] = PodFactory(organization=acme).id

        response = api.post("/transfers", {**pods, end: id, "amount_in_cents": 100})

        assert response.status_code == 404

    @pytest.mark.parametrize("written", [" {}", "{}\n", "\u00a0{}"])
    def test_is_one_with_blanks_around_a_good_one(self, api, acme, written):
        one, other = PodFactory(organization=acme).id, PodFactory(organization=acme).id
        body = {"source_account_id": one, "destination_account_id": written.format(other), "amount_in_cents": 100}

        assert api.post("/transfers", body).status_code == 404
        assert api.get(f"/transfers?account_id={quote(written.format(one))}").status_code == 404

    def test_refuses_nul_beside_its_field(self, api):
        [detail] = api.get("/transfers?account_id=acc_%00").json()["error"]["details"]

        assert (detail["field"], detail["code"]) == ("account_id", "control_character")


class TestAdmin:
    @pytest.mark.parametrize("id", [*MALFORMED.values(), "acc_\x00"], ids=[*MALFORMED, "NUL"])
    def test_does_not_find_it_on_any_page(self, admin_client, id):
        found = []
        for model in admin.site._registry:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            for page in ("change", "history"):
                try:
                    address = reverse(f"{name}_{page}", args=["THIS"])
                except NoReverseMatch:
                    continue
                response = admin_client.get(address.replace("THIS", quote(id.replace("_", "_5F"), safe="")))
                # Django itself leads back from what is not there, with a message.
                if response.status_code not in (302, 404):
                    found.append((name, page, response.status_code))
        assert found == []


class TestCommands:
    @EVERY
    @pytest.mark.parametrize(
        "command",
        [
            ["revoke_api_key"],
            ["rotate_api_key"],
            ["set_permissions", "--permission", "LIST_ACCOUNTS"],
            ["set_organization_status", "--status=x"],
            ["approve_transfer"],
            ["reject_transfer"],
            ["freeze_card"],
            ["disable_rule"],
            ["deposit", "--amount=100", "--account"],
            ["issue_card", "--type=virtual", "--holder=Ada", "--account"],
        ],
        ids=lambda command: command[0],
    )
    @pytest.mark.usefixtures("db")
    def test_say_in_a_line_that_there_is_none(self, command, id):
        if command[0] == "set_organization_status":
            command = ["set_organization_status", id, "suspended"]
        else:
            command = [*command, id]
        with pytest.raises(CommandError):
            call_command(*command)
