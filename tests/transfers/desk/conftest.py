"""The desk's cast: a pod with money, a bank outside, keys that a person must approve for, and a person who may."""

import pytest

from apikeys.entries import parse_permissions
from apikeys.services import create_api_key
from tests.client import Api
from tests.factories import ExternalAccountFactory, PodFactory
from tests.staff import Staff
from tests.transfers.desk.steps import NOON
from tests.transfers.steps import fund
from transfers.models import Transfer


@pytest.fixture
def at_noon(set_clock):
    """Stop the clock, so that what was read stays so."""
    set_clock(NOON)


@pytest.fixture
def pod(acme):
    pod = PodFactory(organization=acme, name="Main Payroll")
    fund(pod, 700_000)
    return pod


@pytest.fixture
def bank(acme):
    return ExternalAccountFactory(organization=acme, name="Chase checking")


@pytest.fixture
def ann(db):
    return Staff("ann", "transfers.view_transfer", "transfers.decide_transfer")


@pytest.fixture
def key_with(acme):
    """Return a function that makes a key with limits, and gives what asks with it."""

    def make(limits=";approval=0", *, organization=acme, by="staff:zoe"):
        _, token = create_api_key(
            organization=organization,
            name="Payments",
            permissions=parse_permissions([f"MANUAL_TRANSFER:*>*{limits}"]),
            created_by=by,
        )
        return Api(token)

    return make


@pytest.fixture
def ask(key_with, pod, bank):
    """Return a function that asks for payments from the pod to the bank, and returns them."""

    def ask_for(*cents, api=None, source=pod, destination=bank, reason=None, **body):
        api = api or key_with()
        ends = {"source_account_id": source.id, "destination_account_id": destination.id}
        headers = {"X-Called-Reason": reason} if reason else {}
        answers = [
            api.post("/transfers", {**ends, "amount_in_cents": amount, **body}, headers=headers) for amount in cents
        ]
        return [Transfer.objects.get(id=answer.json()["data"]["id"]) for answer in answers]

    return ask_for
