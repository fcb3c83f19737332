"""What changes is told, by the tables themselves: whoever changes it, however, and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import _TOLD, Account
from apikeys.models import ApiKey, OrganizationStatus, SpendCounter
from apikeys.services import resume_api_key, set_organization_status
from cards.services import charge_card, issue_card, refund_purchase
from rules.services import disable_rule
from sequence.core.events.names import EVENTS
from sequence.core.worker import run_once
from sequence.stops.services import pause_key, revoke_key, suspend_organization
from tests.factories import PodFactory
from tests.rules.definitions import manual, on_funds, rule, step
from tests.rules.steps import enable, move, trigger, write, write_enabled
from tests.stops.conftest import make_agent
from tests.transfers.steps import fund, post_transfer, transfer_between
from transfers.models import APPROVAL_LIFETIME, Transfer

pytestmark = pytest.mark.django_db


def named(news, *names):
    return [data for name, data in news if name in names]


class TestTransfers:
    def test_tell_of_their_creation_and_of_each_status(self, news_of, api, income, rent):
        def pay():
            transfer_between(api, income, rent, 10_00)
            run_once()

        news = news_of(pay)

        id = Transfer.objects.latest("created_at").id
        shape = {"transfer_id": id, "rule_execution_id": None}
        assert news == [
            ("transfer.created", {**shape, "status": "processing", "previous_status": None}),
            ("transfer.status_changed", {**shape, "status": "complete", "previous_status": "processing"}),
        ]

    def test_tell_that_a_person_must_decide_and_until_when(self, news_of, client_with, income, rent):
        capped = client_with("MANUAL_TRANSFER:*>*;approval=100")
        news = news_of(lambda: transfer_between(capped, income, rent, 10_00))

        transfer = Transfer.objects.latest("created_at")
        expires_at = (transfer.created_at + APPROVAL_LIFETIME).isoformat(timespec="seconds")[:19]
        [data] = named(news, "transfer.approval_required")
        assert (data["transfer_id"], data["status"], data["expires_at"][:19]) == (
            transfer.id,
            "pending_approval",
            expires_at,
        )
        assert [name for name, _ in news] == ["transfer.created", "transfer.approval_required"]

    def test_tell_of_an_arrival_that_nobody_asked_for(self, news_of, income):
        news = news_of(lambda: fund(income, 5_00))

        assert [(name, data["status"]) for name, data in news] == [
            ("transfer.created", "processing"),
            ("transfer.status_changed", "complete"),
        ]

    def test_tell_of_all_that_a_stop_cancels(self, news_of, acme, income, rent):
        agent = make_agent(acme)
        asked = [transfer_between(agent.api, income, rent, 1_00).id for _ in range(3)]

        def stop():
            suspend_organization(organization_id=acme.id, by="staff:bob")
            set_organization_status(organization_id=acme.id, status=OrganizationStatus.ACTIVE)

        news = news_of(stop)
        cancelled = named(news, "transfer.status_changed")
        assert sorted(data["transfer_id"] for data in cancelled) == sorted(asked)
        assert {data["status"] for data in cancelled} == {"cancelled"}

    def test_tell_nothing_of_one_that_is_refused(self, news_of, client_with, income, rent):
        capped = client_with("MANUAL_TRANSFER:*>*;day=500")
        assert news_of(lambda: post_transfer(capped, income, rent, 10_00)) == []


class TestRules:
    def test_tell_of_each_change_of_their_own(self, news_of, api, income, rent):
        body = rule(step(move(income, rent, 1_00)), trigger=manual(income.id))
        made = []
        assert [name for name, _ in news_of(lambda: made.append(write(api, body)))] == ["rule.created"]
        [written] = made

        def told(work):
            return [(name, data["rule_id"] == written.id) for name, data in news_of(work)]

        assert told(lambda: enable(written)) == [("rule.enabled", True)]
        assert told(lambda: disable_rule(rule_id=written.id)) == [("rule.disabled", True)]
        assert told(lambda: api.put(f"/rules/{written.id}", body)) == [("rule.replaced", True)]
        enable(written)
        # One that is replaced is disabled by that, since nobody has reviewed what it is now.
        assert told(lambda: api.put(f"/rules/{written.id}", body)) == [
            ("rule.disabled", True),
            ("rule.replaced", True),
        ]
        assert told(lambda: api.delete(f"/rules/{written.id}")) == [("rule.deleted", True)]

    def test_tell_how_a_run_ended(self, news_of, api, income, rent):
        written = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))

        def run():
            trigger(api, written)
            run_once()

        [ended] = named(news_of(run), "rule_execution.finished")
        assert (ended["rule_id"], ended["status"], ended["conditions_not_met"]) == (written.id, "executed", False)
        assert ended["rule_execution_id"].startswith("rex_")

    def test_tell_of_the_transfers_which_run_made_them(self, news_of, api, income, rent):
        write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id)))

        def arrive():
            fund(income, 10_00)
            run_once()

        runs = {data["rule_execution_id"] for data in named(news_of(arrive), "transfer.created")}
        assert len(runs) == 2
        assert None in runs  # The arrival.

    def test_tell_nothing_of_a_simulation(self, news_of, api, income, rent):
        written = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))

        def simulate():
            trigger(api, written, simulation=True)
            run_once()

        assert news_of(simulate) == []


class TestAccounts:
    def test_tell_of_each_change_but_of_their_balance(self, news_of, api, acme, income):
        made = []
        created = news_of(lambda: made.append(api.post("/accounts/pods", {"nickname": "Food"}).json()["data"]["id"]))
        [id] = made
        assert created == [("account.created", {"account_id": id})]
        assert news_of(lambda: api.patch(f"/accounts/{id}", {"icon": "carrot"})) == [
            ("account.changed", {"account_id": id})
        ]
        assert news_of(lambda: api.patch(f"/accounts/{id}", {"icon": "carrot"})) == []
        assert news_of(lambda: api.delete(f"/accounts/{id}")) == [("account.deleted", {"account_id": id})]
        assert named(news_of(lambda: fund(income, 5_00)), "account.changed") == []


class TestCards:
    def test_tell_of_purchases_refunds_and_declines(self, news_of, acme):
        pod = PodFactory(organization=acme)
        fund(pod, 10_00)
        card = issue_card(account_id=pod.id, type="virtual", holder_name="Ada")
        ids = {"card_id": card.id, "account_id": pod.id}
        bought = []

        def buy():
            bought.append(charge_card(card_id=card.id, amount_cents=5_00, merchant_name="Shop"))

        [(name, data)] = news_of(buy)
        assert (name, data) == ("card_transaction.created", {"card_transaction_id": bought[0].id, **ids})
        back = lambda: refund_purchase(card_id=card.id, purchase_id=bought[0].id, amount_cents=1_00)  # noqa: E731
        assert [name for name, _ in news_of(back)] == ["card_transaction.created"]
        too_much = lambda: charge_card(card_id=card.id, amount_cents=50_00, merchant_name="Shop")  # noqa: E731
        assert news_of(too_much) == [("card.declined", ids)]


class TestKeys:
    def test_tell_of_a_pause_a_resumption_and_a_revocation(self, news_of, acme):
        key = make_agent(acme).key
        told = {"api_key_id": key.id}

        assert news_of(lambda: pause_key(key_id=key.id, by="staff:bob")) == [("key.paused", told)]
        assert news_of(lambda: pause_key(key_id=key.id, by="staff:bob")) == []
        assert news_of(lambda: resume_api_key(key_id=key.id)) == [("key.resumed", told)]
        assert news_of(lambda: revoke_key(key_id=key.id, by="staff:bob")) == [("key.revoked", told)]

    @pytest.mark.parametrize(("limit", "period"), [("day=1000", "day"), ("count_month=10", "month")])
    def test_tell_of_a_limit_that_is_nearly_used_and_used_once_each(
        self, news_of, client_with, income, rent, limit, period
    ):
        capped = client_with(f"MANUAL_TRANSFER:*>{rent.id};{limit}")
        key = ApiKey.objects.latest("created_at")

        def pay(times):
            return [
                data["percent"]
                for name, data in news_of(lambda: [transfer_between(capped, income, rent, 1_00) for _ in range(times)])
                if name == "key.limit_reached"
            ]

        assert [pay(7), pay(1), pay(1)] == [[], [80], []]
        news = named(news_of(lambda: transfer_between(capped, income, rent, 1_00)), "key.limit_reached")
        assert news == [{"api_key_id": key.id, "source": "*", "target": rent.id, "period": period, "percent": 100}]
        # What is given back and used again is no news in the same period.
        last = Transfer.objects.latest("created_at")
        capped.post(f"/transfers/{last.id}/cancel")
        assert pay(1) == []

    def test_tell_of_the_limit_anew_in_the_next_period(self, news_of, client_with, income, rent, set_clock):
        capped = client_with("MANUAL_TRANSFER:*>*;day=100")
        assert len(named(news_of(lambda: transfer_between(capped, income, rent, 1_00)), "key.limit_reached")) == 1
        set_clock(timezone.now() + timedelta(days=1))
        assert len(named(news_of(lambda: transfer_between(capped, income, rent, 1_00)), "key.limit_reached")) == 1

    def test_tell_nothing_of_what_is_far_more_than_any_limit(self, news_of, client_with, income, rent):
        """A counter without a cap may stand at a number of which no multiple is a bigint any more."""
        free = client_with(f"MANUAL_TRANSFER:*>{rent.id};count_day=1000")
        transfer_between(free, income, rent, 1_00)
        SpendCounter.objects.update(spent_cents=2**63 - 1 - 10_00)

        news = news_of(lambda: transfer_between(free, income, rent, 1_00))
        assert named(news, "key.limit_reached") == []
        assert SpendCounter.objects.filter(spent_cents=2**63 - 1 - 9_00).count() == 3


def test_the_events_are_those_of_the_contract():
    assert len(EVENTS) == 20


def test_a_change_of_each_column_of_an_account_is_told_or_told_otherwise():
    """A new one belongs to ``_TOLD``, or here: what never changes, and what its own event or a payment tells."""
    otherwise = {
        *("id", "organization_id", "type", "external_account_type", "created_at", "updated_at", "deleted_at"),
        *(
            "balance_cents",
            "held_cents",
            "balance_updated_at",
            "paid_since_statement_cents",
            "paid_since_minimum_cents",
        ),
        # Told by their last four digits.
        *("routing_number", "bank_account_number"),
    }
    assert {field.column for field in Account._meta.concrete_fields} - {*_TOLD} == otherwise
