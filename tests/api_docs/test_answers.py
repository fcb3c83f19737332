"""Real answers against the document."""

import pytest
from django.utils import timezone

from accounts.serializers import show_account
from apikeys.errors import RequestInProgress
from sequence.core.api.fields import show_time
from tests.api_docs.conformance import assert_described, operations
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.rules.definitions import action, condition, manual, rule, step
from tests.transfers.steps import fund, post_transfer, settle

ACCOUNTS = "/api/v1/accounts"
ACCOUNT = "/api/v1/accounts/{account_id}"
INCOME_SOURCES = "/api/v1/accounts/income-sources"
PODS = "/api/v1/accounts/pods"


class TestClientOfTheTests:
    """It holds each answer of the whole suite against the document."""

    @pytest.mark.parametrize("wrong", [{"colour": "red"}, {"name": 1}, {"type": "till"}, {"created_at": "yesterday"}])
    def test_fails_at_an_answer_that_is_not_described(self, api, acme, monkeypatch, wrong):
        account = PodFactory(organization=acme)
        monkeypatch.setattr("accounts.views.show_account", lambda account: {**show_account(account), **wrong})
        with pytest.raises(AssertionError, match=r"GET /api/v1/accounts/\{account_id\}, 200"):
            api.get(f"/accounts/{account.id}")

    def test_fails_at_fields_in_another_order(self, api, acme, monkeypatch):
        account = PodFactory(organization=acme)
        monkeypatch.setattr("accounts.views.show_account", lambda account: {"name": "", **show_account(account)})
        with pytest.raises(AssertionError):
            api.get(f"/accounts/{account.id}")

    def test_fails_at_a_status_that_is_not_described(self, api, monkeypatch):
        monkeypatch.setattr("accounts.errors.AccountNotFound.status", 410)
        with pytest.raises(AssertionError, match="does not describe 410"):
            api.get("/accounts/acc_unknown")


class TestAccountAnswers:
    """Each endpoint, once with success and once with each refusal of its own."""

    def test_list(self, api, acme):
        assert_described(api.get("/accounts"), "GET", ACCOUNTS)
        PodFactory.create_batch(2, organization=acme)
        ExternalAccountFactory(organization=acme)
        for query in ["", "?first=1", "?type=pod", "?first=0", "?after=no", "?limit=1"]:
            assert_described(api.get(f"/accounts{query}"), "GET", ACCOUNTS)

    def test_retrieve(self, api, acme):
        for account in [PodFactory(organization=acme), ExternalAccountFactory(organization=acme)]:
            assert_described(api.get(f"/accounts/{account.id}"), "GET", ACCOUNT)
        assert_described(api.get("/accounts/acc_unknown"), "GET", ACCOUNT)

    @pytest.mark.parametrize(
        ("address", "path"), [("/accounts/income-sources", INCOME_SOURCES), ("/accounts/pods", PODS)]
    )
    def test_create(self, api, address, path):
        for body in [{"nickname": "Rent", "icon": "house"}, {}]:
            assert_described(api.post(address, body), "POST", path)
        first = api.post(address, {"nickname": "Once"}, idempotency_key="k")
        again = api.post(address, {"nickname": "Once"}, idempotency_key="k")
        other = api.post(address, {"nickname": "Twice"}, idempotency_key="k")
        for response in [first, again, other]:
            assert_described(response, "POST", path)
        assert (again.status_code, other.status_code) == (201, 400)

    def test_edit(self, api, acme):
        account = PodFactory(organization=acme)
        for body in [{"nickname": "New"}, {"description": ""}, {}, {"icon": 1}]:
            assert_described(api.patch(f"/accounts/{account.id}", body), "PATCH", ACCOUNT)
        assert_described(api.patch("/accounts/acc_unknown", {"nickname": "New"}), "PATCH", ACCOUNT)

    def test_destroy(self, api, acme):
        empty, full = PodFactory(organization=acme), PodFactory(organization=acme, balance_cents=1)
        for account, status in [(full, 409), (empty, 204), (empty, 404)]:
            response = api.delete(f"/accounts/{account.id}")
            assert response.status_code == status
            assert_described(response, "DELETE", ACCOUNT)


