"""Replays for people: the command, the form on a rule's page, and the page of what came of it."""

import json
import re
from datetime import timedelta
from html import unescape
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from sequence.core.worker import run_once
from sequence.replays.models import RuleReplay
from sequence.replays.told import tell
from tests.factories import PodFactory
from tests.replays.steps import ago, replayed, started
from tests.rules.definitions import on_funds, rule, scheduled, step
from tests.rules.steps import move, write, write_enabled
from tests.staff import Staff
from tests.transfers.steps import fund, transfer_between

pytestmark = pytest.mark.django_db(transaction=True)

LOOKING = ["rules.view_rule", "transfers.view_transfer"]


@pytest.fixture
def written(api, income, rent):
    return write(api, rule(step(move(income, rent, 60_00)), trigger=on_funds(income.id)))


@pytest.fixture
def ann(db):
    return Staff("ann", *LOOKING, "rules.simulate_rule")


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("replay_rule", *arguments, stdout=out)
    return out.getvalue()


class TestCommand:
    def test_does_it_at_once_and_answers_what_the_api_answers(self, api, income, written):
        fund(income, 100_00)

        told = json.loads(command(written.id, "--from", ago(days=1), "--json"))

        assert told == api.get(f"/rule-replays/{told['id']}").json()["data"]
        assert told["moved"][0]["replay_in_cents"] == 60_00
        assert RuleReplay.objects.get().attempts == 1

    def test_takes_days_and_a_draft_from_a_file(self, income, savings, written, tmp_path):
        draft = tmp_path / "draft.json"
        draft.write_text(json.dumps(rule(step(move(income, savings, 30_00)), trigger=on_funds(income.id))))
        fund(income, 100_00)
        day = f"{timezone.now():%Y-%m-%d}"

        told = json.loads(command(written.id, "--from", day, "--definition", str(draft), "--json"))

        assert told["from"] == f"{day}T00:00:00Z"
        assert told["rule_version"] is None
        assert [each["destination"] for each in told["moved"]] == [savings.id]

    def test_tells_a_person_in_sentences(self, income, written):
        fund(income, 100_00)

        said = command(written.id, "--from", ago(days=1))

        assert "the deposit would have paid $60.00 to Rent; it paid nothing." in said
        assert "Payroll: $0.00 at first, $100.00 at last, $40.00 with this rule" in said

    def test_refuses_in_a_line_what_makes_no_sense(self, written, tmp_path):
        with pytest.raises(CommandError, match="at most 366 days"):
            command(written.id, "--from", ago(days=400))
        with pytest.raises(CommandError, match="cannot be read"):
            command(written.id, "--from", ago(days=1), "--definition", str(tmp_path / "none"))

    def test_says_that_it_failed(self, income, written, monkeypatch):
        monkeypatch.setattr("sequence.replays.history.MAX_EVENTS", 0)
        fund(income, 1_00)

        with pytest.raises(CommandError, match="too_many_events"):
            command(written.id, "--from", ago(days=1))


class TestForm:
    def test_asks_for_a_replay_and_leads_to_its_page(self, ann, income, written):
        fund(income, 100_00)
        day = f"{timezone.now():%Y-%m-%d}"

        response = ann.post(f"rules/rule/{written.id}/replay/", since=day, until=day)

        [replay] = RuleReplay.objects.all()
        assert response.redirect_chain[-1][0].endswith(f"rules/rule/replays/{replay.id}/")
        html = response.content.decode()
        assert "in progress" in html
        assert 'http-equiv="refresh"' in html
        assert replay.asked_by == "staff:ann"

    def test_takes_a_draft_and_shows_the_rules_own_to_begin_with(self, ann, income, savings, written):
        fund(income, 100_00)
        page, draft = self.address(written), rule(step(move(income, savings, 30_00)), trigger=on_funds(income.id))
        own = unescape(re.search(r'<pre class="json"[^>]*>(.*?)</pre>', ann.get(page).content.decode(), re.S)[1])

        for definition in (json.loads(own), {name: draft[name] for name in ("trigger", "steps")}):
            ann.post(page, since=f"{timezone.now():%Y-%m-%d}", definition=json.dumps(definition))
            run_once()

        of_own, of_draft = RuleReplay.objects.order_by("id")
        assert (of_own.version, of_own.definition) == (None, written.definition)
        assert [each["destination"] for each in tell(of_draft)["moved"]] == [savings.id]
        html = ann.get(f"rules/rule/replays/{of_draft.id}/").content.decode()
        assert "A draft" in html
        assert "Move $30.00 from “Payroll”" in html

    @pytest.mark.parametrize(
        ("definition", "fault"),
        [
            ("{", "The draft is not JSON: Expecting property name enclosed in double quotes at line 1, column 2."),
            ("[]", "The draft must be a JSON object."),
            ('{"trigger": {"type": "manual"}}', "steps: This field is required."),
            (
                '{"trigger": {"type": "manual"}, "steps": [{"actions": [{"type": "give"}]}]}',
                "steps[0].actions[0].type: ",
            ),
        ],
    )
    def test_tells_each_fault_of_a_draft_beside_what_was_typed(self, ann, written, definition, fault):
        html = ann.post(
            self.address(written), since=f"{timezone.now():%Y-%m-%d}", definition=definition
        ).content.decode()

        assert fault in unescape(html)
        assert definition in unescape(html)
        assert not RuleReplay.objects.exists()

    def test_refuses_a_draft_that_names_what_is_not_there(self, ann, income, written):
        definition = rule(step(move(income, PodFactory(), 1_00)), trigger=on_funds(income.id))
        sent = {name: definition[name] for name in ("trigger", "steps")}

        html = ann.post(
            self.address(written), since=f"{timezone.now():%Y-%m-%d}", definition=json.dumps(sent)
        ).content.decode()

        assert "steps[0].actions[0].destination" in html
        assert not RuleReplay.objects.exists()

    @staticmethod
    def address(written) -> str:
        return f"rules/rule/{written.id}/replay/"

    def test_is_not_for_whoever_may_only_look(self, written):
        viewer = Staff("vic", *LOOKING)

        assert viewer.get(f"rules/rule/{written.id}/replay/").status_code == 403


