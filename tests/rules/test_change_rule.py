"""PUT /rules/{id} and DELETE /rules/{id}."""

import pytest

from sequence.core.worker import run_once
from tests.rules.definitions import manual, on_funds, rule, scheduled, step
from tests.rules.steps import ABSENT, changed, enable, faults, move, runs_of, write_enabled
from tests.transfers.steps import balances, error_of, fund

UNKNOWN = "rule_01K00000000000000000000000"


@pytest.fixture
def made(api, income, rent):
    """An enabled rule: $10.00 of what arrives in Payroll go to Rent."""
    return write_enabled(api, rule(step(move(income, rent, 10_00)), trigger=on_funds(income.id), nickname="Old"))


@pytest.fixture
def body(income, savings):
    return rule(step(move(income, savings, 20_00)), trigger=manual(income.id), description="New")


class TestReplaceRule:
    def test_replaces_all_of_it_and_disables_it(self, api, made, body, income, savings):
        before = api.get(f"/rules/{made.id}").json()["data"]

        response = api.put(f"/rules/{made.id}", body)

        assert response.status_code == 200
        told = response.json()["data"]
        assert (told["id"], told["created_at"]) == (made.id, before["created_at"])
        assert told["updated_at"] > before["updated_at"]
        assert (told["nickname"], told["description"], told["status"]) == (None, "New", "disabled")
        assert told["trigger"] == {"type": "MANUAL", "account_id": income.id}
        assert [spec["destination"]["id"] for spec in told["steps"][0]["actions"]] == [savings.id]
        assert api.get(f"/rules/{made.id}").json()["data"] == told
        assert list(made.versions.order_by("number").values_list("number", "nickname")) == [(1, "Old"), (2, None)]

    def test_takes_back_what_get_gives(self, api, made, income, card):
        """Names too: they are told, and ignored when they come back."""
        spread = {
            "type": "snowball",
            "source": {"id": income.id},
            "accounts": [{"id": card.id}],
            "amount_in_cents": 100,
        }
        trigger = on_funds(income.id)
        for given in (move(income, card, 20_00), spread):
            api.put(f"/rules/{made.id}", rule(step(given), trigger=trigger))
            told = api.get(f"/rules/{made.id}").json()["data"]

            response = api.put(f"/rules/{made.id}", told)

            assert response.status_code == 200, response.content
            assert response.json()["data"] == {**told, "updated_at": response.json()["data"]["updated_at"]}
            assert response.json()["data"]["updated_at"] > told["updated_at"]

    @pytest.mark.parametrize("name", ["id", "created_at", "updated_at"])
    def test_takes_from_nobody_what_it_tells_itself(self, api, made, body, name):
        told = api.get(f"/rules/{made.id}").json()["data"]

        response = api.put(f"/rules/{made.id}", {**body, name: "2020-01-01T00:00:00Z"})

        assert response.status_code == 200
        assert response.json()["data"]["id"] == told["id"]
        assert response.json()["data"]["created_at"] == told["created_at"]
        assert response.json()["data"]["updated_at"] > told["updated_at"]
        assert faults(api.post("/rules", {**body, name: told[name]})) == [(name, "unknown_field")]

    @pytest.mark.parametrize("status", ["enabled", "disabled", None, ABSENT])
    def test_disables_it_whatever_status_says(self, api, made, body, status):
        sent = body if status is ABSENT else {**body, "status": status}

        assert api.put(f"/rules/{made.id}", sent).json()["data"]["status"] == "disabled"

    def test_lets_nothing_set_it_off_until_somebody_enables_it_again(self, api, made, income, savings):
        scheduled_one = rule(step(move(income, savings, 20_00)), trigger=on_funds(income.id))
        api.put(f"/rules/{made.id}", scheduled_one)
        fund(income, 100_00)
        run_once()
        assert runs_of(made) == []

        enable(made)
        fund(income, 100_00)
        run_once()
        assert balances(income, savings) == [180_00, 20_00]

    def test_takes_its_slot_away(self, api, income, rent, body):
        daily = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=scheduled("DAILY", "2026-01-01")))
        assert daily.next_slot_at is not None

        api.put(f"/rules/{daily.id}", body)

        daily.refresh_from_db()
        assert daily.next_slot_at is None

    def test_changes_nothing_when_the_body_is_refused(self, api, made, body):
        wrong = changed(body, "steps[0].actions[0].amount_in_cents", 99)
        assert faults(api.put(f"/rules/{made.id}", wrong)) == [("steps[0].actions[0].amount_in_cents", "min_value")]
        foreign = changed(body, "steps[0].actions[0].destination", {"id": "acc_01K00000000000000000000000"})
        assert faults(api.put(f"/rules/{made.id}", foreign)) == [
            ("steps[0].actions[0].destination.id", "unknown_account")
        ]

        made.refresh_from_db()
        assert (made.status, made.version, made.versions.count()) == ("enabled", 1, 1)

    def test_is_404_for_one_that_is_unknown_or_somebody_elses(self, api, other_api, made, body):
        assert error_of(api.put(f"/rules/{UNKNOWN}", body)) == (404, "not_found")
        assert error_of(other_api.put(f"/rules/{made.id}", body)) == (404, "not_found")
        made.refresh_from_db()
        assert made.version == 1

    def test_happens_once_for_an_idempotency_key(self, api, made, body):
        first, again = (api.put(f"/rules/{made.id}", body, idempotency_key="one") for _ in range(2))

        assert again.content == first.content
        assert again.headers["Idempotent-Replayed"] == "true"
        assert made.versions.count() == 2


