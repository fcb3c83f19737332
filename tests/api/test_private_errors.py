"""What a refusal tells of an account, it tells only to a key that may list or read it."""

import pytest

from accounts.models import ExternalAccountType
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.rules.definitions import action, condition, manual, on_funds, rule, step
from tests.rules.steps import write_enabled
from tests.transfers.steps import fund

WRITING = ["CREATE_AND_EDIT_RULES", "MANUAL_TRANSFER:*>*", "EDIT_ACCOUNTS:*", "READ_CARDS:*"]
NAMES = {"income": "Xyzzy payroll", "pod": "Xyzzy rent", "bank": "Xyzzy bank", "card": "Xyzzy card"}


@pytest.fixture
def cast(acme):
    return {
        "income": IncomeSourceFactory(organization=acme, name=NAMES["income"]),
        "pod": PodFactory(organization=acme, name=NAMES["pod"]),
        "bank": ExternalAccountFactory(organization=acme, name=NAMES["bank"], balance_cents=500_00),
        "card": ExternalAccountFactory(
            organization=acme,
            name=NAMES["card"],
            external_account_type=ExternalAccountType.LIABILITY,
            balance_cents=300_00,
        ),
    }


def transfer(source, destination):
    return lambda of: (
        "POST",
        "/transfers",
        {"source_account_id": of[source].id, "destination_account_id": of[destination].id, "amount_in_cents": 100},
    )


def written(source, destination, type="fixed_amount", **own):
    own = own or {"amount_in_cents": 100}
    return lambda of: (
        "POST",
        "/rules",
        rule(step(action(type, of[source].id, of[destination].id, **own)), trigger=manual(of["income"].id)),
    )


def wrong_type(of):
    moved = {
        **action("fixed_amount", amount_in_cents=100),
        "destination": {"id": of["pod"].id, "type": "income_source"},
    }
    moved["source"] = {"id": of["income"].id}
    return "POST", "/rules", rule(step(moved), trigger=manual(of["income"].id))


def condition_on_a_statement(of):
    compared = condition("TRANSFER_AMOUNT", "LESS_THAN", of=of["pod"].id, fact_value="LAST_STATEMENT_BALANCE")
    moved = action("fixed_amount", of["income"].id, of["pod"].id, amount_in_cents=100)
    return "POST", "/rules", rule(step(moved, conditions=compared), trigger=manual(of["income"].id))


def topped_up_to_a_pods_statement(of):
    up = action("top_up", of["income"].id, of["pod"].id, last_statement_balance_account={"id": of["income"].id})
    return "POST", "/rules", rule(step(up), trigger=manual(of["income"].id))


REFUSALS = {
    "cannot be a source": transfer("card", "pod"),
    "cannot be a destination": transfer("pod", "income"),
    "both outside": transfer("bank", "card"),
    "a rule from a card": written("card", "pod"),
    "a rule to an income source": written("pod", "income"),
    "a rule between institutions": written("bank", "card"),
    "a debt that is none": written("income", "pod", "total_amount_due", up_to_enabled=True),
    "another type": wrong_type,
    "a condition on no debt": condition_on_a_statement,
    "a target that is no debt": topped_up_to_a_pods_statement,
    "cards of a bank": lambda of: ("GET", f"/cards?account_id={of['bank'].id}", None),
    "money in a pod": lambda of: ("DELETE", f"/accounts/{of['pod'].id}", None),
    "an income source in use": lambda of: ("DELETE", f"/accounts/{of['income'].id}", None),
}
# Words that tell what an account is, beside the names themselves.
TYPES = ["income_source", "external", "liability", "institution", "not_a_pod", "cannot_be", "12345"]


@pytest.fixture
def in_use(api, cast):
    fund(cast["pod"], 12345)
    moved = action("fixed_amount", cast["income"].id, cast["card"].id, amount_in_cents=100)
    write_enabled(api, rule(step(moved), trigger=on_funds(cast["income"].id), nickname="Use it"))


@pytest.mark.parametrize("name", REFUSALS)
class TestRefusal:
    def test_tells_nothing_of_accounts_to_a_key_that_may_not_know_them(self, client_with, cast, in_use, name):
        method, path, body = REFUSALS[name](cast)

        response = client_with(*WRITING).request(method, path, body)

        assert response.status_code in (400, 409)
        text = response.content.decode().lower()
        assert "xyzzy" not in text
        # The caller's own words may come back as the path of a fault.
        assert not [word for word in TYPES if word in text.replace("last_statement_balance_account", "")]

    @pytest.mark.parametrize("allowed", ["LIST_ACCOUNTS", "READ_ACCOUNTS:*"])
    def test_is_told_in_full_to_one_that_may(self, client_with, cast, in_use, name, allowed):
        method, path, body = REFUSALS[name](cast)

        known = client_with(*WRITING, allowed).request(method, path, body)
        unknown = client_with(*WRITING).request(method, path, body)

        assert known.status_code == unknown.status_code
        assert known.json()["error"]["message"] != unknown.json()["error"]["message"]
