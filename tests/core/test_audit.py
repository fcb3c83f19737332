"""Who changed what, under which request."""

import pytest
from django.core.management import call_command

from accounts.models import Account
from apikeys.models import ApiKey, Organization
from sequence.core.audit import run_audited
from sequence.core.commands.base import operator_name
from tests.factories import OrganizationFactory, PodFactory


def facts_of(event) -> dict:
    return event.pgh_context.metadata


class TestApiWrites:
    @pytest.fixture
    def actor(self, api):
        return f"key:{ApiKey.objects.get().id}"

    @pytest.mark.parametrize("idempotency_key", [None, "k"])
    def test_name_the_key_and_the_request(self, transactional_db, api, actor, idempotency_key):
        def send(method, path, body, request_id):
            headers = {"X-Request-ID": request_id}
            key = idempotency_key and idempotency_key + request_id
            return api.request(method, path, body, idempotency_key=key, headers=headers)

        created = send("POST", "/accounts/income-sources", {"nickname": "Payroll"}, "r-1")
        path = f"/accounts/{created.json()['data']['id']}"
        send("PATCH", path, {"nickname": "Renamed"}, "r-2")
        send("DELETE", path, None, "r-3")

        events = Account.objects.get().events.order_by("pgh_id")
        assert [event.pgh_label for event in events] == ["insert", "update", "update"]
        assert [event.name for event in events] == ["Payroll", "Renamed", "Renamed"]
        assert [facts_of(event) for event in events] == [
            {"actor": actor, "request_id": request_id} for request_id in ["r-1", "r-2", "r-3"]
        ]

    def test_that_are_refused_leave_no_trace(self, api, acme):
        pod = PodFactory(organization=acme, balance_cents=5)
        before = pod.events.count()

        api.delete(f"/accounts/{pod.id}", idempotency_key="k")
        api.delete(f"/accounts/{pod.id}")

        assert pod.events.count() == before

    def test_hold_no_bank_number(self, api):
        api.post("/accounts/income-sources", {"nickname": "Payroll"})

        names = {field.name for field in Account.objects.get().events.get()._meta.get_fields()}
        assert not names & {"routing_number", "bank_account_number"}


class TestCommands:
    def test_name_themselves_and_the_operator(self, db):
        call_command("create_organization", name="Acme")
        call_command("create_api_key", organization=Organization.objects.get().id, name="A", permission=["LIST_RULES"])
        call_command("revoke_api_key", ApiKey.objects.get().id)

        operator = operator_name()
        key = ApiKey.objects.get()
        facts = facts_of(Organization.objects.get().events.get())
        assert facts["actor"] == f"command:create_organization:{operator}"
        assert facts["request_id"].startswith("req_")  # By which it is found in the audit log.
        assert [facts_of(event)["actor"] for event in key.events.order_by("pgh_id")] == [
            f"command:create_api_key:{operator}",
            f"command:revoke_api_key:{operator}",
        ]
        assert facts_of(key.entries.get().events.get())["actor"] == f"command:create_api_key:{operator}"
        assert key.created_by == f"command:create_api_key:{operator}"


class TestRunAudited:
    def test_records_actor_request_and_reason(self, db):
        organization = run_audited(OrganizationFactory, actor="staff:ann", request_id="r-1", reason="asked by phone")

        assert facts_of(organization.events.get()) == {
            "actor": "staff:ann",
            "request_id": "r-1",
            "reason": "asked by phone",
        }

    def test_ends_with_its_transaction(self, transactional_db):
        run_audited(OrganizationFactory, actor="staff:ann")
        later = OrganizationFactory()

        assert later.events.get().pgh_context is None

    def test_of_two_transactions_are_two_contexts(self, transactional_db):
        one, other = [run_audited(OrganizationFactory, actor="staff:ann").events.get() for _ in range(2)]

        assert one.pgh_context_id != other.pgh_context_id
