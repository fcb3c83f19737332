"""Why-not for staff: the rule's page in the admin, and the command."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from sequence.core.worker import run_once
from tests.factories import PodFactory
from tests.rules.definitions import condition, manual, on_funds, rule, step
from tests.rules.steps import move, runs_of, write, write_enabled
from tests.staff import Staff
from tests.transfers.steps import fund

LOOKING = ["rules.view_rule", "rules.view_ruleexecution", "transfers.view_transfer"]
PATH = "steps[0].conditions.all[0].condition.value"


@pytest.fixture
def made(api, income, rent):
    enough = {"all": [condition("TRANSFER_AMOUNT", "GREATER_THAN_OR_EQUAL", 100_00)]}
    return write_enabled(api, rule(step(move(income, rent, 10_00), conditions=enough), trigger=on_funds(income.id)))


@pytest.fixture
def small(made, income):
    """A deposit that was too small for the rule."""
    deposit = fund(income, 99_50)
    run_once()
    return deposit


@pytest.fixture
def ann(db):
    return Staff("ann", *LOOKING)


def page(ann, made, **query):
    response = ann.get(f"rules/rule/{made.id}/why-not/", **query)
    assert response.status_code == 200
    return response.content.decode()


class TestPage:
    def test_is_offered_by_the_page_of_the_rule(self, ann, made):
        assert "why-not/" in ann.get(f"rules/rule/{made.id}/change/").content.decode()

    def test_offers_what_arrived_last(self, ann, made, small, income, rent):
        elsewhere = fund(rent, 1_00)
        html = page(ann, made)

        assert f'href="?transfer={small.id}"' in html
        assert "$99.50" in html
        assert elsewhere.id not in html

    def test_answers_in_words_for_what_was_picked_or_pasted(self, ann, made, small):
        html = page(ann, made, transfer=f" {small.id} ")

        assert "The conditions of none of its steps held." in html
        assert "the amount that arrived is at least $99.50" in html
        assert f"/admin/rules/ruleexecution/{runs_of(made)[0].id}/change/" in html
        assert "judged by version 1" in html

    def test_answers_of_what_started_no_run(self, ann, api, made, income, rent):
        other = write(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))

        assert "Money that arrives did not set this rule off" in page(ann, other, transfer=fund(income, 1_00).id)

    def test_knows_no_transfer_of_another_organization_and_no_nonsense(self, ann, made, globex):
        theirs = fund(PodFactory(organization=globex), 77_77)
        for text in (theirs.id, "txr_1", "\u202e", "x" * 300):
            html = page(ann, made, transfer=text)

            assert "has no such transfer" in html
            assert "$77.77" not in html

    def test_is_there_for_a_rule_without_an_account_and_for_a_deleted_one(self, ann, api, income, rent, made, small):
        daily = {"type": "SCHEDULED", "schedule_type": "DAILY", "start_date": "2026-01-01"}
        page(ann, write(api, rule(step(move(income, rent, 1_00)), trigger=daily)))
        api.delete(f"/rules/{made.id}")

        assert "The conditions of none" in page(ann, made, transfer=small.id)

    @pytest.mark.parametrize("missing", LOOKING)
    def test_is_for_whoever_may_see_what_it_tells(self, made, small, missing):
        bob = Staff("bob", *(permission for permission in LOOKING if permission != missing))

        assert bob.get(f"rules/rule/{made.id}/why-not/", transfer=small.id).status_code == 403
        if missing != "rules.view_rule":
            assert "why-not/" not in bob.get(f"rules/rule/{made.id}/change/").content.decode()


def why_not(*arguments):
    out = StringIO()
    call_command("why_not", *arguments, stdout=out)
    return out.getvalue()


class TestCommand:
    def test_answers_what_the_api_does(self, api, made, small):
        told = api.get(f"/rules/{made.id}/why-not?transfer_id={small.id}").json()["data"]

        assert json.loads(why_not(made.id, small.id, "--json")) == told
        assert told["smallest_changes"] == [{"change": PATH, "to": 99_50}]

    def test_tells_a_person_line_by_line(self, made, small):
        lines = why_not(made.id, small.id).splitlines()

        assert lines[:2] == ["answer: did_not_run", "code: conditions_not_met"]
        assert PATH in lines[-1]

    def test_refuses_what_is_unknown_or_belongs_to_two_organizations(self, made, small, globex):
        theirs = fund(PodFactory(organization=globex), 1_00)
        for rule_id, transfer_id, reason in [
            ("rule_1", small.id, "Rule not found."),
            (made.id, "txr_1", "Transfer not found."),
            (made.id, theirs.id, "Transfer not found."),
        ]:
            with pytest.raises(CommandError, match=reason):
                why_not(rule_id, transfer_id)
