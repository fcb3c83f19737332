"""GET /rules and GET /rules/{id}."""

import pytest

from tests.factories import PodFactory
from tests.rules.definitions import manual, on_funds, rule, scheduled, step
from tests.rules.steps import enable, move, write
from tests.transfers.steps import error_of

UNKNOWN = "rule_01K00000000000000000000000"


@pytest.fixture
def rules(api, income, rent, savings):
    """Three rules: by hand on Payroll, for funds on Rent, and every day without an account."""
    action = move(income, rent, 1_00)
    return [
        write(api, rule(step(action), trigger=manual(income.id), nickname="By hand", description="When asked")),
        write(api, rule(step(move(rent, savings, 1_00)), trigger=on_funds(rent.id))),
        write(api, rule(step(action), trigger=scheduled("DAILY", "2026-01-01"))),
    ]


def listed(api, query=""):
    return [item["id"] for item in api.get(f"/rules{query}").json()["data"]]


class TestListRules:
    def test_shows_all_rules_oldest_first_in_short(self, api, rules, income):
        enable(rules[0])

        response = api.get("/rules")

        assert response.status_code == 200
        told = response.json()
        assert [item["id"] for item in told["data"]] == [made.id for made in rules]
        first, second, third = told["data"]
        assert list(first) == [
            "id", "nickname", "description", "status", "trigger_type", "source", "created_at", "updated_at",
        ]  # fmt: skip
        assert (first["nickname"], first["description"], first["status"]) == ("By hand", "When asked", "enabled")
        assert (first["trigger_type"], first["source"]) == (
            "MANUAL",
            {"id": income.id, "type": "income_source", "name": "Payroll"},
        )
        assert (second["trigger_type"], second["status"], second["nickname"]) == (
            "ON_FUNDS_TRANSFERRED",
            "disabled",
            None,
        )
        assert (third["trigger_type"], third["source"]) == ("SCHEDULED", None)
        assert told["page_info"]["has_next_page"] is False

    def test_filters_by_the_account_of_the_trigger(self, api, rules, income, rent, savings):
        assert listed(api, f"?source_id={income.id}") == [rules[0].id]
        assert listed(api, f"?source_id={rent.id}") == [rules[1].id]
        assert listed(api, f"?source_id={savings.id}") == []

    def test_answers_an_empty_list_for_an_account_that_is_unknown_foreign_or_malformed(self, api, rules, globex):
        for id in ("acc_01K00000000000000000000000", PodFactory(organization=globex).id, "acc_1", "x"):
            assert listed(api, f"?source_id={id}") == []

    def test_gives_pages_when_asked_for(self, api, rules):
        first = api.get("/rules?first=2").json()
        second = api.get(f"/rules?first=2&after={first['page_info']['end_cursor']}").json()

        assert [item["id"] for item in first["data"] + second["data"]] == [made.id for made in rules]
        assert [page["page_info"]["has_next_page"] for page in (first, second)] == [True, False]

    @pytest.mark.parametrize("query", ["first=0", "first=101", "after=x", "status=enabled", "source_id=a&source_id=b"])
    def test_refuses_a_query_that_it_does_not_know(self, api, rules, query):
        assert error_of(api.get(f"/rules?{query}")) == (400, "invalid_request")

    def test_shows_nobody_elses_rules(self, other_api, rules):
        assert listed(other_api) == []

    def test_costs_two_queries_however_many_there_are(self, api, rules, django_assert_num_queries):
        with django_assert_num_queries(2):  # the key with its permissions; the rules with their accounts
            api.get("/rules")


class TestReadRule:
    def test_keeps_the_last_name_of_a_deleted_account(self, api, rules, rent):
        rent.delete_softly()

        told = api.get(f"/rules/{rules[0].id}").json()["data"]

        assert told["steps"][0]["actions"][0]["destination"] == {"id": rent.id, "type": "pod", "name": "Rent"}

    def test_is_404_for_one_that_is_unknown_malformed_or_somebody_elses(self, api, other_api, rules):
        for client, id in ((api, UNKNOWN), (api, "rule_1"), (other_api, rules[0].id)):
            response = client.get(f"/rules/{id}")
            assert error_of(response) == (404, "not_found")
            assert response.json()["error"]["message"] == "Rule not found."

    def test_is_403_for_a_key_that_names_others_whether_it_exists_or_not(self, client_with, rules):
        narrow = client_with(f"READ_RULES:{rules[1].id}")

        assert narrow.get(f"/rules/{rules[1].id}").status_code == 200
        for id in (rules[0].id, UNKNOWN, "rule_1"):
            assert error_of(narrow.get(f"/rules/{id}")) == (403, "forbidden")

    def test_costs_three_queries(self, api, rules, django_assert_num_queries):
        with django_assert_num_queries(3):  # the key, the rule, the accounts' names
            api.get(f"/rules/{rules[0].id}")
