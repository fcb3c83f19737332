"""How many statements a request costs, BEGIN and COMMIT included: a round trip that creeps in is felt by everybody."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequence.core import wakeup
from tests.factories import PodFactory, set_balance


class TestBudget:
    @pytest.fixture
    def pod(self, transactional_db, api, acme):
        api.get("/accounts")  # So that the use of the key is noted, and connections are open.
        return PodFactory(organization=acme)

    @pytest.fixture
    def cost(self, api, monkeypatch):
        # A wake-up that is left out because another was sent just before would make a budget a matter of speed.
        monkeypatch.setattr(wakeup, "QUIET_SECONDS", 0.0)

        def count(method: str, path: str, body=None, *, status: int, **options) -> int:
            with CaptureQueriesContext(connection) as queries:
                response = api.request(method, path, body, **options)
            assert response.status_code == status
            print(*(query["sql"].strip()[:80] for query in queries), sep="\n")  # noqa: T201 - shown where it fails
            return len(queries)

        return count

    def test_of_reading_an_account(self, cost, pod):
        assert cost("GET", f"/accounts/{pod.id}", status=200) == 2

    def test_of_reading_a_balance_of_the_past(self, cost, pod):
        # Key; account; postings.
        at = pod.created_at.isoformat().replace("+00:00", "Z")
        assert cost("GET", f"/accounts/{pod.id}/balance?at={at}", status=200) == 3

    def test_of_listing_100_accounts(self, cost, pod, acme):
        PodFactory.create_batch(99, organization=acme)

        assert cost("GET", "/accounts", status=200) == 2
        assert cost("GET", "/accounts?first=20", status=200) == 2

    def test_of_creating_an_income_source(self, cost, pod):
        path, body = "/accounts/income-sources", {"nickname": "Payroll"}

        # Key; BEGIN, record, account, audit log, answer, COMMIT; the workers' wake-up, who number what this tells of.
        assert cost("POST", path, body, status=201, idempotency_key="k") == 8
        # Key; BEGIN, record (which finds the first one), COMMIT; answer; audit log.
        assert cost("POST", path, body, status=201, idempotency_key="k") == 6
        # Key; BEGIN, audit context, account, audit log, COMMIT; the wake-up.
        assert cost("POST", path, body, status=201) == 7

    def test_of_creating_a_pod(self, cost, pod):
        assert cost("POST", "/accounts/pods", {"nickname": "Rent"}, status=201, idempotency_key="k") == 8
        assert cost("POST", "/accounts/pods", {"nickname": "Rent"}, status=201) == 7

    def test_of_editing_an_account(self, cost, pod):
        # As for a creation, and the lock.
        assert cost("PATCH", f"/accounts/{pod.id}", {"icon": "a"}, status=200, idempotency_key="k") == 9
        assert cost("PATCH", f"/accounts/{pod.id}", {"icon": "b"}, status=200) == 8

    def test_of_deleting_an_account(self, cost, pod):
        # Key; BEGIN, audit context, lock, what transfers, rules and cards say, deletion, audit log, COMMIT; wake-up.
        assert cost("DELETE", f"/accounts/{pod.id}", status=204) == 11

    def test_of_asking_for_a_transfer(self, cost, pod, acme):
        body = {
            "source_account_id": pod.id,
            "destination_account_id": PodFactory(organization=acme).id,
            "amount_in_cents": 100,
        }

        # Key; BEGIN, record, both accounts, transfer with its count, audit log, answer, COMMIT; the workers' wake-up.
        assert cost("POST", "/transfers", body, status=201, idempotency_key="k") == 9
        # Key; BEGIN, audit context, both accounts, transfer with its count, audit log, COMMIT; the workers' wake-up.
        assert cost("POST", "/transfers", body, status=201) == 8

    def test_of_a_dry_run(self, cost, pod, acme, client_with):
        body = {
            "source_account_id": pod.id,
            "destination_account_id": PodFactory(organization=acme).id,
            "amount_in_cents": 100,
        }

        # Key; both accounts.
        assert cost("POST", "/transfers/dry-run", body, status=200) == 2

    def test_of_a_keys_own_figures(self, cost, pod):
        # Key; what is told of it, its entries, what went through them, what is left of its minute.
        assert cost("GET", "/key", status=200) == 5

    def test_of_a_refusal_that_is_kept(self, cost, pod):
        set_balance(pod, 1)

        # Key; BEGIN, record, lock, ROLLBACK; BEGIN, record, audit log, answer, COMMIT.
        assert cost("DELETE", f"/accounts/{pod.id}", status=409, idempotency_key="k") == 10

    def test_of_asking_what_became_of_a_request(self, cost, pod):
        cost("POST", "/accounts/pods", {"nickname": "Rent"}, status=201, idempotency_key="k")

        # Key; is it in progress; its record.
        assert cost("GET", "/idempotency-keys/k", status=200) == 3
        assert cost("GET", "/idempotency-keys/never", status=404) == 3

    def test_of_refusals_at_the_door(self, cost, pod):
        assert cost("GET", "/nothing", status=404) == 0
        assert cost("PUT", "/accounts", status=405) == 0
        assert cost("GET", "/accounts?x=1", status=400) == 1
        # The audit log has it at once, since it asked for a change.
        assert cost("POST", "/accounts/pods", raw=b"{", status=400, idempotency_key="k") == 2

    def test_of_the_rate_limit_is_one_more(self, cost, pod, settings):
        settings.RATE_LIMIT_ENABLED = True

        assert cost("GET", f"/accounts/{pod.id}", status=200) == 3

    def test_of_noting_the_use_of_a_key_is_one_more_once_a_minute(self, cost, pod, acme):
        acme.api_keys.update(last_used_at=None)

        assert cost("GET", f"/accounts/{pod.id}", status=200) == 3
        assert acme.api_keys.get().last_used_at is not None
        assert cost("GET", f"/accounts/{pod.id}", status=200) == 2