class TestTransferAnswers:
    def test_each_endpoint(self, api, acme):
        source, target = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
        fund(source, 10_00)
        created = post_transfer(api, source, target, 5_00)
        address = f"/transfers/{created.json()['data']['id']}"

        assert_described(created, "POST", "/api/v1/transfers")
        assert_described(post_transfer(api, source, target, 1), "POST", "/api/v1/transfers")
        assert_described(api.get(address), "GET", "/api/v1/transfers/{transfer_id}")
        for status in (200, 409):
            cancelled = api.post(f"{address}/cancel")
            assert cancelled.status_code == status
            assert_described(cancelled, "POST", "/api/v1/transfers/{transfer_id}/cancel")
        for query in (f"?account_id={source.id}", f"?account_id={source.id}&first=1", ""):
            assert_described(api.get(f"/transfers{query}"), "GET", "/api/v1/transfers")


class TestRuleAnswers:
    def test_each_endpoint(self, api, acme):
        source, target = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
        fund(source, 10_00)
        large = condition("TRANSFER_AMOUNT", "GREATER_THAN", 1_00)
        save = action("percentage", source.id, target.id, percentage_value=20, percentage_target="SOURCE_ACCOUNT")
        body = rule(step(save, conditions={"all": [large]}), trigger=manual(source.id))
        created = api.post("/rules", body)
        address = f"/rules/{created.json()['data']['id']}"
        simulated = api.post(f"{address}/trigger", {"simulation": True, "manual_execute_amount": 5_00})
        execution = f"/rule-executions/{simulated.json()['data']['execution_id']}"
        history = f"/rule-executions?rule_id={address.removeprefix('/rules/')}&mode=all"

        assert_described(created, "POST", "/api/v1/rules")
        assert_described(api.post("/rules", {"steps": []}), "POST", "/api/v1/rules")
        assert_described(api.get("/rules"), "GET", "/api/v1/rules")
        assert_described(api.get(address), "GET", "/api/v1/rules/{rule_id}")
        assert_described(api.put(address, body), "PUT", "/api/v1/rules/{rule_id}")
        for query in ("", "?first=1", "?after=no"):
            assert_described(api.get(f"{address}/versions{query}"), "GET", "/api/v1/rules/{rule_id}/versions")
        assert_described(api.post(f"{address}/trigger"), "POST", "/api/v1/rules/{rule_id}/trigger")
        assert_described(simulated, "POST", "/api/v1/rules/{rule_id}/trigger")
        transfer = fund(source, 1_00)
        for query in (f"?transfer_id={transfer.id}", "?transfer_id=txr_1", ""):
            assert_described(api.get(f"{address}/why-not{query}"), "GET", "/api/v1/rules/{rule_id}/why-not")
        settle()
        assert_described(api.get(execution), "GET", "/api/v1/rule-executions/{rule_execution_id}")
        assert_described(api.get(history), "GET", "/api/v1/rule-executions")
        for status in (204, 404):
            deleted = api.delete(address)
            assert deleted.status_code == status
            assert_described(deleted, "DELETE", "/api/v1/rules/{rule_id}")


class TestBalances:
    def test_each_endpoint(self, api, acme):
        path = "/api/v1/accounts/{account_id}/balance"
        pod = PodFactory(organization=acme)
        at = show_time(pod.created_at)

        for address, status in {
            f"/accounts/{pod.id}/balance?at={at}": 200,
            f"/accounts/{pod.id}/balance": 400,
            f"/accounts/acc_1/balance?at={at}": 404,
        }.items():
            answer = api.get(address)
            assert answer.status_code == status
            assert_described(answer, "GET", path)


