"""A key that pauses itself: what is cancelled, what is told, and what it may do afterwards."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.models import ApiKey, SpendCounter
from apikeys.services import resume_api_key, rotate_api_key
from rules.models import RuleExecution
from tests.client import Api
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import disable, move, trigger, write_enabled
from tests.transfers.steps import post_transfer, settle, transfer_between
from transfers.errors import ApprovalRefused
from transfers.ledger_invariants import find_faults
from transfers.models import CancelReason, Status, Transfer
from transfers.services import approve_transfer


def pause(agent, **body):
    response = agent.api.post("/key/pause", body)
    assert response.status_code == 200, response.content
    return response.json()["data"]


def states(*transfers):
    found = Transfer.objects.in_bulk([transfer.id for transfer in transfers])
    return [(found[transfer.id].status, found[transfer.id].cancel_reason) for transfer in transfers]


STOPPED = (Status.CANCELLED, CancelReason.KEY_STOPPED)


class TestPauseKey:
    def test_cancels_what_it_has_under_way_and_accounts_for_it(
        self, agent, other, income, rent, bank, accepted, waiting
    ):
        spared = transfer_between(other.api, income, rent, 10_00)
        late = transfer_between(agent.api, income, bank, 5_00)
        Transfer.objects.filter(id=late.id).update(status=Status.PENDING)

        told = pause(agent, reason="I repeat myself")

        assert told["stopped"] == [{"type": "api_key", "id": agent.key.id, "name": "Agent"}]
        assert told["cancelled"] == {
            "count": 2,
            "amount_in_cents": 40_00,
            "transfer_ids": [accepted.id, waiting.id],
        }
        assert told["not_stopped"] == {
            "count": 1,
            "amount_in_cents": 5_00,
            "transfers": [{"id": late.id, "status": "pending", "amount_in_cents": 5_00, "rail": "simulated"}],
        }
        assert told["given_back"] == [
            {"source": "*", "target": "*", "period": period, "amount_in_cents": 40_00, "count": 2}
            for period in ("day", "week", "month")
        ]
        assert states(accepted, waiting, spared) == [STOPPED, STOPPED, (Status.PROCESSING, None)]
        key = ApiKey.objects.get(id=agent.key.id)
        assert (key.paused_by, key.pause_note) == (f"key:{key.id}", "I repeat myself")

    def test_gives_the_amounts_back_to_the_caps(self, agent, accepted, waiting):
        pause(agent)

        spend_id = agent.key.entries.get(scope="MANUAL_TRANSFER").spend_id
        assert set(SpendCounter.objects.filter(spend_id=spend_id).values_list("spent_cents", flat=True)) == {0}
        assert find_faults() == []

    def test_ends_its_runs_that_have_yet_to_decide(self, agent, other, income, rent):
        made = write_enabled(agent.api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        mine, theirs = trigger(agent.api, made), trigger(other.api, made)

        told = pause(agent)
        settle()

        assert told["executions_ended"] == {"count": 1, "ids": [mine]}
        ended = RuleExecution.objects.get(id=mine)
        assert (ended.status, ended.error_message.partition(":")[0]) == ("failed", "key_paused")
        assert RuleExecution.objects.get(id=theirs).status == "executed"

    def test_names_the_enabled_rules_that_it_wrote_or_last_changed(self, agent, other, income, rent):
        body = rule(step(move(income, rent, 1_00)), trigger=manual(income.id), nickname="Rent")
        wrote = write_enabled(agent.api, body)
        disable(write_enabled(agent.api, body))
        write_enabled(other.api, body)

        assert pause(agent)["rules"] == [{"id": wrote.id, "name": "Rent", "status": "enabled"}]

    def test_answers_zeros_the_second_time(self, agent, accepted):
        first, second = pause(agent), pause(agent, reason="again")

        assert second == {
            "stopped": first["stopped"],
            "at": first["at"],
            "cancelled": {"count": 0, "amount_in_cents": 0, "transfer_ids": []},
            "not_stopped": {"count": 0, "amount_in_cents": 0, "transfers": []},
            "executions_ended": {"count": 0, "ids": []},
            "given_back": [],
            "rules": [],
        }

    def test_lists_at_most_a_hundred_and_counts_all(self, agent, accepted):
        copies = [Transfer(**{**vars_of(accepted), "spend_id": None}) for _ in range(104)]
        Transfer.objects.bulk_create(copies)

        told = pause(agent)["cancelled"]

        assert (told["count"], told["amount_in_cents"], len(told["transfer_ids"])) == (105, 1_050_00, 100)

    def test_tells_what_was_completed_in_the_last_24_hours(self, agent, accepted):
        now = timezone.now()
        [late] = Transfer.objects.bulk_create([Transfer(**{**vars_of(accepted), "spend_id": None})])
        for transfer, ago in ((accepted, timedelta(hours=24, minutes=1)), (late, timedelta(hours=23, minutes=59))):
            Transfer.objects.filter(id=transfer.id).update(status=Status.COMPLETE, completed_at=now - ago)

        told = pause(agent)

        assert told["cancelled"]["count"] == 0
        assert [(each["id"], each["status"]) for each in told["not_stopped"]["transfers"]] == [(late.id, "complete")]

    @pytest.mark.parametrize("body", [{"reason": ""}, {"reason": "x" * 201}, {"why": "so"}])
    def test_refuses_a_bad_body(self, agent, body):
        assert agent.api.post("/key/pause", body).status_code == 400
        assert ApiKey.objects.get(id=agent.key.id).paused_at is None


def vars_of(transfer):
    return {
        field.attname: getattr(transfer, field.attname)
        for field in transfer._meta.concrete_fields
        if not field.primary_key
    }


class TestAPausedKey:
    def refusal(self, response):
        assert response.status_code == 403
        return response.json()["error"]

    def test_is_refused_everywhere_with_the_time(self, agent, income, rent):
        at = pause(agent)["at"]

        for response in (
            agent.api.get("/accounts"),
            agent.api.get(f"/accounts/{income.id}"),
            post_transfer(agent.api, income, rent, 1_00),
            agent.api.get("/rules"),
        ):
            assert self.refusal(response) == {
                "code": "key_paused",
                "message": f"This API key is paused since {at}. A person must resume it.",
            }

    def test_gets_no_replay_and_leaves_no_record(self, agent, income, rent):
        post_transfer(agent.api, income, rent, 1_00, idempotency_key="before")
        pause(agent)
        replay = post_transfer(agent.api, income, rent, 1_00, idempotency_key="before")
        fresh = post_transfer(agent.api, income, rent, 1_00, idempotency_key="after")

        assert self.refusal(replay)["code"] == self.refusal(fresh)["code"] == "key_paused"
        resume_api_key(key_id=agent.key.id)
        assert post_transfer(agent.api, income, rent, 1_00, idempotency_key="after").status_code == 201

    def test_comes_after_the_rate_limit_and_before_the_scope(self, agent, settings):
        agent.key.entries.all().delete()
        pause(agent)
        assert self.refusal(agent.api.get("/accounts"))["code"] == "key_paused"

        settings.RATE_LIMIT_ENABLED, settings.RATE_LIMIT_PER_MINUTE = True, 1
        agent.api.get("/accounts")
        assert agent.api.get("/accounts").status_code == 429

    def test_takes_its_whole_lineage_along(self, agent):
        new, token = rotate_api_key(key_id=agent.key.id, overlap=timedelta(hours=1), rotated_by="staff:zoe")
        told = pause(agent)

        assert {one["id"] for one in told["stopped"]} == {agent.key.id, new.id}
        assert self.refusal(Api(token).get("/accounts"))["code"] == "key_paused"

    def test_stays_paused_through_a_rotation(self, agent):
        pause(agent)
        _, token = rotate_api_key(key_id=agent.key.id, overlap=timedelta(hours=1), rotated_by="staff:zoe")

        assert self.refusal(Api(token).get("/accounts"))["code"] == "key_paused"
        resume_api_key(key_id=agent.key.id)
        assert Api(token).get("/accounts").status_code == 200

    def test_works_again_when_a_person_resumes_it_and_what_was_stopped_stays_so(self, agent, accepted):
        pause(agent)
        resume_api_key(key_id=agent.key.id)
        settle()

        assert agent.api.get("/accounts").status_code == 200
        assert states(accepted) == [STOPPED]

    def test_has_nothing_that_could_be_approved(self, agent, waiting):
        ApiKey.objects.filter(id=agent.key.id).update(paused_at=waiting.created_at, paused_by="test")

        with pytest.raises(ApprovalRefused, match="is paused"):
            approve_transfer(transfer_id=waiting.id, by="staff:bob")
