"""The staff's pages of organizations, keys and idempotency records."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys import services
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey, Organization, OrganizationStatus
from sequence.core.admin.display import shorten
from sequence.core.admin.fingerprints import CHANGED_MEANWHILE
from tests.apikeys.pages import NEW_KEY, TOKEN, create_key, entries, errors_of, post_new_key, status_with
from tests.apikeys.test_idempotency import key_of
from tests.factories import OrganizationFactory, PodFactory
from tests.staff import form_of, list_of, messages_of, page_of, sign_in

# Who is asking (session, user), the page, its filters; nothing for each row.
QUERY_BUDGET = 12


EDIT_KEYS = (
    "apikeys.view_apikey",
    "apikeys.change_apikey",
    "apikeys.add_permissionentry",
    "apikeys.change_permissionentry",
    "apikeys.delete_permissionentry",
)


class TestOrganizations:
    def test_are_created_with_their_name_as_legal_name_when_none_is_given(self, staff):
        staff.post("/admin/apikeys/organization/add/", {"name": "Initech", "legal_name": ""})

        organization = Organization.objects.get()
        assert (organization.legal_name, organization.status) == ("Initech", OrganizationStatus.ACTIVE)

    def test_are_renamed_without_touching_what_was_not_edited(self, staff, acme):
        Organization.objects.filter(id=acme.id).update(status=OrganizationStatus.SUSPENDED)
        staff.post(page_of(acme), {"name": "Acme & Sons", "legal_name": acme.legal_name})

        acme.refresh_from_db()
        assert (acme.name, acme.status) == ("Acme & Sons", OrganizationStatus.SUSPENDED)

    def test_close_and_open_their_keys_when_suspended_and_reactivated(self, staff, acme, key):
        assert "401" in staff.get(page_of(acme, "stop")).content.decode()
        staff.post(page_of(acme, "stop"))
        assert status_with(key.token) == 401

        staff.post(page_of(acme, "reactivate"))
        assert status_with(key.token) == 200

    def test_are_not_suspended_by_looking_at_the_page_that_asks(self, staff, acme, key):
        staff.get(page_of(acme, "stop"))

        assert status_with(key.token) == 200

    def test_say_so_when_a_page_does_not_fit_their_state(self, staff, acme):
        response = staff.post(page_of(acme, "reactivate"), {"seen": None}, follow=True)

        assert messages_of(response) == ["“Reactivate” is not possible in the present state of Acme."]

    def test_are_never_deleted(self, staff, acme):
        assert staff.post(page_of(acme, "delete"), {"post": "yes"}).status_code == 403
        assert Organization.objects.exists()


class TestTheEntriesOfAKey:
    def form(self, staff, key):
        return form_of(staff.get(page_of(key)))

    def test_are_edited_under_the_name_of_whoever_did_it(self, staff, key):
        staff.post(page_of(key), self.form(staff, key) | {"entries-1-max_amount_cents": "9.99"})

        key.refresh_from_db()
        assert key.permissions()[1].max_amount == 9_99
        assert key.permissions_changed_by == "staff:ann"

    def test_stay_somebody_elses_word_when_only_the_name_is_edited(self, staff, key):
        before = list(key.entries.values_list("id", flat=True))
        response = staff.post(page_of(key), self.form(staff, key) | {"name": "Renamed"})

        key.refresh_from_db()
        assert response.status_code == 302
        assert (key.name, key.permissions_changed_by) == ("Renamed", "staff:zoe")
        assert list(key.entries.values_list("id", flat=True)) == before

    def test_go_on_with_what_is_spent_when_a_limit_is_edited(self, staff, key):
        spend_id = key.permissions()[1].spend_id
        staff.post(page_of(key), self.form(staff, key) | {"entries-1-max_amount_per_day_cents": "5000"})

        assert ApiKey.objects.get().permissions()[1].spend_id == spend_id

    def test_go_on_with_what_is_spent_when_removed_and_added_for_the_same_pair(self, staff, key):
        spend_id = key.permissions()[1].spend_id
        form = self.form(staff, key) | {"entries-TOTAL_FORMS": 3, "entries-1-DELETE": "on"}
        added = {"scope": "MANUAL_TRANSFER", "source": "*", "target": "*", "max_amount_cents": "1"}
        staff.post(page_of(key), form | {f"entries-2-{name}": value for name, value in added.items()})

        [_, entry] = ApiKey.objects.get().permissions()
        assert (entry.max_amount, entry.spend_id) == (1_00, spend_id)

    def test_begin_at_nothing_spent_for_another_pair(self, staff, acme, key):
        pod = PodFactory(organization=acme)
        spend_id = key.permissions()[1].spend_id
        staff.post(page_of(key), self.form(staff, key) | {"entries-1-target": pod.id})

        entry = ApiKey.objects.get().permissions()[1]
        assert entry.target == pod.id
        assert entry.spend_id != spend_id

    def test_still_name_an_account_that_is_gone(self, staff, acme):
        pod = PodFactory(organization=acme)
        key, _ = create_key(acme, f"READ_ACCOUNTS:{pod.id}", "LIST_RULES")
        pod.delete_softly()
        form = self.form(staff, key)
        assert "matches nothing" in staff.get(page_of(key)).content.decode()
        response = staff.post(page_of(key), form | {"entries-1-scope": "LIST_ACCOUNTS"})

        assert response.status_code == 302
        assert [str(entry) for entry in key.entries.all()] == [f"READ_ACCOUNTS:{pod.id}", "LIST_ACCOUNTS"]

    def test_are_not_overwritten_by_a_page_that_somebody_overtook(self, staff, key):
        stale = self.form(staff, key)
        services.set_permissions(key_id=key.id, permissions=parse_permissions(["LIST_RULES"]), changed_by="staff:zoe")
        response = staff.post(page_of(key), stale | {"entries-1-max_amount_cents": "9.99"})

        assert messages_of(staff.get(response.url)) == [CHANGED_MEANWHILE]
        assert [str(entry) for entry in key.entries.all()] == ["LIST_RULES"]

    def test_cannot_all_be_removed(self, staff, key):
        form = self.form(staff, key) | {"entries-0-DELETE": "on", "entries-1-DELETE": "on"}
        _, [fault] = errors_of(staff.post(page_of(key), form))

        assert "revoke it" in fault
        assert key.entries.count() == 2

    def test_can_only_be_looked_at_without_their_permission(self, key):
        staff = sign_in("apikeys.view_apikey", "apikeys.change_apikey", "apikeys.view_permissionentry")
        form = self.form(staff, key) | {"name": "Renamed", **entries(*[{}] * 2, initial=2)}
        staff.post(page_of(key), form | {"entries-0-scope": "LIST_RULES"})

        key.refresh_from_db()
        assert key.name == "Renamed"
        assert [entry.scope for entry in key.entries.all()] == ["LIST_ACCOUNTS", "MANUAL_TRANSFER"]


class TestClosingAndRotatingAKey:
    def test_closes_it_at_the_next_request(self, staff, key):
        assert "cannot be undone" in staff.get(page_of(key, "revoke")).content.decode()
        response = staff.post(page_of(key, "revoke"), follow=True)

        assert "is revoked" in response.content.decode()
        assert status_with(key.token) == 401

    def test_leaves_nothing_to_edit(self, staff, key):
        services.revoke_api_key(key_id=key.id)

        page = staff.get(page_of(key)).content.decode()
        assert "Revoke</a>" not in page
        assert "Rotate</a>" not in page
        assert staff.post(page_of(key), {"name": "Renamed"}).status_code == 403

    def test_shows_the_successor_once_while_the_old_one_lives_on(self, staff, key):
        response = staff.post(page_of(key, "rotate"), {"overlap_hours": "2"})
        [token] = TOKEN.findall(response.content.decode())

        assert "no-store" in response["Cache-Control"]
        assert (status_with(token), status_with(key.token)) == (200, 200)
        key.refresh_from_db()
        assert timedelta(hours=1.9) < key.expires_at - timezone.now() < timedelta(hours=2)
        successor = ApiKey.objects.get(replaces=key)
        assert (successor.created_by, successor.permissions_changed_by) == ("staff:ann", "staff:zoe")
        assert successor.permissions() == key.permissions()

    def test_closes_the_old_one_at_once_without_overlap(self, staff, key):
        staff.post(page_of(key, "rotate"), {"overlap_hours": "0"})

        assert status_with(key.token) == 401

    @pytest.mark.parametrize("hours", ["-1", "745", "", "soon"])
    def test_refuses_an_overlap_that_is_none(self, staff, key, hours):
        response = staff.post(page_of(key, "rotate"), {"overlap_hours": hours})

        assert "overlap_hours" in response.context["form"].errors
        assert ApiKey.objects.count() == 1

    def test_does_not_rotate_twice(self, staff, key):
        staff.post(page_of(key, "rotate"), {"overlap_hours": "2"})
        response = staff.post(page_of(key, "rotate"), {"overlap_hours": "2", "seen": None}, follow=True)

        assert len(messages_of(response)) == 1
        assert ApiKey.objects.count() == 2

    def test_never_deletes_a_key(self, staff, key):
        assert staff.post(page_of(key, "delete"), {"post": "yes"}).status_code == 403
        assert ApiKey.objects.exists()


class TestStaffWithoutThePermission:
    PAGES = [
        ("stop", "apikeys.stop_apikey", "Stop"),
        ("revoke", "apikeys.stop_apikey", "Revoke"),
        ("rotate", "apikeys.rotate_apikey", "Rotate"),
    ]

    @pytest.mark.parametrize(("page", "permission", "label"), PAGES)
    def test_sees_no_button_and_is_refused(self, key, page, permission, label):
        staff = sign_in(*EDIT_KEYS)

        assert f"{label}</a>" not in staff.get(page_of(key)).content.decode()
        assert staff.get(page_of(key, page)).status_code == 403
        assert staff.post(page_of(key, page), {"overlap_hours": "1"}).status_code == 403
        assert status_with(key.token) == 200
        assert ApiKey.objects.count() == 1

    @pytest.mark.parametrize(("page", "permission", "label"), PAGES)
    def test_sees_the_button_with_it(self, key, page, permission, label):
        staff = sign_in("apikeys.view_apikey", permission)

        assert f"{label}</a>" in staff.get(page_of(key)).content.decode()
        assert staff.get(page_of(key, page)).status_code == 200

    def test_cannot_stop_an_organization(self, acme, key):
        staff = sign_in("apikeys.view_organization", "apikeys.change_organization")

        assert "Stop</a>" not in staff.get(page_of(acme)).content.decode()
        assert staff.post(page_of(acme, "stop")).status_code == 403
        assert status_with(key.token) == 200

    def test_cannot_make_a_key_without_giving_it_permissions(self, acme):
        staff = sign_in("apikeys.view_apikey", "apikeys.add_apikey")

        assert staff.get(NEW_KEY).status_code == 403
        assert post_new_key(staff, acme, {"scope": "LIST_RULES"}).status_code == 403

    def test_cannot_save_what_may_only_be_seen(self, acme, key):
        staff = sign_in("apikeys.view_apikey", "apikeys.view_organization")

        assert staff.get(page_of(key)).status_code == 200
        assert staff.post(page_of(key), {"name": "Renamed"}).status_code == 403
        assert staff.post(page_of(acme), {"name": "Renamed"}).status_code == 403

    def test_is_told_kindly(self, acme):
        response = sign_in().get(page_of(acme))

        assert response.status_code == 403
        assert "lacks the permission" in response.content.decode()

    def test_stays_outside_when_signed_out_or_no_staff(self, client, acme):
        response = client.get(page_of(acme))

        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")


class TestLists:
    def test_find_an_organization_and_a_key_by_the_whole_id(self, staff, acme, globex, key):
        create_key(globex, "LIST_RULES")

        assert list(staff.get(list_of(Organization), {"q": acme.id}).context["cl"].result_list) == [acme]
        assert list(staff.get(list_of(ApiKey), {"q": key.id}).context["cl"].result_list) == [key]

    @pytest.mark.parametrize("model", ["Organization", "ApiKey", "IdempotencyRecord"])
    def test_ask_no_more_questions_for_more_rows(self, staff, api, model):
        model = apps.get_model("apikeys", model)
        address = list_of(model)

        def add_rows(count):
            for _ in range(count):
                organization = OrganizationFactory()
                create_key(organization, "LIST_ACCOUNTS", "READ_RULES:*")
                api.post("/accounts/pods", {"nickname": "Pod"}, idempotency_key=organization.id)

        add_rows(1)
        with CaptureQueriesContext(connection) as few:
            staff.get(address)
        add_rows(10)
        with CaptureQueriesContext(connection) as many:
            response = staff.get(address)

        assert len(response.context["cl"].result_list) > 10
        assert len(many) == len(few) <= QUERY_BUDGET

    def test_read_no_digest(self, staff, key):
        with CaptureQueriesContext(connection) as queries:
            staff.get(list_of(ApiKey))
            staff.get(page_of(key))

        assert not [query["sql"] for query in queries if "digest" in query["sql"]]

    def test_tell_what_a_key_may_do_in_words(self, staff, key):
        page = staff.get(list_of(ApiKey)).content.decode()

        assert "MANUAL_TRANSFER: * → * ($500.00 a transfer, $1,000.00 a day)" in page

    def test_filter_keys_by_what_stands_between_them_and_the_door(self, staff, acme, globex):
        expired, _ = create_key(acme, "LIST_RULES")
        ApiKey.objects.filter(id=expired.id).update(expires_at=timezone.now())
        revoked, _ = create_key(acme, "LIST_RULES")
        services.revoke_api_key(key_id=revoked.id)
        suspended, _ = create_key(globex, "LIST_RULES")
        services.set_organization_status(organization_id=globex.id, status=OrganizationStatus.SUSPENDED)
        active, _ = create_key(acme, "LIST_RULES")

        kinds = {"active": active, "expired": expired, "revoked": revoked, "suspended": suspended}
        for status, key in kinds.items():
            found = staff.get(list_of(ApiKey), {"status": status}).context["cl"].result_list
            assert list(found) == [key]


class TestWhoMayOnlyLook:
    @pytest.fixture
    def page(self, client_with, income):
        key = key_of(client_with(f"MANUAL_TRANSFER:*>{income.id}@5000;day=20000", "READ_ACCOUNTS:*", "LIST_RULES"))
        return sign_in("apikeys.view_apikey", "apikeys.view_permissionentry").get(page_of(key)).content.decode()

    @pytest.fixture
    def income(self, acme):
        return PodFactory(organization=acme, name="Rainy days")

    def test_reads_entries_in_words(self, page, income):
        assert "every account (*)" in page
        assert f"“Rainy days”: Pod, {shorten(income.id)}, stays in the house. ({income.id})" in page
        assert "$50.00 a transfer, $200.00 a day" in page

    def test_reads_neither_none_nor_raw_cents(self, page):
        entries = page[page.index("What the key may do") :]

        assert ">None<" not in entries
        assert "5000" not in entries
