"""Replays as a client sees them."""

from datetime import timedelta
from hashlib import sha256

import pytest
import rfc8785
from django.utils import timezone

from cards.models import CardType
from cards.services import charge_card, issue_card, refund_purchase
from sequence.core import clock
from sequence.core.api.fields import show_time
from sequence.core.worker import run_once
from sequence.replays.models import RuleReplay
from sequence.replays.services import forget_old_replays
from tests.replays.steps import account, ago, read, replayed, started, way
from tests.rules.definitions import action, condition, limit, manual, on_funds, rule, scheduled, step
from tests.rules.steps import move, trigger, write, write_enabled
from tests.transfers.steps import balances, fund, transfer_between
from transfers.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paying(api, income, rent):
    """A disabled rule that pays $60.00 of what arrives in Payroll to Rent."""
    return write(api, rule(step(move(income, rent, 60_00)), trigger=on_funds(income.id)))


class TestReplay:
    def test_tells_what_a_rule_would_have_done_that_was_never_enabled(self, api, income, rent, paying):
        paycheck = fund(income, 100_00)

        told = replayed(api, paying)

        assert told["rule_id"] == paying.id
        assert told["rule_version"] == 1
        assert told["error_code"] is None
        assert told["events_seen"] == 1
        assert told["runs"]["replay"] == {"executed": 1, "partial": 0, "failed": 0, "no_match": 0}
        assert told["runs"]["actual"] == {"executed": 0, "partial": 0, "failed": 0, "no_match": 0}
        assert told["moved"] == [way(income, rent, 0, 60_00)]
        seen = account(told, income)
        assert (seen["opening_in_cents"], seen["closing_actual_in_cents"]) == (0, 100_00)
        assert seen["closing_replay_in_cents"] == 40_00
        assert seen["lowest_replay"]["cents"] == 0
        assert [each["trigger"] for each in told["differences"]] == [{"transfer_id": paycheck.id}]
        assert told["differences"][0]["actual"] == []
        assert told["differences"][0]["replay"] == [{"destination": rent.id, "amount_in_cents": 60_00}]
        assert told["would_have_failed"] == []
        assert told["assumptions"] == []

    def test_reproduces_what_the_active_version_did(self, api, income, rent, savings):
        enabled = write_enabled(
            api,
            rule(
                step(move(income, rent, 60_00), conditions=condition("TRANSFER_AMOUNT", "GREATER_THAN", 80_00)),
                step(move(income, savings, 10_00)),
                trigger=on_funds(income.id),
            ),
        )
        for cents in (100_00, 20_00, 90_00, 5_00):
            fund(income, cents)
            run_once()

        told = replayed(api, enabled)

        assert told["differences"] == []
        assert told["moved"] == [way(income, rent, 120_00, 120_00), way(income, savings, 20_00, 20_00)]
        assert told["runs"]["replay"] == told["runs"]["actual"]
        assert all(each["closing_actual_in_cents"] == each["closing_replay_in_cents"] for each in told["accounts"])

    def test_replays_a_draft_in_the_place_of_the_rule(self, api, income, rent, savings):
        enabled = write_enabled(api, rule(step(move(income, rent, 60_00)), trigger=on_funds(income.id)))
        fund(income, 100_00)
        run_once()
        draft = rule(step(move(income, savings, 30_00)), trigger=on_funds(income.id))

        told = replayed(api, enabled, definition=draft)

        assert told["rule_version"] is None
        assert told["moved"] == [way(income, rent, 60_00, 0), way(income, savings, 0, 30_00)]
        [difference] = told["differences"]
        assert difference["actual"] == [{"destination": rent.id, "amount_in_cents": 60_00}]
        assert difference["replay"] == [{"destination": savings.id, "amount_in_cents": 30_00}]

    def test_counts_payments_that_a_rail_takes_time_for(self, api, income, bank, settings):
        settings.SIMULATED_RAIL_DELAY_SECONDS = 0
        enabled = write_enabled(api, rule(step(move(income, bank, 60_00)), trigger=on_funds(income.id)))
        fund(income, 100_00)
        run_once()

        told = replayed(api, enabled)

        assert told["moved"] == [way(income, bank, 60_00, 60_00)]
        assert told["differences"] == []
        assert told["assumptions"] == ["ach_limits_ignored"]
        assert account(told, bank)["opening_in_cents"] == 500_00
        assert account(told, bank)["closing_replay_in_cents"] == account(told, bank)["closing_actual_in_cents"]

    def test_skips_what_the_replayed_accounts_cannot_fund_and_its_refund(self, api, rent, savings):
        card = issue_card(account_id=rent.id, type=CardType.VIRTUAL, holder_name="Ada")
        fund(rent, 50_00)
        bought = charge_card(card_id=card.id, amount_cents=30_00, merchant_name="Shop")
        refund = refund_purchase(card_id=card.id, purchase_id=bought.id, amount_cents=30_00)
        emptying = write(api, rule(step(move(rent, savings, 45_00)), trigger=on_funds(rent.id)))

        told = replayed(api, emptying)

        assert [(each["card_transaction_id"], each["short_by_in_cents"]) for each in told["would_have_failed"]] == [
            (bought.id, 25_00),
            (refund.id, 0),
        ]
        assert account(told, rent)["closing_replay_in_cents"] == 5_00
        assert account(told, rent)["closing_actual_in_cents"] == 50_00
        assert account(told, rent)["lowest_actual"]["cents"] == 0

    def test_skips_a_transfer_that_the_replayed_accounts_cannot_fund(self, api, income, rent, savings):
        fund(income, 50_00)
        paid = transfer_between(api, income, savings, 30_00)
        run_once()
        emptying = write(api, rule(step(move(income, rent, 45_00)), trigger=on_funds(income.id)))

        told = replayed(api, emptying)

        [missed] = told["would_have_failed"]
        assert (missed["transfer_id"], missed["short_by_in_cents"]) == (paid.id, 25_00)
        assert account(told, income)["closing_replay_in_cents"] == 5_00

    def test_begins_limits_with_what_the_rule_really_used(self, api, income, rent, set_clock):
        monthly = move(income, rent, 60_00, limit=limit("PER_YEAR", 100_00))
        enabled = write_enabled(api, rule(step(monthly), trigger=on_funds(income.id)))
        fund(income, 100_00)
        run_once()
        between = show_time(timezone.now())
        fund(income, 100_00)
        run_once()

        told = replayed(api, enabled, **{"from": between})

        assert told["moved"] == [way(income, rent, 40_00, 40_00)]
        assert account(told, income)["opening_in_cents"] == 40_00

    def test_repeats_the_runs_that_somebody_asked_for_with_their_amounts(self, api, income, rent, savings):
        share = action("percentage", income.id, rent.id, percentage_value=50, percentage_target="INCOMING_AMOUNT")
        enabled = write_enabled(api, rule(step(share), trigger=manual(income.id)))
        fund(income, 100_00)
        asked = trigger(api, enabled, manual_execute_amount=80_00)
        run_once()
        draft = rule(step({**share, "destination": {"id": savings.id}}), trigger=manual(income.id))

        same, other = replayed(api, enabled), replayed(api, enabled, definition=draft)

        assert same["moved"] == [way(income, rent, 40_00, 40_00)]
        assert same["differences"] == []
        assert [each["trigger"] for each in other["differences"]] == [{"rule_execution_id": asked}]
        assert other["moved"] == [way(income, rent, 40_00, 0), way(income, savings, 0, 40_00)]

    def test_fires_the_slots_of_a_schedule(self, api, income, rent):
        fund(income, 100_00)
        start = show_time(timezone.now() - timedelta(days=3) + timedelta(minutes=5))
        daily = write(api, rule(step(move(income, rent, 60_00)), trigger=scheduled("DAILY", start, income.id)))

        told = replayed(api, daily, **{"from": ago(days=4)})

        # The money came after all of them.
        assert told["runs"]["replay"] == {"executed": 0, "partial": 0, "failed": 3, "no_match": 0}
        assert told["events_seen"] == 4
        assert told["differences"] == []

    def test_says_that_other_rules_are_taken_as_recorded(self, api, income, rent, savings):
        write_enabled(api, rule(step(move(income, rent, 60_00)), trigger=on_funds(income.id)))
        fund(income, 100_00)
        run_once()
        other = write(api, rule(step(move(rent, savings, 10_00)), trigger=on_funds(rent.id)))

        told = replayed(api, other)

        assert told["assumptions"] == ["other_rules_as_recorded"]
        assert told["moved"] == [way(rent, savings, 0, 10_00)]

    def test_says_that_the_figures_of_a_debt_are_those_of_now(self, api, income, card, settings):
        settings.SIMULATED_RAIL_DELAY_SECONDS = 0
        paying = write_enabled(
            api, rule(step(action("next_payment_minimum", income.id, card.id)), trigger=on_funds(income.id))
        )
        fund(income, 100_00)
        run_once()

        told = replayed(api, paying)

        assert told["assumptions"] == ["ach_limits_ignored", "liability_facts_as_of_now"]
        assert told["moved"] == [way(income, card, 35_00, 35_00)]
        seen = account(told, card)
        assert (seen["opening_in_cents"], seen["closing_replay_in_cents"]) == (300_00, 265_00)

    def test_moves_nothing(self, api, income, rent, paying):
        fund(income, 100_00)
        before = Transfer.objects.count()

        replayed(api, paying)

        assert Transfer.objects.count() == before
        assert balances(income, rent) == [100_00, 0]

    def test_has_the_same_digest_twice(self, api, income, paying):
        fund(income, 100_00)
        span = {"from": ago(days=1), "to": show_time(timezone.now())}

        first, second = replayed(api, paying, **span), replayed(api, paying, **span)

        told = {name: value for name, value in first.items() if name not in ("id", "status", "digest")}
        assert first["digest"] == second["digest"] == sha256(rfc8785.dumps(told)).hexdigest()
        assert first["id"] != second["id"]

    def test_fails_where_there_is_too_much_history(self, api, income, paying, monkeypatch):
        monkeypatch.setattr("sequence.replays.history.MAX_EVENTS", 2)
        for _ in range(3):
            fund(income, 1_00)
        replay_id = started(api, paying)

        run_once()

        told = read(api, replay_id)
        assert (told["status"], told["error_code"]) == ("failed", "too_many_events")
        assert told["digest"] is None
        assert told["accounts"] == []

    @pytest.mark.parametrize(("entries", "status"), [(50_000, "done"), (50_001, "failed")])
    def test_takes_fifty_thousand_events_for_too_much_beyond(self, api, paying, monkeypatch, entries, status):
        monkeypatch.setattr("sequence.replays.history._COUNT", f"SELECT {entries}")

        replay_id = started(api, paying)
        run_once()

        assert read(api, replay_id)["status"] == status


