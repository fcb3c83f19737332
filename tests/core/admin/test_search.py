"""From any id, one search leads to what it is, and from a request id to what the request did."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from apikeys.models import ApiKey, IdempotencyRecord
from rules.models import RuleExecution
from sequence.core.admin.timeline import address_of
from sequence.core.api.ids import new_id
from tests.cards.steps import buy, issue
from tests.conftest import ALL_PERMISSIONS
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import manual, on_funds, rule, step
from tests.rules.steps import move, write_enabled
from tests.staff import Staff, list_of, page_of
from tests.transfers.steps import fund, post_transfer, settle
from transfers.models import Posting, Transfer

# The person and the session, the facts of all apps, and one look at each table of the audit trail.
MAX_QUERIES = 42


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


@pytest.fixture
def income(acme):
    account = IncomeSourceFactory(organization=acme, name="Payroll")
    fund(account, 1_000_00)
    return account


@pytest.fixture
def rent(acme):
    return PodFactory(organization=acme, name="Rent")


@pytest.fixture
def savings(acme):
    return PodFactory(organization=acme, name="Savings")


@pytest.fixture
def chain(api, income, rent, savings):
    """A transfer whose money sets off a rule, which makes another."""
    write_enabled(api, rule(step(move(rent, savings, 4_00)), trigger=on_funds(rent.id), nickname="Skim"))
    post_transfer(api, income, rent, 30_00, idempotency_key="uuid-1", headers={"X-Request-ID": "req_chain"})
    settle()


def stages(response) -> dict[str, list[tuple[str, str]]]:
    """Return the kinds and names of the facts that the page tells, by stage."""
    found = response.context.get("stages") or []
    return {stage: [(fact.kind, fact.name) for fact in facts] for stage, facts in found}


class TestAnId:
    def test_leads_to_its_page(self, root, chain, rent, acme):
        card = issue(rent)
        things = [
            acme,
            rent,
            card,
            buy(card, 1_00),
            ApiKey.objects.get(),
            *Transfer.objects.all(),
            RuleExecution.objects.get(),
            RuleExecution.objects.get().rule,
        ]

        for thing in things:
            assert root.get("search/", q=f" {thing.pk} ").url == address_of(thing)

    def test_that_nobody_has_is_told_kindly(self, root, chain, rent):
        for id in (new_id("txr"), rent.id[:-1], rent.id.lower(), "acc_", new_id("xyz"), "key_ü", "_", "rule_\0"):
            page = root.get("search/", q=id)
            assert "What may help" in page.content.decode()

    def test_of_what_one_may_not_see_leads_nowhere(self, chain, rent):
        page = Staff("bob", "transfers.view_transfer").get("search/", q=rent.id)

        assert page.status_code == 200
        assert "your permissions do not cover accounts" in page.content.decode()
        assert "Rent" not in page.content.decode()


class TestARequestId:
    def test_shows_its_course_from_the_key_to_the_postings(self, root, chain, rent):
        key, record = ApiKey.objects.get(), IdempotencyRecord.objects.get()
        asked = Transfer.objects.get(request_id="req_chain", rule_execution_id=None)
        made = Transfer.objects.get(rule_execution_id__isnull=False)
        execution = RuleExecution.objects.get()

        told = stages(root.get("search/", q="req_chain"))

        assert list(told) == ["Who called", "What was answered", "What it did", "What followed"]
        assert told["Who called"] == [("API key", str(key))]
        assert told["What was answered"] == [
            ("idempotency record", str(record)),
            ("audit log entry", "CREATE_TRANSFER"),
        ]
        assert told["What it did"] == [("transfer", asked.id)]
        assert sorted(told["What followed"]) == sorted(
            [
                ("posting", "-$30.00 on Payroll"),
                ("posting", "$30.00 on Rent"),
                ("rule execution", execution.id),
                ("transfer", made.id),
                ("posting", "-$4.00 on Rent"),
                ("posting", "$4.00 on Savings"),
            ]
        )

    def test_links_to_every_page_and_never_shows_a_secret(self, root, chain, api):
        page = root.get("search/", q="req_chain")
        text = page.content.decode()

        for thing in (
            ApiKey.objects.get(),
            IdempotencyRecord.objects.get(),
            *Transfer.objects.filter(request_id="req_chain"),
        ):
            assert f'href="{address_of(thing)}"' in text
        for posting in Posting.objects.filter(entry_set__transfer__request_id="req_chain"):
            assert root.client.get(page_of(posting)).status_code == 200
            assert f'href="{address_of(posting)}"' in text
        assert api.headers["Authorization"].removeprefix("ApiKey ") not in text
        assert "POST /api/v1/transfers" in text
        assert "request_id=req_chain</code>" in text

    def test_is_found_by_its_idempotency_key_too(self, root, chain):
        page = root.get("search/", q="uuid-1")

        assert page.context["request_id"] == "req_chain"
        assert "Found by its Idempotency-Key." in page.content.decode()

    def test_of_an_idempotency_key_that_several_used_is_asked_for(self, root, chain, client_with, income, savings):
        other = client_with(*ALL_PERMISSIONS)
        post_transfer(other, income, savings, 1_00, idempotency_key="uuid-1", headers={"X-Request-ID": "req_other"})

        page = root.get("search/", q="uuid-1").content.decode()

        assert "Several requests carried this Idempotency-Key." in page
        assert 'href="?q=req_chain"' in page
        assert 'href="?q=req_other"' in page

    def test_knows_accounts_rules_and_executions_that_it_made(self, root, api, income, rent):
        api.post("/accounts/pods", {"nickname": "Fresh"}, headers={"X-Request-ID": "req_pod"})
        api.post(
            "/rules",
            rule(step(move(income, rent, 1_00)), trigger=manual(income.id), nickname="New rule"),
            headers={"X-Request-ID": "req_rule"},
            idempotency_key="r",
        )
        ruled = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        api.post(f"/rules/{ruled.id}/trigger", {}, headers={"X-Request-ID": "req_run"})

        assert stages(root.get("search/", q="req_pod"))["What it did"] == [("account", "Fresh")]
        assert stages(root.get("search/", q="req_pod"))["Who called"] == [("API key", str(ApiKey.objects.get()))]
        assert stages(root.get("search/", q="req_rule"))["What it did"] == [("rule", "New rule")]
        run = RuleExecution.objects.get(request_id="req_run")
        assert stages(root.get("search/", q="req_run"))["What it did"] == [("rule execution", run.id)]

    def test_names_the_key_that_triggered_a_rule_also_without_an_idempotency_key(self, root, api, income, rent):
        made = write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))
        api.post(f"/rules/{made.id}/trigger", {}, headers={"X-Request-ID": "req_plain"})

        page = root.get("search/", q="req_plain").content.decode()
        assert "triggered a rule" in page
        assert address_of(ApiKey.objects.get()) in page

    def test_shows_the_changes_of_the_audit_trail(self, root, acme):
        root.client.post(page_of(acme), {"name": "New name", "legal_name": "X"}, headers={"X-Request-ID": "req_staff"})

        page = root.get("search/", q="req_staff").content.decode()

        assert "What changed, on the audit trail" in page
        assert "New name" in page
        assert "staff:root" in page

    def test_nobody_sees_more_than_their_permissions(self, chain):
        seen = stages(Staff("bob", "transfers.view_transfer").get("search/", q="req_chain"))
        blind = Staff("eve").get("search/", q="req_chain")

        assert {kind for facts in seen.values() for kind, _ in facts} == {"transfer"}
        assert "What may help" in blind.content.decode()
        assert "What may help" in Staff("ann").get("search/", q="uuid-1").content.decode()

    def test_that_is_unknown_says_what_to_try(self, root, chain):
        for text in ("req_nothing", "x" * 301, "<script>alert(1)</script>", "a b", "é", "\0"):
            page = root.get("search/", q=text)
            assert page.status_code == 200
            assert "What may help" in page.content.decode()
            assert "<script>alert" not in page.content.decode()

    def test_names_are_text_and_not_markup(self, root, api):
        api.post("/accounts/pods", {"nickname": "<b>Fat</b>"}, headers={"X-Request-ID": "req_fat"})

        page = root.get("search/", q="req_fat").content.decode()

        assert "<b>Fat" not in page
        assert "&lt;b&gt;Fat" in page

    def test_asks_a_bounded_number_of_queries(self, root, chain, api, income, savings):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                root.get("search/", q="req_chain")
            return len(captured)

        few = queries()
        for _ in range(4):
            post_transfer(api, income, savings, 5_00, headers={"X-Request-ID": "req_chain"})
        settle()

        assert queries() == few <= MAX_QUERIES

    def test_is_asked_for_by_staff_alone(self, client, db):
        assert client.get("/admin/search/", {"q": "req_chain"}).status_code == 302


class TestEveryPage:
    def test_offers_the_search(self, root, chain):
        for address in ("/admin/", list_of(Account), "/admin/search/"):
            assert 'action="/admin/search/"' in root.client.get(address).content.decode()

    def test_of_what_carries_a_request_id_leads_to_it(self, root, chain):
        for thing in (
            Transfer.objects.filter(request_id="req_chain").first(),
            RuleExecution.objects.get(),
            IdempotencyRecord.objects.get(),
        ):
            assert 'href="/admin/search/?q=req_chain"' in root.client.get(page_of(thing)).content.decode()