class TestDeleteRule:
    def test_takes_it_out_of_every_endpoint_and_keeps_its_history(self, api, made, body, income):
        fund(income, 100_00)
        run_once()
        [run] = runs_of(made)

        response = api.delete(f"/rules/{made.id}")

        assert (response.status_code, response.content) == (204, b"")
        assert api.get("/rules").json()["data"] == []
        for refused in (
            api.get(f"/rules/{made.id}"),
            api.put(f"/rules/{made.id}", body),
            api.delete(f"/rules/{made.id}"),
            api.post(f"/rules/{made.id}/trigger", {}),
            api.post(f"/rules/{made.id}/trigger", {"simulation": True}),
            api.get(f"/rule-executions?rule_id={made.id}"),
        ):
            assert error_of(refused) == (404, "not_found")
        assert api.get(f"/rule-executions/{run.id}").json()["data"]["rule_name"] == "Old"
        made.refresh_from_db()
        assert (made.status, made.deleted_at is None) == ("disabled", False)

    def test_lets_nothing_set_it_off_any_more(self, api, made, income, rent):
        api.delete(f"/rules/{made.id}")
        fund(income, 100_00)
        run_once()

        assert runs_of(made) == []
        assert balances(income, rent) == [100_00, 0]

    def test_makes_room_for_another_rule_on_the_same_account(self, api, made, income, rent):
        api.delete(f"/rules/{made.id}")

        other = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id)))

        assert other.status == "enabled"

    def test_is_404_for_one_that_is_unknown_or_somebody_elses(self, api, other_api, made):
        assert error_of(api.delete(f"/rules/{UNKNOWN}")) == (404, "not_found")
        assert error_of(other_api.delete(f"/rules/{made.id}")) == (404, "not_found")
        made.refresh_from_db()
        assert made.deleted_at is None

    def test_happens_once_for_an_idempotency_key(self, api, made):
        first, again = (api.delete(f"/rules/{made.id}", idempotency_key="one") for _ in range(2))

        assert (first.status_code, again.status_code) == (204, 204)
        assert error_of(api.delete(f"/rules/{made.id}", idempotency_key="two")) == (404, "not_found")