class TestAskForReplay:
    def test_answers_at_once_and_leaves_the_work_to_a_worker(self, api, paying):
        told = read(api, started(api, paying))

        assert told["status"] == "in_progress"
        assert told["digest"] is None
        assert told["accounts"] == []

    def test_refuses_a_second_one_of_an_organization_while_one_runs(self, api, paying):
        started(api, paying)

        response = api.post(f"/rules/{paying.id}/replays", {"from": ago(days=1)})

        assert response.status_code == 409
        assert response.json()["error"]["code"] == "replay_running"
        assert RuleReplay.objects.count() == 1
        run_once()
        started(api, paying)

    @pytest.mark.parametrize(
        ("body", "field", "code"),
        [
            ({}, "from", "required"),
            ({"from": "2026-01-01"}, "from", "invalid"),
            ({"from": {"days": -1}}, "from", "not_before_to"),
            ({"from": {"days": 1}, "to": {"days": -1}}, "to", "in_the_future"),
            ({"from": {"days": 1}, "to": {"days": 2}}, "from", "not_before_to"),
            ({"from": {"days": 367}}, "from", "too_long_before"),
            ({"from": {"days": 1}, "definition": {}}, "definition.trigger", "required"),
            ({"from": {"days": 1}, "definition": {"nickname": "x"}}, "definition.nickname", "unknown_field"),
            ({"from": {"days": 1}, "since": 1}, "since", "unknown_field"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, api, paying, body, field, code):
        said = {
            name: ago(**value) if isinstance(value, dict) and "days" in value else value for name, value in body.items()
        }

        response = api.post(f"/rules/{paying.id}/replays", said)

        assert response.status_code == 400
        assert (field, code) in [(each["field"], each["code"]) for each in response.json()["error"]["details"]]

    def test_checks_a_draft_as_a_rule_is_checked(self, api, income, paying):
        draft = rule(step(move(income, income, 1_00)), trigger=on_funds(income.id))

        response = api.post(f"/rules/{paying.id}/replays", {"from": ago(days=1), "definition": draft})

        assert response.status_code == 400
        [detail] = response.json()["error"]["details"]
        assert detail["field"] == "definition.steps[0].actions[0].destination"
        assert detail["code"] == "same_account"

    def test_is_done_once_for_one_idempotency_key(self, api, paying):
        body = {"from": ago(days=1)}

        first = api.post(f"/rules/{paying.id}/replays", body, idempotency_key="same")
        again = api.post(f"/rules/{paying.id}/replays", body, idempotency_key="same")

        assert again.content == first.content
        assert RuleReplay.objects.count() == 1

    @pytest.mark.parametrize("reads", ["*", "named"])
    def test_is_answered_again_when_the_rule_was_deleted_since(self, api, client_with, income, rent, paying, reads):
        accounts = "*" if reads == "*" else f"{income.id},{rent.id}"
        asking = client_with(f"READ_RULES:{paying.id}", f"READ_TRANSFERS:{accounts}")
        body = {"from": ago(days=1)}
        first = asking.post(f"/rules/{paying.id}/replays", body, idempotency_key="same")
        run_once()
        api.delete(f"/rules/{paying.id}")

        again = asking.post(f"/rules/{paying.id}/replays", body, idempotency_key="same")
        anew = asking.post(f"/rules/{paying.id}/replays", body, idempotency_key="new")

        assert first.status_code == 202
        assert again.content == first.content
        assert anew.status_code == 404
        assert RuleReplay.objects.count() == 1

    def test_is_answered_again_when_its_beginning_is_out_of_reach_by_now(self, api, paying):
        now = timezone.now()
        body = {"from": show_time(now - timedelta(days=366) + timedelta(minutes=1))}
        first = api.post(f"/rules/{paying.id}/replays", body, idempotency_key="same")

        with clock.stopped_at(now + timedelta(minutes=2)):
            again = api.post(f"/rules/{paying.id}/replays", body, idempotency_key="same")
            anew = api.post(f"/rules/{paying.id}/replays", body, idempotency_key="new")

        assert first.status_code == 202
        assert again.content == first.content
        assert anew.json()["error"]["details"][0]["code"] == "too_long_before"


class TestScopes:
    def test_needs_the_transfers_of_every_account(self, client_with, income, rent, savings, paying):
        key = f"READ_RULES:{paying.id}"
        draft = rule(step(move(income, savings, 1_00)), trigger=on_funds(income.id))

        some = client_with(key, f"READ_TRANSFERS:{income.id}")
        all_of_it = client_with(key, f"READ_TRANSFERS:{income.id},{rent.id}")

        refused = some.post(f"/rules/{paying.id}/replays", {"from": ago(days=1)})
        assert refused.status_code == 403
        assert "details" not in refused.json()["error"]
        beyond = all_of_it.post(f"/rules/{paying.id}/replays", {"from": ago(days=1), "definition": draft})
        assert beyond.status_code == 403
        replay_id = started(all_of_it, paying)
        assert read(all_of_it, replay_id)["id"] == replay_id
        assert some.get(f"/rule-replays/{replay_id}").status_code == 403
        assert some.get(f"/rules/{paying.id}/replays").status_code == 403

    def test_leaves_out_of_the_list_what_tells_of_other_accounts(self, api, client_with, income, rent, savings, paying):
        draft = rule(step(move(income, savings, 1_00)), trigger=on_funds(income.id))
        own = replayed(api, paying)
        wider = replayed(api, paying, definition=draft)

        key = client_with(f"READ_RULES:{paying.id}", f"READ_TRANSFERS:{income.id},{rent.id}")

        seen = key.get(f"/rules/{paying.id}/replays").json()["data"]
        assert [each["id"] for each in seen] == [own["id"]]
        everything = api.get(f"/rules/{paying.id}/replays").json()["data"]
        assert [each["id"] for each in everything] == [wider["id"], own["id"]]

    def test_shows_nobody_elses(self, other_api, api, paying):
        replay_id = started(api, paying)

        assert other_api.get(f"/rule-replays/{replay_id}").status_code == 404
        assert other_api.get(f"/rules/{paying.id}/replays").status_code == 404
        assert other_api.post(f"/rules/{paying.id}/replays", {"from": ago(days=1)}).status_code == 404

    def test_tells_who_may_not_see_it_no_more_of_one_that_is_missing(self, client_with, income, paying):
        key = client_with(f"READ_RULES:{paying.id}", f"READ_TRANSFERS:{income.id}")

        assert key.get("/rule-replays/rpl_01M88RZTG7ETD937SAD9R34101").status_code == 403


class TestListReplays:
    def test_shows_the_newest_first_page_by_page(self, api, paying):
        ids = [replayed(api, paying)["id"] for _ in range(3)]

        first = api.get(f"/rules/{paying.id}/replays?first=2").json()
        second = api.get(f"/rules/{paying.id}/replays?first=2&after={first['page_info']['end_cursor']}").json()

        assert [each["id"] for each in first["data"] + second["data"]] == ids[::-1]
        assert second["page_info"]["has_next_page"] is False


class TestKeeping:
    def test_forgets_a_replay_after_thirty_days(self, api, paying):
        replay_id = replayed(api, paying)["id"]
        RuleReplay.objects.update(created_at=timezone.now() - timedelta(days=30, seconds=1))

        assert api.get(f"/rule-replays/{replay_id}").status_code == 404
        assert forget_old_replays(timezone.now()) == 1
        assert not RuleReplay.objects.exists()
