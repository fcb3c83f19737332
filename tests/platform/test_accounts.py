"""Accounts and beneficiaries in the vendor's dialect."""

import pytest

from accounts.models import ExternalAccountType
from accounts.services import connect_external_account, delete_account
from tests.factories import IncomeSourceFactory, PodFactory
from tests.platform.client import plain
from tests.platform.conftest import in_dialect
from tests.threads import Crew


@pytest.fixture
def pod(acme):
    return PodFactory(organization=acme, name="Rent")


class TestGetAccount:
    def test_shows_what_the_own_api_shows_in_the_dialects_spelling(self, api, platform, pod):
        own = api.get(f"/accounts/{pod.id}").json()["data"]

        shown = platform.data(f"/accounts/{plain(pod.id)}")

        assert shown["id"] == plain(own["id"])
        assert (shown["type"], shown["name"], shown["createdAt"]) == ("POD", "Rent", own["created_at"])
        assert shown["balance"]["balanceInCents"] == own["balance"]["balance_in_cents"]
        assert shown["linkedAccount"] is None
        assert shown["createdAt"].endswith("Z")

    def test_has_no_balance_where_none_was_ever_known(self, acme, platform):
        account = connect_external_account(
            organization_id=acme.id,
            name="Card",
            external_account_type=ExternalAccountType.LIABILITY,
            institution_name="Bank",
        )

        assert platform.data(f"/accounts/{plain(account.id)}")["balance"] is None

    @pytest.mark.parametrize("id", ["nonsense", "01M88RZTG7ETD937SAD9R34101", "{own}", "7" * 36])
    def test_does_not_find_what_is_malformed(self, platform, pod, id):
        response = platform.get(f"/accounts/{id.format(own=pod.id)}")

        assert (response.status_code, response.json()["error"]["code"]) == (404, "ACCOUNT_NOT_FOUND")

    def test_tells_a_narrow_key_nothing(self, platform_with, pod, acme):
        other = PodFactory(organization=acme)
        client = platform_with(f"READ_ACCOUNTS:{pod.id}")

        assert client.get(f"/accounts/{plain(pod.id)}").status_code == 200
        for id in (plain(other.id), "nonsense"):
            response = client.get(f"/accounts/{id}")
            assert (response.status_code, response.json()["error"]["code"]) == (403, "ACCESS_DENIED")


class TestListAccounts:
    def test_has_pages_by_number(self, acme, platform):
        pods = [PodFactory(organization=acme) for _ in range(5)]

        pages = [platform.data(f"/accounts?pageSize=2&page={page}") for page in (1, 2, 3, 4)]

        assert [len(page["items"]) for page in pages] == [2, 2, 1, 0]
        assert [page["pagination"]["hasNextPage"] for page in pages] == [True, True, False, False]
        assert [item["id"] for page in pages for item in page["items"]] == [plain(pod.id) for pod in pods]

    def test_has_ten_on_a_page_unless_asked(self, acme, platform):
        PodFactory.create_batch(11, organization=acme)

        page = platform.data("/accounts")

        assert page["pagination"] == {"page": 1, "pageSize": 10, "hasNextPage": True}
        assert len(page["items"]) == 10

    def test_is_narrowed_for_a_key_that_only_reads_some(self, acme, platform_with, pod):
        PodFactory(organization=acme)

        items = platform_with(f"READ_ACCOUNTS:{pod.id}").data("/accounts")["items"]

        assert [item["id"] for item in items] == [plain(pod.id)]

    def test_is_refused_to_a_star_that_lists_nothing(self, platform_with):
        response = platform_with("READ_ACCOUNTS:*").get("/accounts")

        assert (response.status_code, response.json()["error"]["code"]) == (403, "ACCESS_DENIED")

    def test_includes_deleted_ones_on_demand(self, acme, platform, pod):
        delete_account(organization_id=acme.id, account_id=pod.id)

        assert platform.data("/accounts")["items"] == []
        [item] = platform.data("/accounts?state=ALL")["items"]
        assert item["deletedAt"] is not None

    def test_filters_by_type(self, acme, platform, pod):
        source = IncomeSourceFactory(organization=acme)

        [item] = platform.data("/accounts?type=INCOME_SOURCE")["items"]

        assert item["id"] == plain(source.id)
        assert platform.get("/accounts?type=income_source").status_code == 400


class TestCreateAccount:
    def test_makes_a_pod_with_its_target(self, platform):
        response = platform.post("/accounts", {"type": "POD", "name": " Ferien 家賃 ", "savingsTargetInCents": 5000})

        shown = response.json()["data"]
        assert response.status_code == 201
        assert (shown["name"], shown["savingsTargetInCents"], shown["beneficiaryName"]) == (
            "Ferien 家賃",
            5000,
            "Acme Trading LLC",
        )
        assert platform.data(f"/accounts/{shown['id']}") == shown

    def test_makes_an_income_source_with_masked_numbers(self, platform, acme):
        body = {"type": "INCOME_SOURCE", "name": "Pay", "beneficiaryId": plain(acme.id), "unknown": 1, "icon": None}

        shown = platform.post("/accounts", body).json()["data"]

        assert shown["bankAccountNumber"].startswith("••••")

    @pytest.mark.parametrize(
        ("more", "field"),
        [
            ({"name": "Rent"}, "name"),
            ({"name": "A/B"}, "name"),
            ({"name": "Half ½"}, "name"),
            ({"name": "  "}, "name"),
            ({"beneficiaryId": "nobody"}, "beneficiaryId"),
            ({"type": "INCOME_SOURCE", "savingsTargetInCents": 1}, "savingsTargetInCents"),
            ({"type": "EXTERNAL_ACCOUNT"}, "type"),
        ],
    )
    def test_refuses_what_it_cannot_make(self, platform, pod, more, field):
        response = platform.post("/accounts", {"type": "POD", "name": "Free", **more})

        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (400, "INVALID_PARAMETERS")
        assert error["message"].startswith(field)

    def test_lets_an_income_source_have_the_name_of_a_pod(self, platform, pod):
        assert platform.post("/accounts", {"type": "INCOME_SOURCE", "name": "Rent"}).status_code == 201


class TestBeneficiaries:
    def test_are_the_organization_whatever_the_key_may(self, platform_with, acme):
        client = platform_with("LIST_RULES")

        data = client.data("/beneficiaries")

        assert data["items"] == [{"id": plain(acme.id), "name": "Acme Trading LLC", "beneficiaryType": "BUSINESS"}]
        assert client.data("/beneficiaries?page=2")["items"] == []


@pytest.mark.django_db(transaction=True)
def test_one_of_two_accounts_of_one_name_is_made(api, by_length):
    """Names are looked at and taken under one lock."""
    platform = in_dialect(api)
    # The document that answers are held against is made here, and not by several threads at once.
    platform.get("/beneficiaries")
    with Crew(4) as crew:
        for number in range(by_length(3, 10, 50)):
            body = {"type": "POD", "name": f"Round {number}"}

            answers = crew.all_at_once(lambda body=body: platform.post("/accounts", body).status_code)

            assert sorted(answers) == [201, 400, 400, 400]