class TestPage:
    def test_tells_what_would_have_been_paid_and_missed(self, api, ann, income, savings, written):
        fund(income, 100_00)
        paid = transfer_between(api, income, savings, 70_00)
        run_once()
        told = replayed(api, written)

        html = ann.get(f"rules/rule/replays/{told['id']}/").content.decode()

        assert "the deposit would have paid $60.00 to Rent; it paid nothing." in html
        assert "a payment would have been $30.00 short." in html
        assert f"transfers/transfer/{paid.id}/change/" in html
        assert html.count("balance-plot") == 2
        assert 'class="other"' in html
        assert "Without this rule" in html
        assert "http-equiv" not in html

    def test_calls_it_as_it_was_where_the_rule_was_enabled(self, api, ann, income, rent):
        enabled = write_enabled(api, rule(step(move(income, rent, 60_00)), trigger=on_funds(income.id)))
        fund(income, 100_00)
        run_once()
        told = replayed(api, enabled)

        html = ann.get(f"rules/rule/replays/{told['id']}/").content.decode()

        assert "As it was" in html
        assert "Without this rule" not in html
        assert "Nowhere." in html

    def test_offers_to_enable_what_was_read(self, api, income, written):
        bea = Staff("bea", *LOOKING, "rules.enable_rule")
        address = f"rules/rule/replays/{started(api, written)}/"
        assert f"{written.id}/change/../enable/" not in bea.get(address).content.decode()
        run_once()

        assert f"{written.id}/change/../enable/" in bea.get(address).content.decode()
        assert "/enable/" not in Staff("vic", *LOOKING).get(address).content.decode()

    def test_does_not_offer_to_enable_what_has_become_another_rule(self, api, income, rent, written):
        bea = Staff("bea", *LOOKING, "rules.enable_rule", "rules.simulate_rule")
        told = replayed(api, written)
        api.put(f"/rules/{written.id}", rule(step(move(income, rent, 70_00)), trigger=on_funds(income.id)))

        html = bea.get(f"rules/rule/replays/{told['id']}/").content.decode()

        assert "it is version 2 now" in html
        assert f"{written.id}/change/../enable/" not in html
        assert f"{written.id}/change/../replay/" in html

    def test_says_why_a_schedule_did_nothing_yet(self, api, ann, income, rent):
        tomorrow = f"{timezone.now() + timedelta(days=1):%Y-%m-%d}T06:45:00Z"
        trigger = scheduled("DAILY", tomorrow)
        told = replayed(api, write(api, rule(step(move(income, rent, 60_00)), trigger=trigger)))

        html = ann.get(f"rules/rule/replays/{told['id']}/").content.decode()

        assert f"Its schedule begins at {tomorrow[:10]} 06:45 UTC: nothing set it off before that." in html

    def test_is_offered_on_the_page_of_the_rule_with_the_latest(self, api, ann, written):
        replay_id = started(api, written)

        html = ann.get(f"rules/rule/{written.id}/change/").content.decode()

        assert "Replay on history" in html
        assert f"rules/rule/replays/{replay_id}/" in html

    def test_is_for_whoever_may_see_rules_and_transfers(self, api, written):
        replay_id = started(api, written)

        assert Staff("vic", "rules.view_rule").get(f"rules/rule/replays/{replay_id}/").status_code == 403
        assert Staff("uma", *LOOKING).get("rules/rule/replays/rpl_01M88RZTG7ETD937SAD9R34101/").status_code == 404
