"""What a person read is what happens: every page that acts is compared, under the lock, with what it showed."""

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.contrib import admin
from django.db.models import Model

from accounts.services import edit_account
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey, IdempotencyRecord, Organization
from apikeys.services import create_api_key, rotate_api_key, set_permissions
from cards.models import Card, CardType
from cards.services import issue_card
from rules.models import Rule, RuleStatus
from rules.services import replace_rule
from sequence.core.admin.base import ObjectPage, StaffAdmin
from sequence.core.admin.fingerprints import CHANGED_MEANWHILE
from sequence.core.admin.pages.trail import AuditTrailAdmin
from sequence.core.audit_log.models import AuditEntry
from sequence.webhooks.models import WebhookEndpoint
from sequence.webhooks.services import create_webhook
from tests.apikeys.test_idempotency import key_of
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS
from tests.database import rolled_back
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, OrganizationFactory, PodFactory
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, write
from tests.staff import form_of, list_of, messages_of, page_of, seen_on, sign_in
from tests.threads import Crew
from tests.transfers.steps import fund, post_transfer
from tests.transfers.test_suspense import too_late
from transfers.models import Status, SuspenseItem, Transfer
from transfers.suspense import propose_suspense


def make_endpoint(organization):
    endpoint, _ = create_webhook(
        organization=organization, url="https://hooks.example", addresses=None, created_by="staff:ann"
    )
    return endpoint


@pytest.fixture
def root(db):
    return sign_in(name="root", is_superuser=True)


@pytest.fixture
def income(acme):
    return IncomeSourceFactory(organization=acme, name="Payroll")


@pytest.fixture
def pod(acme):
    return PodFactory(organization=acme, name="Rainy days")


@pytest.fixture
def bank(acme):
    return ExternalAccountFactory(organization=acme, name="Chase checking", balance_cents=0)


@pytest.fixture
def written(api, income, pod):
    return write(api, rule(step(move(income, pod, 1_00)), trigger=manual(income.id), nickname="Harmless"))


@pytest.fixture
def waiting(client_with, income, bank):
    asking = client_with("MANUAL_TRANSFER:*>*;approval=0")
    fund(income, 10_000_00)
    return Transfer.objects.get(id=post_transfer(asking, income, bank, 6_000_00).json()["data"]["id"])


PAGES = [
    (model, page)
    for model, model_admin in admin.site._registry.items()
    if isinstance(model_admin, StaffAdmin)
    for page in model_admin.all_object_pages()
]
# What may stand in the place of a fingerprint, beside one that is forged.
UNREAD = [pytest.param(seen, marks=pytest.mark.full) for seen in (None, "")]


@pytest.fixture(scope="class")
def examples(django_db_setup, django_db_blocker) -> Iterator[dict[type[Model], Model]]:
    """One of each model, made once for a class. What a test changes is undone by its ``db``."""
    with rolled_back(django_db_blocker):
        acme = OrganizationFactory(name="Acme", legal_name="Acme Trading LLC")
        key, token = make_key(acme, *ALL_PERMISSIONS)
        income, pod = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
        bank = ExternalAccountFactory(organization=acme, balance_cents=0)
        fund(income, 10_000_00)
        _, asking = make_key(acme, "MANUAL_TRANSFER:*>*;approval=0")
        asked = post_transfer(Api(asking), income, bank, 6_000_00).json()["data"]["id"]
        item = too_late(PodFactory(organization=acme), 30_00)
        propose_suspense(item_id=item.id, account_id=pod.id, by="staff:ann", note="Theirs")
        harmless = rule(step(move(income, pod, 1_00)), trigger=manual(income.id), nickname="Harmless")
        yield {
            AuditEntry: AuditEntry.objects.earliest("position"),
            Organization: acme,
            ApiKey: key,
            type(pod): bank,
            Transfer: Transfer.objects.get(id=asked),
            Rule: write(Api(token), harmless),
            SuspenseItem: item,
            WebhookEndpoint: make_endpoint(acme),
            Card: issue_card(account_id=pod.id, type=CardType.VIRTUAL, holder_name="Ann"),
        }


