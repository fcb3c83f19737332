"""GET /key: what a key may do, and what is left of it."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from apikeys.services import pause_api_key, revoke_api_key
from tests.apikeys.test_idempotency import key_of
from tests.transfers.steps import error_of

# A Wednesday.
NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
RESETS = {"day": "2026-07-16T00:00:00Z", "week": "2026-07-20T00:00:00Z", "month": "2026-08-01T00:00:00Z"}


def entries_of(api):
    return api.get("/key").json()["data"]["permissions"]


class TestKey:
    def test_is_told_whole(self, acme, client_with, set_clock, settings):
        settings.RATE_LIMIT_ENABLED = True
        set_clock(NOON)
        api = client_with("LIST_RULES", "READ_ACCOUNTS:*", "TRIGGER_RULES:rule_1,rule_2;count_day=3")
        key = key_of(api)

        data = api.get("/key").json()["data"]

        assert list(data) == [
            *("id", "name", "prefix", "status", "organization", "created_at", "expires_at", "paused_at"),
            *("rate_limit", "permissions"),
        ]
        assert (data["id"], data["name"], data["prefix"], data["status"]) == (key.id, key.name, key.prefix, "active")
        assert data["organization"] == {"id": acme.id, "name": "Acme", "legal_name": "Acme Trading LLC"}
        assert (data["expires_at"], data["paused_at"]) == (None, None)
        assert data["rate_limit"] == {"limit": 100, "remaining": 99, "resets_at": "2026-07-15T12:01:00Z"}
        assert data["permissions"] == [
            {"scope": "LIST_RULES", "resources": None},
            {"scope": "READ_ACCOUNTS", "resources": ["*"]},
            {"scope": "TRIGGER_RULES", "resources": ["rule_1", "rule_2"], "max_count_per_day": 3},
        ]

    def test_tells_an_entry_that_moves_money_with_its_use(self, client_with, set_clock, ask, income, rent):
        set_clock(NOON)
        api = client_with(f"MANUAL_TRANSFER:{income.id}>*@5000;day=6000;count_week=3;approval=2000;reason=required")
        assert ask(api, 45_00) == "invalid_request"
        headers = {"X-Called-Reason": "Rent"}
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 45_00}
        assert api.post("/transfers", body, headers=headers).status_code == 201

        [entry] = entries_of(api)

        assert entry == {
            "scope": "MANUAL_TRANSFER",
            "source": income.id,
            "target": "*",
            "max_amount": 50_00,
            "max_amount_per_day": 60_00,
            "max_amount_per_week": None,
            "max_amount_per_month": None,
            "max_count_per_day": None,
            "max_count_per_week": 3,
            "max_count_per_month": None,
            "approval_above": 20_00,
            "requires_reason": True,
            "usage": {
                "day": _use(45_00, 15_00, None, RESETS["day"]),
                "week": _use(45_00, None, 2, RESETS["week"]),
                "month": _use(45_00, None, None, RESETS["month"]),
            },
            "allowed_now_in_cents": 15_00,
            "allowed_with_approval_in_cents": 15_00,
            "limited_by": "day",
        }

    def test_answers_a_paused_key_and_no_revoked_one(self, client_with):
        api = client_with("LIST_RULES")
        pause_api_key(key_id=key_of(api).id, by="staff:bob")

        data = api.get("/key").json()["data"]
        assert data["status"] == "paused"
        assert data["paused_at"]

        revoke_api_key(key_id=key_of(api).id)
        assert error_of(api.get("/key")) == (401, "unauthorized")


def _use(spent, left, left_count, resets_at):
    return {
        "spent_in_cents": spent,
        "remaining_in_cents": left,
        "count": 1,
        "remaining_count": left_count,
        "resets_at": resets_at,
    }


class TestAllowed:
    """``allowed_now_in_cents`` goes, and one cent more does not; the same with a person."""

    @pytest.mark.parametrize(
        ("limits", "now", "with_approval", "limited_by"),
        [
            ("", None, None, None),
            ("@3000", 30_00, 30_00, "max_amount"),
            (";approval=3000", 30_00, None, "approval"),
            ("@3000;approval=0", 0, 30_00, "approval"),
            (";day=1099", 0, 0, "day"),
            (";day=5000;week=4000;month=4000", 30_00, 30_00, "week"),
            (";count_day=1;count_week=1", 0, 0, "count_day"),
            (";count_day=2;week=4000;approval=2000", 20_00, 30_00, "approval"),
            ("@3000;week=4000", 30_00, 30_00, "max_amount"),
            (";day=1050;count_day=1", 0, 0, "day"),
            (";reason=required", None, None, None),
        ],
    )
    def test_is_what_the_limits_leave(
        self, client_with, set_clock, income, rent, limits, now, with_approval, limited_by
    ):
        set_clock(NOON)
        api = client_with(f"MANUAL_TRANSFER:*>*{limits}")

        def post(cents):
            body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": cents}
            answer = api.post("/transfers/dry-run", body, headers={"X-Called-Reason": "Rent"})
            return answer.json()["data"]["verdict"]

        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 10_00}
        assert api.post("/transfers", body, headers={"X-Called-Reason": "Rent"}).status_code == 201
        [entry] = entries_of(api)

        figures = (entry["allowed_now_in_cents"], entry["allowed_with_approval_in_cents"], entry["limited_by"])
        assert figures == (now, with_approval, limited_by)
        if now:
            assert (post(now), post(now + 1) == "allowed") == ("allowed", False)
        if with_approval:
            assert (post(with_approval) == "refused", post(with_approval + 1)) == (False, "refused")

    def test_counts_what_is_asked_for_later_only_then(self, client_with, set_clock, income, rent):
        set_clock(NOON)
        api = client_with("MANUAL_TRANSFER:*>*;day=3000")
        later = (NOON + timedelta(days=1)).isoformat()
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 10_00}
        assert api.post("/transfers", {**body, "not_before": later}).status_code == 201

        assert entries_of(api)[0]["usage"]["day"]["spent_in_cents"] == 0
        set_clock(NOON + timedelta(days=1))
        assert entries_of(api)[0]["usage"]["day"]["spent_in_cents"] == 10_00


class TestStaff:
    """The same figures on the key's page and from ``show_api_key``."""

    @pytest.fixture
    def api(self, client_with, set_clock, income, rent):
        set_clock(NOON)
        api = client_with("LIST_RULES", "MANUAL_TRANSFER:*>*;day=6000;count_week=3;approval=2000")
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 45_00}
        assert api.post("/transfers", body).status_code == 201
        return api

    def test_read_bars(self, api, staff):
        page = staff.get(f"/admin/apikeys/apikey/{key_of(api).id}/change/").content.decode()

        assert "At most $15.00 in one transfer now." in page
        assert '<meter min="0" max="6000" high="4800" optimum="0" value="4500">' in page
        assert "$45.00 of $60.00 used today, $15.00 left until 2026-07-16 00:00 UTC" in page
        assert "1 transfer of 3 transfers used this week, 2 transfers left until 2026-07-20 00:00 UTC" in page
        assert "$45.00 in 1 transfer this month, without a limit" in page

    def test_ask_a_command(self, api):
        out = StringIO()
        call_command("show_api_key", key_of(api).id, "--json", stdout=out)

        assert json.loads(out.getvalue()) == api.get("/key").json()["data"]

    def test_read_lines(self, api):
        out = StringIO()
        call_command("show_api_key", key_of(api).id, stdout=out)

        lines = out.getvalue().splitlines()
        assert "permission 1: MANUAL_TRANSFER" in lines
        assert "    used a day: 4500 cents in 1 transfers, 1500 cents left, until 2026-07-16T00:00:00Z" in lines
        assert "    limited by: day" in lines