class TestIdempotencyKeys:
    def test_each_endpoint(self, api, acme):
        path = "/api/v1/idempotency-keys/{idempotency_key}"
        pod = PodFactory(organization=acme)
        api.post("/accounts/pods", {"nickname": "Rent"}, idempotency_key="made")
        api.delete(f"/accounts/{pod.id}", idempotency_key="deleted")
        api.delete(f"/accounts/{pod.id}", idempotency_key="refused")

        for key, status in {"made": 200, "deleted": 200, "refused": 200, "never": 404}.items():
            answer = api.get(f"/idempotency-keys/{key}")
            assert answer.status_code == status
            assert_described(answer, "GET", path)


# Any valid key may call these, a paused one too.
FOR_ALL = {"/api/v1/key": 200, "/api/v1/key/pause": 200, "/api/v1/idempotency-keys/{idempotency_key}": 404}
# A POST that only asks takes no Idempotency-Key into account.
ASKING = {"/api/v1/transfers/dry-run"}
ALL = [(method, path) for method, path, _ in operations()]
WRITING = [(method, path) for method, path in ALL if method != "GET" and path not in ASKING]
WITH_BODY = [(method, path) for method, path in ALL if method in {"POST", "PUT", "PATCH"}]


class TestEveryOperation:
    """The refusals that come before an operation looks at anything of its own."""

    def _refuse(self, api: Api, method: str, path: str, status: int, **options) -> None:
        address = path.removeprefix("/api/v1").replace("{", "").replace("}", "")
        response = api.request(method, address, **options)
        assert response.status_code == status
        assert_described(response, method, path)

    @pytest.mark.parametrize(("method", "path"), ALL)
    def test_describes_a_missing_key(self, method, path):
        self._refuse(Api(None), method, path, 401)

    @pytest.mark.parametrize(("method", "path"), ALL)
    def test_describes_a_paused_key(self, api, acme, method, path):
        acme.api_keys.update(paused_at=timezone.now(), paused_by="test")
        self._refuse(api, method, path, FOR_ALL.get(path, 403))

    @pytest.mark.parametrize(("method", "path"), [each for each in ALL if each[1] not in FOR_ALL])
    def test_describes_a_missing_scope(self, client_with, method, path):
        self._refuse(client_with(), method, path, 403)

    @pytest.mark.parametrize(("method", "path"), ALL)
    def test_describes_bad_headers(self, api, method, path):
        self._refuse(api, method, path, 400, headers={"X-Request-ID": "a b"})
        self._refuse(api, method, path, 406, headers={"Accept": "text/html"})

    @pytest.mark.parametrize(("method", "path"), WRITING)
    def test_describes_a_bad_idempotency_key(self, api, method, path):
        self._refuse(api, method, path, 400, headers={"Idempotency-Key": "a b"})

    @pytest.mark.parametrize(("method", "path"), WRITING)
    def test_describes_a_twin_that_still_runs(self, api, monkeypatch, method, path):
        def refuse(*_args: object, **_options: object) -> None:
            raise RequestInProgress(retry_after=1)

        monkeypatch.setattr("apikeys.idempotency.execute_once", refuse)
        self._refuse(api, method, path, 409, idempotency_key="k")

    @pytest.mark.parametrize(("method", "path"), WITH_BODY)
    def test_describes_a_bad_body(self, api, method, path):
        self._refuse(api, method, path, 413, raw=b" " * (1024 * 1024 + 1))
        self._refuse(api, method, path, 415, raw=b"{}", content_type="text/plain")
        self._refuse(api, method, path, 400, raw=b"{")

    @pytest.mark.parametrize(("method", "path"), ALL)
    def test_describes_the_rate_limit(self, settings, client_with, method, path):
        settings.RATE_LIMIT_ENABLED, settings.RATE_LIMIT_PER_MINUTE = True, 1
        api = client_with(*ALL_PERMISSIONS)
        api.get("/accounts")
        self._refuse(api, method, path, 429)

    @pytest.mark.parametrize(("method", "path"), ALL)
    def test_describes_a_defect(self, api, monkeypatch, method, path):
        def fail(*_args: object) -> None:
            raise RuntimeError("A defect")

        monkeypatch.setattr("apikeys.viewsets.KeyedViewSet.answer", fail)
        self._refuse(api, method, path, 500)