def make_key(organization: Organization, *permissions: str) -> tuple[ApiKey, str]:
    return create_api_key(
        organization=organization,
        name="A test's key",
        permissions=parse_permissions(permissions),
        created_by="test",
    )


class TestEveryPageThatActs:
    """One that a model gets tomorrow is here by itself; a model without an example below fails."""

    @pytest.mark.parametrize(("model", "page"), PAGES, ids=lambda value: getattr(value, "name", None))
    @pytest.mark.parametrize("seen", [*UNREAD, "0" * 64], ids=["none", "empty", "forged"])
    def test_does_nothing_without_having_been_read(self, root, examples, monkeypatch, model, page, seen):
        monkeypatch.setattr(type(page), "offered", lambda *_: True)
        perform = Mock(side_effect=AssertionError("It acted on what nobody read."))
        monkeypatch.setattr(type(page), "perform", perform)
        monkeypatch.setattr(type(page), "form_class", ObjectPage.form_class)
        monkeypatch.setattr(type(page), "form", ObjectPage.form)
        obj = examples[model]

        response = root.post(page_of(obj, page.name), {"seen": seen})

        assert response.status_code == 200
        assert messages_of(response) == [CHANGED_MEANWHILE]
        assert seen_on(response) is not None
        perform.assert_not_called()

    @pytest.mark.parametrize(("model", "page"), PAGES, ids=lambda value: getattr(value, "name", None))
    def test_acts_on_what_was_read(self, root, examples, monkeypatch, model, page):
        monkeypatch.setattr(type(page), "offered", lambda *_: True)
        perform = Mock(return_value="Done.")
        monkeypatch.setattr(type(page), "perform", perform)
        monkeypatch.setattr(type(page), "form_class", ObjectPage.form_class)
        monkeypatch.setattr(type(page), "form", ObjectPage.form)

        root.post(page_of(examples[model], page.name))

        perform.assert_called_once()

    def test_is_of_the_common_base(self):
        others = {type(its) for its in admin.site._registry.values() if not isinstance(its, StaffAdmin)}

        assert others == {AuditTrailAdmin}  # It only tells; the tables behind it refuse every change.

    def test_is_made_by_the_common_base_alone(self):
        """An admin that replaced these would act on what nobody read."""
        names = ["_object_page", "_decide", "_lock", "_shown_by", "changeform_view", "_editable_values", "after_asking"]
        admins = [its for its in admin.site._registry.values() if isinstance(its, StaffAdmin)]

        replaced = [
            (type(its).__name__, name)
            for its in admins
            for name in names
            if getattr(type(its), name) is not getattr(StaffAdmin, name)
        ]

        assert replaced == []
        assert not any(its.list_editable for its in admins)


