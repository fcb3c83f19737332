"""GET /rules/{id}/versions: what a rule was, who wrote it, and when a person let it run."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.services import replace_rule
from sequence.core.audit import run_audited
from sequence.core.clock import stopped_at
from tests.past_guards import unguarded
from tests.rules.definitions import manual, on_funds, rule, step
from tests.rules.steps import disable, enable, move, write
from tests.transfers.steps import error_of

UNKNOWN = "rule_01K00000000000000000000000"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def made(api, income, rent):
    return write(api, rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id), nickname="First"))


def replace(api, made, income, target, **own):
    response = api.put(f"/rules/{made.id}", rule(step(move(income, target, 2_00)), trigger=manual(income.id), **own))
    assert response.status_code == 200, response.content


def versions_of(api, made, query=""):
    return api.get(f"/rules/{made.id}/versions{query}").json()["data"]


class TestVersions:
    def test_are_shown_newest_first_in_the_shape_of_the_rule(self, api, made, body, income, savings):
        api.put(f"/rules/{made.id}", body)
        as_it_is = api.get(f"/rules/{made.id}").json()["data"]

        newest, first = versions_of(api, made)

        assert list(newest) == [
            "number", "nickname", "description", "trigger", "steps", "created_at", "created_by", "enabled_at",
        ]  # fmt: skip
        same = ("nickname", "description", "trigger", "steps")
        assert {name: newest[name] for name in same} == {name: as_it_is[name] for name in same}
        assert (newest["number"], newest["created_at"]) == (2, as_it_is["updated_at"])
        assert (first["number"], first["nickname"], first["description"]) == (1, "First", None)
        assert first["steps"][0]["actions"][0]["destination"]["name"] == "Rent"

    def test_say_of_what_kind_their_author_was_and_no_more(self, api, made):
        definition = made.definition
        for by in ("staff:ada", "command:seed_demo:root"):
            replace_rule(organization_id=made.organization_id, rule_id=made.id, by=by, **definition)

        assert [told["created_by"] for told in versions_of(api, made)] == ["command", "staff", "key"]
        assert b"ada" not in api.get(f"/rules/{made.id}/versions").content

    def test_say_when_each_was_last_enabled(self, api, made, income, savings):
        for hour in (0, 1):
            with stopped_at(NOON + timedelta(hours=hour)):
                enable(made)
            disable(made)
        replace(api, made, income, savings)
        replace(api, made, income, savings)
        with stopped_at(NOON + timedelta(days=1)):
            enable(made)

        assert [told["enabled_at"] for told in versions_of(api, made)] == [
            "2026-03-02T12:00:00Z",
            None,
            "2026-03-01T13:00:00Z",
        ]

    def test_from_before_our_clock_was_kept_go_by_the_databases(self, api, made):
        run_audited(lambda: enable(made), actor="staff:ada")
        with unguarded(made.events.model._meta.db_table):
            made.events.update(updated_at=None)

        [told] = versions_of(api, made)
        assert datetime.fromisoformat(told["enabled_at"]) == made.events.latest("pgh_id").pgh_created_at

    def test_come_in_pages(self, api, made, income, savings):
        for _ in range(4):
            replace(api, made, income, savings)

        seen, after = [], ""
        while after is not None:
            page = api.get(f"/rules/{made.id}/versions?first=2{after}").json()
            seen.append([told["number"] for told in page["data"]])
            info = page["page_info"]
            after = f"&after={info['end_cursor']}" if info["has_next_page"] else None
        assert seen == [[5, 4], [3, 2], [1]]

    def test_are_20_where_no_number_is_asked_for(self, api, made, income, savings):
        for _ in range(20):
            replace(api, made, income, savings)

        assert [told["number"] for told in versions_of(api, made)] == list(range(21, 1, -1))

    @pytest.mark.parametrize("query", ["?first=0", "?after=x", "?number=1"])
    def test_refuse_a_query_that_they_do_not_know(self, api, made, query):
        assert error_of(api.get(f"/rules/{made.id}/versions{query}")) == (400, "invalid_request")

    def test_are_404_for_a_rule_that_is_unknown_deleted_or_somebody_elses(self, api, other_api, made):
        assert error_of(other_api.get(f"/rules/{made.id}/versions")) == (404, "not_found")
        api.delete(f"/rules/{made.id}")
        for id in (UNKNOWN, "rule_1", made.id):
            assert error_of(api.get(f"/rules/{id}/versions")) == (404, "not_found")

    def test_are_403_for_a_key_that_reads_other_rules_whether_it_exists_or_not(self, client_with, made):
        narrow = client_with("READ_RULES:rule_2")

        for id in (made.id, UNKNOWN):
            assert error_of(narrow.get(f"/rules/{id}/versions")) == (403, "forbidden")

    def test_cost_five_queries_however_many_there_are(self, api, made, income, savings, django_assert_num_queries):
        for _ in range(3):
            replace(api, made, income, savings)

        # The key; the rule, its versions, the accounts' names, when each was enabled.
        with django_assert_num_queries(5):
            versions_of(api, made)
