"""The staff's pages of accounts."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, AccountType, ExternalAccountType
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.staff import form_of, list_of, messages_of, page_of, sign_in
from transfers.services import deposit

NEW_ACCOUNT = "/admin/accounts/account/add/"
# Who is asking (session, user), the page, its filters; nothing for each row.
QUERY_BUDGET = 12


@pytest.fixture
def staff(db):
    return sign_in(is_superuser=True)


def post_new(staff, organization, kind, **given):
    return staff.post(f"{NEW_ACCOUNT}?organization={organization.id}&kind={kind}", given)


class TestANewAccount:
    def test_asks_for_kind_and_organization_first(self, staff, acme):
        page = staff.get(NEW_ACCOUNT).content.decode()

        assert acme.id in page
        assert 'value="external_account"' in page

    def test_can_be_an_income_source_with_numbers_that_stay_masked(self, staff, acme):
        post_new(staff, acme, "income_source", name="Payroll", icon="briefcase")

        account = Account.objects.get()
        page = staff.get(page_of(account)).content.decode()
        assert (account.type, account.beneficiary_name) == (AccountType.INCOME_SOURCE, "Acme Trading LLC")
        assert account.masked_bank_account_number in page
        assert account.bank_account_number not in page
        assert account.routing_number not in page

    def test_can_be_a_pod_with_a_target(self, staff, acme):
        post_new(staff, acme, "pod", name="Rent", savings_target_cents="1,300")

        account = Account.objects.get()
        assert (account.type, account.savings_target_cents, account.balance_cents) == (AccountType.POD, 1_300_00, 0)

    def test_can_be_a_liability_with_what_is_known_of_it(self, staff, acme):
        post_new(
            staff,
            acme,
            "external_account",
            name="Card",
            external_account_type="LIABILITY",
            institution_name="First Bank",
            last_seen_balance_cents="1842.50",
            interest_rate_percent="24.99",
            last_statement_balance_cents="900",
            next_payment_minimum_cents="35",
            next_payment_due_on="2026-12-01",
        )

        account = Account.objects.get()
        assert (account.external_account_type, account.balance_cents) == (ExternalAccountType.LIABILITY, 1_842_50)
        assert account.interest_rate_percent == Decimal("24.99")
        assert (account.last_statement_balance_cents, account.next_payment_minimum_cents) == (900_00, 35_00)
        assert account.next_payment_due_on == date(2026, 12, 1)
        assert staff.get(page_of(account)).status_code == 200

    def test_can_have_figures_below_zero(self, staff, acme):
        given = {"name": "Card", "external_account_type": "LIABILITY", "institution_name": "First Bank"}
        figures = {"last_seen_balance_cents": "-20", "last_statement_balance_cents": "-$1,310.50"}
        post_new(staff, acme, "external_account", **given, **figures)

        account = Account.objects.get()
        assert (account.balance_cents, account.last_statement_balance_cents) == (-20_00, -1_310_50)
        assert "-$20.00" in staff.get(page_of(account)).content.decode()

    def test_refuses_a_debts_facts_for_what_is_none(self, staff, acme):
        given = {"name": "Savings", "external_account_type": "DEPOSITORY", "institution_name": "First Bank"}
        response = post_new(staff, acme, "external_account", **given, next_payment_minimum_cents="35")

        errors = response.context["adminform"].form.errors
        assert list(errors) == ["next_payment_minimum_cents"]
        assert not Account.objects.exists()

    @pytest.mark.parametrize("kind", ["pod", "income_source", "external_account"])
    def test_needs_a_name(self, staff, acme, kind):
        given = {"external_account_type": "DEPOSITORY", "institution_name": "First Bank"}
        response = post_new(staff, acme, kind, name=" ", **given)

        assert list(response.context["adminform"].form.errors) == ["name"]

    @pytest.mark.parametrize("address", ["?kind=pod", "?organization=org_1&kind=pod", "?kind=vault"])
    def test_asks_again_when_the_address_makes_no_sense(self, staff, acme, address):
        response = staff.get(NEW_ACCOUNT + address)

        assert response.status_code == 200
        assert response.context["form"].errors

    def test_needs_the_permission(self, acme):
        staff = sign_in("accounts.view_account")

        assert staff.get(NEW_ACCOUNT).status_code == 403
        assert post_new(staff, acme, "pod", name="Rent").status_code == 403
        assert not Account.objects.exists()


class TestEditing:
    def test_renames(self, staff, acme):
        pod = PodFactory(organization=acme)
        staff.post(page_of(pod), form_of(staff.get(page_of(pod))) | {"name": "Holidays", "icon": "sun"})

        pod.refresh_from_db()
        assert (pod.name, pod.icon) == ("Holidays", "sun")

    def test_leaves_balances_alone_whatever_is_sent(self, staff, acme):
        pod = PodFactory(organization=acme)
        deposit(account_id=pod.id, amount_cents=50_00, origin="paycheck", by="test")
        page = staff.get(page_of(pod))
        sent = {"balance_cents": "99", "held_cents": "1", "balance": "99", "type": "income_source"}
        staff.post(page_of(pod), form_of(page) | sent | {"name": "Renamed"})

        pod.refresh_from_db()
        assert "$50.00" in page.content.decode()
        assert (pod.name, pod.balance_cents, pod.held_cents, pod.type) == ("Renamed", 50_00, 0, AccountType.POD)

    def test_offers_a_savings_target_to_pods_alone(self, staff, acme):
        for make, is_offered in ((PodFactory, True), (IncomeSourceFactory, False), (ExternalAccountFactory, False)):
            page = staff.get(page_of(make(organization=acme))).content.decode()
            assert ('name="savings_target_cents"' in page) is is_offered

    def test_needs_the_permission(self, acme):
        pod = PodFactory(organization=acme, name="Rent")
        staff = sign_in("accounts.view_account")

        assert staff.get(page_of(pod)).status_code == 200
        assert staff.post(page_of(pod), {"name": "Mine"}).status_code == 403


class TestDeleting:
    def test_asks_then_does_it(self, staff, acme, api):
        pod = PodFactory(organization=acme, name="Rent")
        assert "cannot be undone" in staff.get(page_of(pod, "delete")).content.decode()
        assert api.get(f"/accounts/{pod.id}").status_code == 200
        response = staff.post(page_of(pod, "delete"), follow=True)

        assert messages_of(response) == ["Rent is deleted."]
        assert api.get(f"/accounts/{pod.id}").status_code == 404

    def test_shows_a_refusal_in_its_own_words(self, staff, acme):
        pod = PodFactory(organization=acme, name="Rent")
        deposit(account_id=pod.id, amount_cents=50_00, origin="paycheck", by="test")
        response = staff.post(page_of(pod, "delete"), follow=True)

        [message] = messages_of(response)
        assert "Rent" in message
        assert "Move the money" in message
        assert Account.objects.get().deleted_at is None

    def test_leaves_what_is_deleted_as_it_was(self, staff, acme):
        pod = PodFactory(organization=acme, name="Rent")
        staff.post(page_of(pod, "delete"))

        assert "Delete</a>" not in staff.get(page_of(pod)).content.decode()
        assert staff.post(page_of(pod), {"name": "Back"}).status_code == 403
        assert staff.post(page_of(pod, "delete"), follow=True).context["messages"]

    def test_needs_the_permission(self, acme):
        pod = PodFactory(organization=acme)
        staff = sign_in("accounts.view_account", "accounts.change_account")

        assert "Delete</a>" not in staff.get(page_of(pod)).content.decode()
        assert staff.post(page_of(pod, "delete")).status_code == 403
        assert Account.objects.get().deleted_at is None


class TestRecordingAStatement:
    @pytest.fixture
    def card(self, acme):
        return ExternalAccountFactory(
            organization=acme,
            name="Card",
            external_account_type=ExternalAccountType.LIABILITY,
            balance_cents=300_00,
            last_statement_balance_cents=250_00,
        )

    def test_asks_then_takes_over_what_is_said(self, staff, card):
        asked = staff.get(page_of(card, "statement")).content.decode()
        given = {"balance_cents": "1,310.50", "next_payment_due_on": "2026-12-31"}
        response = staff.post(page_of(card, "statement"), given, follow=True)

        assert "$300.00, becomes what you say here" in asked
        assert messages_of(response) == ["Card now has a balance of $1,310.50."]
        card.refresh_from_db()
        assert (card.balance_cents, card.last_statement_balance_cents) == (1_310_50, 250_00)
        assert card.next_payment_due_on == date(2026, 12, 31)

    def test_takes_a_credit_and_shows_it(self, staff, card):
        given = {"balance_cents": "-20", "last_statement_balance_cents": "-1,310.50"}
        response = staff.post(page_of(card, "statement"), given, follow=True)

        assert messages_of(response) == ["Card now has a balance of -$20.00."]
        card.refresh_from_db()
        assert (card.balance_cents, card.last_statement_balance_cents) == (-20_00, -1_310_50)

    @pytest.mark.parametrize(
        ("field", "dollars", "fault"),
        [
            ("balance_cents", "90071992547409.92", "This is more than the largest possible amount."),
            ("balance_cents", "-90071992547409.92", "This must be at least -90071992547409.91 dollars."),
            ("last_statement_balance_cents", "-90071992547409.92", "This must be at least -90071992547409.91 dollars."),
            ("next_payment_minimum_cents", "-1", "This must be at least 0.00 dollars."),
        ],
    )
    def test_refuses_in_words_what_is_no_sum_that_can_be_told(self, staff, card, field, dollars, fault):
        page = staff.post(page_of(card, "statement"), {"balance_cents": "1", field: dollars}).content.decode()

        assert fault in page
        card.refresh_from_db()
        assert card.balance_cents == 300_00

    def test_is_not_for_accounts_of_the_ledger(self, staff, acme):
        pod = PodFactory(organization=acme)
        staff.post(page_of(pod, "statement"), {"balance_cents": "5"})

        pod.refresh_from_db()
        assert pod.balance_cents == 0
        assert ">Record a statement</a>" not in staff.get(page_of(pod)).content.decode()

    def test_shows_a_refusal_in_its_own_words(self, staff, acme):
        bank = ExternalAccountFactory(organization=acme, balance_cents=5)
        given = {"balance_cents": "1", "next_payment_minimum_cents": "1"}
        response = staff.post(page_of(bank, "statement"), given, follow=True)

        assert "are those of a LIABILITY" in messages_of(response)[0]
        bank.refresh_from_db()
        assert bank.balance_cents == 5

    def test_needs_a_balance_and_the_permission(self, staff, card):
        page = staff.post(page_of(card, "statement"), {"next_payment_minimum_cents": "1"}).content.decode()
        assert "This field is required." in page
        viewer = sign_in("accounts.view_account", name="viewer")
        assert viewer.post(page_of(card, "statement"), {"balance_cents": "1"}).status_code == 403
        card.refresh_from_db()
        assert card.balance_cents == 300_00


class TestTheList:
    def test_asks_no_more_questions_for_more_rows(self, staff):
        PodFactory()
        with CaptureQueriesContext(connection) as few:
            staff.get(list_of(Account))
        for _ in range(10):
            IncomeSourceFactory(organization=OrganizationFactory())
        with CaptureQueriesContext(connection) as many:
            response = staff.get(list_of(Account))

        assert len(response.context["cl"].result_list) == 11
        assert len(many) == len(few) <= QUERY_BUDGET
        assert not [query["sql"] for query in many if '"bank_account_number"' in query["sql"]]

    def test_finds_by_name_institution_organization_and_whole_id(self, staff, acme, globex):
        bank = ExternalAccountFactory(organization=acme, name="Checking", institution_name="Second Bank")
        PodFactory(organization=globex)

        for text in ("check", "second bank", "acme", bank.id):
            assert list(staff.get(list_of(Account), {"q": text}).context["cl"].result_list) == [bank]

    def test_shows_deleted_accounts_when_asked(self, staff, acme):
        pod = PodFactory(organization=acme)
        pod.delete_softly()

        shown = [
            len(staff.get(list_of(Account), query).context["cl"].result_list)
            for query in ({}, {"state": "deleted"}, {"state": "any"})
        ]
        assert shown == [0, 1, 1]
