"""GET /rule-executions and GET /rule-executions/{id}."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.models import RuleExecution
from sequence.core.worker import run_once
from tests.past_guards import past_guard
from tests.rules.definitions import on_funds, rule, step
from tests.rules.steps import move, runs_of, trigger, write, write_enabled
from tests.transfers.steps import error_of, fund

START = datetime(2026, 7, 15, 12, tzinfo=UTC)

# Queries, and which runs of the history they find.
FILTERS = {
    "": [4, 2, 1, 0],
    "&mode=live": [4, 2, 1, 0],
    "&mode=simulation": [3],
    "&mode=all": [4, 3, 2, 1, 0],
    "&status=executed": [2, 1],
    "&status=failed": [0],
    "&status=in_progress": [4],
    "&status=partial": [],
    "&trigger_type=manual": [4, 0],
    "&trigger_type=on_funds_transferred": [2, 1],
    "&trigger_type=scheduled": [],
    "&from=2026-07-15T12:01:00Z": [4, 2, 1],  # inclusive
    "&from=2026-07-15T12:01:00.000001Z": [4, 2],
    "&to=2026-07-15T12:01:00Z": [1, 0],  # inclusive
    "&from=2026-07-15T14:01:00%2B02:00&to=2026-07-15T12:02:00Z": [2, 1],
    "&mode=all&status=executed&trigger_type=manual": [3],
    "&first=2": [4, 2],
}


@pytest.fixture
def made(api, income, rent):
    return write_enabled(api, rule(step(move(income, rent, 60_00)), trigger=on_funds(income.id), nickname="Pay"))


@pytest.fixture
def history(api, made, income):
    """A minute apart: by hand without money (failed), two deposits (executed), a simulation, a run that waits."""
    trigger(api, made)
    run_once()
    fund(income, 100_00)
    run_once()
    fund(income, 100_00)
    run_once()
    trigger(api, made, simulation=True)
    trigger(api, made)
    runs = runs_of(made)
    for minute, run in enumerate(runs):
        with past_guard("rules.RuleExecution:stays_what_was_started"):
            RuleExecution.objects.filter(id=run.id).update(created_at=START + timedelta(minutes=minute))
    return runs


def listed(api, made, query=""):
    response = api.get(f"/rule-executions?rule_id={made.id}{query}")
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["data"]]


class TestListExecutions:
    def test_shows_the_live_ones_newest_first_in_short(self, api, made, history):
        told = api.get(f"/rule-executions?rule_id={made.id}").json()["data"]

        assert [item["id"] for item in told] == [history[index].id for index in (4, 2, 1, 0)]
        assert list(told[0]) == ["id", "rule_id", "rule_name", "trigger_type", "status", "created_at"]
        assert told[-1] == {
            "id": history[0].id,
            "rule_id": made.id,
            "rule_name": "Pay",
            "trigger_type": "manual",
            "status": "failed",
            "created_at": "2026-07-15T12:00:00Z",
        }

    def test_filters(self, api, made, history):
        found = {query: listed(api, made, query) for query in FILTERS}

        assert found == {query: [history[index].id for index in expected] for query, expected in FILTERS.items()}

    def test_gives_pages_under_filters(self, api, made, history):
        path = f"/rule-executions?rule_id={made.id}&mode=all&first=2"
        pages = [api.get(path).json()]
        while pages[-1]["page_info"]["has_next_page"]:
            pages.append(api.get(f"{path}&after={pages[-1]['page_info']['end_cursor']}").json())

        assert [[item["id"] for item in page["data"]] for page in pages] == [
            [history[4].id, history[3].id],
            [history[2].id, history[1].id],
            [history[0].id],
        ]

    def test_gives_twenty_when_first_is_absent(self, api, made):
        for _ in range(21):
            trigger(api, made)

        told = api.get(f"/rule-executions?rule_id={made.id}").json()

        assert (len(told["data"]), told["page_info"]["has_next_page"]) == (20, True)

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("", "rule_id"),
            ("rule_id={id}&status=done", "status"),
            ("rule_id={id}&trigger_type=MANUAL", "trigger_type"),
            ("rule_id={id}&mode=both", "mode"),
            ("rule_id={id}&from=yesterday", "from"),
            ("rule_id={id}&to=2026-07-15", "to"),
            ("rule_id={id}&first=0", "first"),
            ("rule_id={id}&after=x", "after"),
            ("rule_id={id}&account_id=x", "account_id"),
            ("rule_id={id}&rule_id={id}", "rule_id"),
        ],
    )
    def test_refuses_a_query_with_the_name_of_what_is_wrong(self, api, made, query, field):
        response = api.get(f"/rule-executions?{query.format(id=made.id)}")

        assert error_of(response) == (400, "invalid_request")
        assert [detail["field"] for detail in response.json()["error"]["details"]] == [field]

    def test_is_404_for_a_rule_that_is_unknown_or_somebody_elses_with_a_star(self, api, other_api, made):
        unknown = "rule_01K00000000000000000000000"

        assert error_of(api.get(f"/rule-executions?rule_id={unknown}")) == (404, "not_found")
        assert error_of(other_api.get(f"/rule-executions?rule_id={made.id}")) == (404, "not_found")

    def test_is_403_for_a_rule_that_the_key_does_not_name(self, client_with, api, made, history, income, rent):
        other = write(api, rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id)))
        narrow = client_with(f"READ_RULE_EXECUTIONS:{other.id}")

        assert listed(narrow, other) == []
        for id in (made.id, "rule_01K00000000000000000000000"):
            assert error_of(narrow.get(f"/rule-executions?rule_id={id}")) == (403, "forbidden")

    def test_costs_three_queries_however_many_there_are(self, api, made, history, django_assert_num_queries):
        with django_assert_num_queries(3):  # the key, the rule, the executions
            listed(api, made, "&mode=all")


class TestReadExecution:
    def test_is_404_with_a_star_for_one_that_is_unknown_or_somebody_elses(self, api, other_api, history):
        for client, id in ((api, "rex_01K00000000000000000000000"), (api, "rex_1"), (other_api, history[0].id)):
            response = client.get(f"/rule-executions/{id}")
            assert error_of(response) == (404, "not_found")
            assert response.json()["error"]["message"] == "Rule execution not found."

    def test_is_403_without_a_star_for_all_but_those_of_its_rules(self, client_with, api, history, income, rent):
        other = write(api, rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id)))
        own = trigger(api, other, simulation=True)
        narrow = client_with(f"READ_RULE_EXECUTIONS:{other.id}")

        assert narrow.get(f"/rule-executions/{own}").status_code == 200
        for id in (history[0].id, "rex_01K00000000000000000000000", "rex_1"):
            assert error_of(narrow.get(f"/rule-executions/{id}")) == (403, "forbidden")

    def test_costs_three_queries(self, api, history, django_assert_num_queries):
        with django_assert_num_queries(3):  # the key, the execution, its transfers
            api.get(f"/rule-executions/{history[1].id}")