class TestForm:
    """Django's own form of an object: typed over the values that it showed."""

    def test_is_shown_again_when_somebody_changed_what_it_showed(self, root, pod):
        read = form_of(root.get(page_of(pod)))
        edit_account(organization_id=pod.organization_id, account_id=pod.id, name="Holiday")

        response = root.post(page_of(pod), {**read, "description": "For storms"}, follow=True)

        assert messages_of(response) == [CHANGED_MEANWHILE]
        assert "Holiday" in response.content.decode()
        pod.refresh_from_db()
        assert (pod.name, pod.description) == ("Holiday", None)

    @pytest.mark.parametrize("seen", [None, "", "0" * 64])
    def test_does_nothing_without_having_been_read(self, root, pod, seen):
        read = form_of(root.get(page_of(pod)))

        root.post(page_of(pod), {**read, "name": "Storms", "seen": seen})

        pod.refresh_from_db()
        assert pod.name == "Rainy days"

    def test_is_sent_again_after_a_mistake(self, root, api):
        key = key_of(api)
        read = form_of(root.get(page_of(key)))
        refused = root.post(page_of(key), {**read, "name": "Renamed", "rate_limit_per_minute": "0"})

        sent = {**read, "name": "Renamed", "rate_limit_per_minute": "7", "seen": seen_on(refused)}
        root.post(page_of(key), sent)

        key.refresh_from_db()
        assert (key.name, key.rate_limit_per_minute) == ("Renamed", 7)

    def test_carries_no_fingerprint_of_what_came_after_it_was_read(self, root, api, monkeypatch):
        key = key_of(api)
        rendered = StaffAdmin.render_change_form

        def late(*args, **options):
            set_permissions(key_id=key.id, permissions=parse_permissions(["LIST_RULES"]), changed_by="staff:zoe")
            return rendered(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(StaffAdmin, "render_change_form", late)
            page = root.get(page_of(key))
        response = root.post(page_of(key), {**form_of(page), "name": "Renamed", "seen": seen_on(page)}, follow=True)

        assert messages_of(response) == [CHANGED_MEANWHILE]
        key.refresh_from_db()
        assert key.name != "Renamed"

    def test_is_not_disturbed_by_money_that_moves(self, root, pod):
        read = form_of(root.get(page_of(pod)))
        fund(pod, 5_00)

        root.post(page_of(pod), {**read, "name": "Storms"})

        pod.refresh_from_db()
        assert pod.name == "Storms"


class TestBulkAction:
    @pytest.fixture
    def record(self, api):
        api.post("/accounts/pods", {"nickname": "Rent"}, idempotency_key="k")
        return IdempotencyRecord.objects.get()

    def test_asks_again_when_a_row_has_become_another(self, root, record):
        sent = {"action": "purge", "_selected_action": [record.pk]}
        asked = root.post(list_of(IdempotencyRecord), sent)
        IdempotencyRecord.objects.update(path="/api/v1/transfers")

        again = root.post(list_of(IdempotencyRecord), {**sent, "confirmed": "yes", "seen": seen_on(asked)})

        assert messages_of(again) == [CHANGED_MEANWHILE]
        assert "/api/v1/transfers" in again.content.decode()
        assert IdempotencyRecord.objects.exists()


class TestSwappedRule:
    """A key writes a harmless rule, a person reads it, the key replaces it, the person presses Enable."""

    def swap(self, api: Api, made: Rule, income, bank) -> None:
        body = rule(step(move(income, bank, 1950_00)), trigger=manual(income.id), nickname="Harmless")
        assert api.put(f"/rules/{made.id}", body).status_code == 200

    def test_is_not_enabled_and_is_shown(self, root, api, written, income, bank):
        read = seen_on(root.get(page_of(written, "enable")))
        self.swap(api, written, income, bank)

        response = root.post(page_of(written, "enable"), {"seen": read})

        assert messages_of(response) == [CHANGED_MEANWHILE]
        assert "$1,950.00" in response.content.decode()
        written.refresh_from_db()
        assert (written.status, written.version) == (RuleStatus.DISABLED, 2)

        root.post(page_of(written, "enable"), {"seen": seen_on(response)})
        written.refresh_from_db()
        assert (written.status, written.enabled_version) == (RuleStatus.ENABLED, 2)

    def test_is_not_enabled_by_words_that_stayed_the_same(self, root, api, written, income, pod):
        """The version is part of what was read."""
        read = seen_on(root.get(page_of(written, "enable")))
        api.put(
            f"/rules/{written.id}", rule(step(move(income, pod, 1_00)), trigger=manual(income.id), nickname="Harmless")
        )

        root.post(page_of(written, "enable"), {"seen": read})

        written.refresh_from_db()
        assert written.status == RuleStatus.DISABLED


class TestSwappedRuleInARace:
    ROUNDS = 8

    @pytest.mark.django_db(transaction=True)
    def test_enables_only_what_was_read(self, api, income, pod, bank, written):
        root = sign_in(name="root", is_superuser=True)
        swapped = rule(step(move(income, bank, 1950_00)), trigger=manual(income.id))
        fields = {"trigger": swapped["trigger"], "steps": written.definition["steps"]}
        with Crew(2) as crew:
            for _ in range(self.ROUNDS):
                read, version = seen_on(root.get(page_of(written, "enable"))), written.version
                crew.at_once(
                    lambda read=read: root.post(page_of(written, "enable"), {"seen": read}),
                    lambda: replace_rule(
                        organization_id=written.organization_id, rule_id=written.id, by="test", **fields
                    ),
                )
                written.refresh_from_db()
                assert written.enabled_version in (None, version)
                assert written.status == RuleStatus.DISABLED
                Rule.objects.filter(id=written.id).update(enabled_version=None)


class TestApproval:
    def test_asks_again_when_the_destination_was_renamed(self, root, waiting, bank):
        read = seen_on(root.get(page_of(waiting, "approve")))
        edit_account(organization_id=bank.organization_id, account_id=bank.id, name="Rainy days")

        response = root.post(page_of(waiting, "approve"), {"seen": read})

        assert messages_of(response) == [CHANGED_MEANWHILE]
        waiting.refresh_from_db()
        assert waiting.status == Status.PENDING_APPROVAL

    def test_asks_again_when_the_key_was_rotated_and_offers_the_rotator_nothing(self, root, waiting):
        read = seen_on(root.get(page_of(waiting, "approve")))
        rotate_api_key(key_id=waiting.api_key_id, overlap=timedelta(hours=1), rotated_by="staff:root")

        response = root.post(page_of(waiting, "approve"), {"seen": read})

        assert messages_of(response) == [CHANGED_MEANWHILE]
        assert "root rotated the key that asked for this" in response.content.decode()
        assert seen_on(response) is None
        waiting.refresh_from_db()
        assert waiting.status == Status.PENDING_APPROVAL

    def test_is_compared_with_what_was_on_the_screen_and_nothing_newer(self, root, waiting, monkeypatch):
        names = iter(["Old name", *["New name"] * 9])
        monkeypatch.setattr("transfers.admin.transfers.Approve.consequences", lambda page, obj: [next(names)])
        page = root.get(page_of(waiting, "approve"))
        assert "Old name" in page.content.decode()

        response = root.post(page_of(waiting, "approve"), {"seen": seen_on(page)})

        assert messages_of(response) == [CHANGED_MEANWHILE]
        waiting.refresh_from_db()
        assert waiting.status == Status.PENDING_APPROVAL

    def test_of_another_transfer_is_no_approval(self, root, waiting, client_with, income, bank):
        asking = client_with("MANUAL_TRANSFER:*>*;approval=0")
        other = Transfer.objects.get(id=post_transfer(asking, income, bank, 6_000_00).json()["data"]["id"])
        read = seen_on(root.get(page_of(waiting, "approve")))

        root.post(page_of(other, "approve"), {"seen": read})

        other.refresh_from_db()
        assert other.status == Status.PENDING_APPROVAL

    def test_in_a_second_tab_finds_it_decided(self, root, waiting):
        read = seen_on(root.get(page_of(waiting, "approve")))
        root.post(page_of(waiting, "reject"))

        response = root.post(page_of(waiting, "approve"), {"seen": read}, follow=True)

        assert "not possible in the present state" in messages_of(response)[-1]
        waiting.refresh_from_db()
        assert waiting.status == Status.CANCELLED


class TestKey:
    def test_that_was_rotated_meanwhile_is_not_changed_unread(self, root, api):
        key = key_of(api)
        read = seen_on(root.get(page_of(key, "rotate")))
        rotate_api_key(key_id=key.id, overlap=timedelta(hours=1), rotated_by="staff:bob")

        root.post(page_of(key, "rotate"), {"overlap_hours": "1", "seen": read})

        assert ApiKey.objects.filter(lineage_id=key.lineage_id).count() == 2
