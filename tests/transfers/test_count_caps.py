"""How many transfers a key may ask for: counts of a day, a week, a month."""

from datetime import UTC, datetime, timedelta

import pytest

from apikeys.entries import parse_permissions
from apikeys.services import rotate_api_key, set_permissions
from tests.apikeys.test_idempotency import key_of
from tests.client import Api
from tests.transfers.steps import post_transfer, transfer_between
from transfers.ledger_invariants import find_faults

# A Wednesday.
NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
PERIODS = ["day", "week", "month"]


class TestCounts:
    """How many transfers may go, counted and given back like their amounts."""

    @pytest.mark.parametrize("period", PERIODS)
    def test_hold(self, client_with, ask, period):
        api = client_with(f"MANUAL_TRANSFER:*>*;count_{period}=2")

        assert [ask(api, 1_00) for _ in range(3)] == ["processing", "processing", "max_amount_exceeded"]
        assert find_faults() == []

    def test_begin_anew_with_the_period(self, client_with, ask, set_clock):
        api = client_with("MANUAL_TRANSFER:*>*;count_day=1;count_week=2")

        outcomes = []
        for day in (15, 15, 16, 17, 20):
            set_clock(NOON.replace(day=day))
            outcomes.append(ask(api, 1_00))

        refused, accepted = "max_amount_exceeded", "processing"
        assert outcomes == [accepted, refused, accepted, refused, accepted]

    def test_are_given_back(self, client_with, ask, income, rent):
        api = client_with("MANUAL_TRANSFER:*>*;count_month=1")
        transfer = transfer_between(api, income, rent, 1_00)
        assert ask(api, 1_00) == "max_amount_exceeded"

        assert api.post(f"/transfers/{transfer.id}/cancel").status_code == 200

        assert ask(api, 1_00) == "processing"

    def test_go_on_through_a_rotation(self, client_with, ask):
        api = client_with("MANUAL_TRANSFER:*>*;count_month=1")
        assert ask(api, 1_00) == "processing"

        _, token = rotate_api_key(key_id=key_of(api).id, overlap=timedelta(hours=1), rotated_by="test")

        assert ask(Api(token), 1_00) == "max_amount_exceeded"

    def test_begin_with_what_went_before_there_was_a_limit(self, client_with, ask):
        api = client_with("MANUAL_TRANSFER:*>*")
        assert ask(api, 1_00) == "processing"

        permissions = parse_permissions(["MANUAL_TRANSFER:*>*;count_day=1"])
        set_permissions(key_id=key_of(api).id, permissions=permissions, changed_by="test")

        assert ask(api, 1_00) == "max_amount_exceeded"

    def test_are_told_with_what_is_used_and_when_they_begin_anew(self, client_with, income, rent, ask, set_clock):
        set_clock(NOON)
        api = client_with("MANUAL_TRANSFER:*>*@5000;day=5000;count_day=1", "MANUAL_TRANSFER:*>*;week=200")
        assert ask(api, 1_00) == "processing"

        error = post_transfer(api, income, rent, 49_50).json()["error"]

        assert error["message"].startswith("This key may move at most 5000 cents a day from * to *.")
        assert [(detail["field"], detail["code"], detail["message"]) for detail in error["details"]] == [
            (
                "amount_in_cents",
                "day",
                "100 of 5,000 cents a day are used, so at most 4,900 more until 2026-07-16T00:00:00Z.",
            ),
            (
                "amount_in_cents",
                "count_day",
                "1 of 1 transfers a day are used, so none may go until 2026-07-16T00:00:00Z.",
            ),
            (
                "amount_in_cents",
                "week",
                "0 of 200 cents a week are used, so at most 200 more until 2026-07-20T00:00:00Z.",
            ),
        ]
