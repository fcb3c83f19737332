"""Stopping on the staff's pages: two taps, the accounting as the answer, and who may."""

import pytest
from django.contrib.auth.models import Group, User

from apikeys.models import ApiKey
from sequence.core.admin.groups import OPERATORS
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, write_enabled
from tests.staff import page_of, sign_in
from transfers.models import Status, Transfer


@pytest.fixture
def on_call(db):
    """Somebody of the group on call."""
    client = sign_in()
    User.objects.get(username="ann").groups.add(Group.objects.get(name=OPERATORS))
    return client


class TestStop:
    def test_of_a_key_answers_with_the_accounting(self, on_call, agent, accepted, waiting):
        assert "Stop</a>" in on_call.get(page_of(agent.key)).content.decode()
        answer = on_call.post(page_of(agent.key, "stop"), {"note": "Odd payees"}).content.decode()

        assert "2 transfers of $40.00 cancelled" in answer
        assert accepted.id in answer
        key = ApiKey.objects.get(id=agent.key.id)
        assert (key.paused_by, key.pause_note) == ("staff:ann", "Odd payees")
        assert "Odd payees" in on_call.get(page_of(key, "history")).content.decode()
        assert "Odd payees" in on_call.get(page_of(accepted)).content.decode()

    def test_of_a_key_disables_its_rules_in_the_same_step_when_asked(self, on_call, agent, income, rent):
        made = write_enabled(
            agent.api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id), nickname="Rent first")
        )
        assert "Rent first" in on_call.get(page_of(agent.key, "stop")).content.decode()
        answer = on_call.post(page_of(agent.key, "stop"), {"disable_rules": "on"}).content.decode()

        made.refresh_from_db()
        assert made.status == "disabled"
        assert "disabled" in answer

    def test_of_a_key_leaves_its_rules_alone_when_not(self, on_call, agent, income, rent):
        made = write_enabled(agent.api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        on_call.post(page_of(agent.key, "stop"))

        made.refresh_from_db()
        assert made.status == "enabled"

    def test_of_an_organization(self, on_call, acme, agent, accepted):
        answer = on_call.post(page_of(acme, "stop")).content.decode()

        assert "1 transfer of $10.00 cancelled" in answer
        assert agent.api.get("/accounts").status_code == 401

    def test_revokes_too(self, on_call, agent, accepted):
        answer = on_call.post(page_of(agent.key, "revoke")).content.decode()

        assert "1 transfer of $10.00 cancelled" in answer
        assert agent.api.get("/accounts").status_code == 401
        assert Transfer.objects.get(id=accepted.id).status == Status.CANCELLED


class TestResume:
    def test_is_for_whoever_may_change_keys(self, on_call, agent):
        on_call.post(page_of(agent.key, "stop"))
        assert on_call.post(page_of(agent.key, "resume")).status_code == 403

        boss = sign_in("apikeys.view_apikey", "apikeys.change_apikey", name="bob")
        boss.post(page_of(agent.key, "resume"))
        assert agent.api.get("/accounts").status_code == 200


class TestConsole:
    def test_shows_what_is_stopped_until_it_is_resumed(self, on_call, acme, agent):
        on_call.post(page_of(agent.key, "stop"), {"note": "Odd payees"})
        console = on_call.get("/admin/").content.decode()
        assert "Paused API keys" in console
        assert "Odd payees" in console
        assert "Suspended organizations" not in console

        on_call.post(page_of(acme, "stop"))
        assert "Suspended organizations" in on_call.get("/admin/").content.decode()
        sign_in(name="root", is_superuser=True).post(page_of(agent.key, "resume"))
        assert "Paused API keys" not in on_call.get("/admin/").content.decode()


class TestNotes:
    @pytest.mark.parametrize(("page", "reason"), [("approve", None), ("reject", "rejected")])
    def test_of_a_decision_are_on_the_page_and_the_trail_and_never_in_the_api(
        self, on_call, agent, waiting, page, reason
    ):
        on_call.post(page_of(waiting, page), {"note": "Asked Zoe"})

        assert "Asked Zoe" in on_call.get(page_of(waiting)).content.decode()
        assert "Asked Zoe" in on_call.get(page_of(waiting, "history")).content.decode()
        told = agent.api.get(f"/transfers/{waiting.id}")
        assert told.json()["data"]["cancel_reason"] == reason
        assert "Zoe" not in told.content.decode()

    def test_of_a_cancellation(self, on_call, agent, accepted):
        on_call.post(page_of(accepted, "cancel"), {"note": "Asked Zoe"})

        assert agent.api.get(f"/transfers/{accepted.id}").json()["data"]["cancel_reason"] == "rejected"
        assert "Asked Zoe" in on_call.get(page_of(accepted, "history")).content.decode()
