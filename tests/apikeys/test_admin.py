"""The staff's pages of organizations, keys and idempotency records."""

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys import services
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey, IdempotencyRecord, Organization, OrganizationStatus
from sequence.core.admin.display import shorten
from sequence.core.admin.fingerprints import CHANGED_MEANWHILE
from tests.apikeys.test_idempotency import key_of
from tests.client import Api
from tests.factories import OrganizationFactory, PodFactory
from tests.staff import form_of, list_of, messages_of, page_of, seen_on, sign_in

NEW_KEY = "/admin/apikeys/apikey/add/"
TOKEN = re.compile(r'id="new-key"[^>]*>(sk_[0-9A-Za-z]+)<')
# Who is asking (session, user), the page, its filters; nothing for each row.
QUERY_BUDGET = 12
EDIT_KEYS = (
    "apikeys.view_apikey",
    "apikeys.change_apikey",
    "apikeys.add_permissionentry",
    "apikeys.change_permissionentry",
    "apikeys.delete_permissionentry",
)


@pytest.fixture
def staff(db):
    return sign_in(is_superuser=True)


@pytest.fixture
def key(acme):
    key, token = create_key(acme, "LIST_ACCOUNTS", "MANUAL_TRANSFER:*>*@50000;day=100000")
    key.token = token
    return key


def create_key(organization, *permissions, name="Agent"):
    return services.create_api_key(
        organization=organization, name=name, permissions=parse_permissions(permissions), created_by="staff:zoe"
    )


def entries(*forms, initial=0):
    """Return the fields of the permission entries as the page sends them."""
    sent = {"entries-TOTAL_FORMS": len(forms), "entries-INITIAL_FORMS": initial}
    for index, form in enumerate(forms):
        sent.update({f"entries-{index}-{name}": value for name, value in form.items()})
    return sent


def post_new_key(staff, organization, *forms, **fields):
    given = {"name": "Budget agent", **fields, **entries(*forms)}
    return staff.post(f"{NEW_KEY}?organization={organization.id}", given)


def errors_of(response):
    """Return the faults of the entries' fields, and those of all entries together."""
    [inline] = response.context["inline_admin_formsets"]
    return [dict(errors) for errors in inline.formset.errors], list(inline.formset.non_form_errors())


def status_with(token):
    return Api(token).get("/accounts").status_code


def everything_stored():
    """Return all rows of all tables as text."""
    text = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 - a table of ours
            text += [row for (row,) in cursor.fetchall()]
    return "\n".join(text)


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


class TestANewKey:
    def test_asks_for_an_active_organization_first(self, staff, acme, globex):
        Organization.objects.filter(id=globex.id).update(status=OrganizationStatus.SUSPENDED)
        page = staff.get(NEW_KEY).content.decode()

        assert acme.id in page
        assert globex.id not in page

    def test_is_shown_once_and_works(self, staff, acme):
        response = post_new_key(staff, acme, {"scope": "LIST_ACCOUNTS"})
        [token] = TOKEN.findall(response.content.decode())

        assert status_with(token) == 200
        assert "no-store" in response["Cache-Control"]
        assert token not in staff.get(page_of(ApiKey.objects.get())).content.decode()

    def test_is_stored_nowhere_in_clear(self, staff, acme):
        response = post_new_key(staff, acme, {"scope": "LIST_ACCOUNTS"})
        [token] = TOKEN.findall(response.content.decode())
        status_with(token)

        stored, shown = everything_stored(), ApiKey.objects.get().prefix
        assert shown in stored, "the part that people recognise it by"
        assert token.removeprefix(shown) not in stored

    def test_has_the_entries_and_the_maker_that_the_page_says(self, staff, acme):
        pod = PodFactory(organization=acme)
        post_new_key(
            staff,
            acme,
            {"scope": "READ_ACCOUNTS", "accounts": [pod.id]},
            {
                "scope": "MANUAL_TRANSFER",
                "source": pod.id,
                "target": "*",
                "max_amount_cents": "1,250.50",
                "max_amount_per_month_cents": "5000",
                "approval_above_cents": "0",
            },
            rate_limit_per_minute="7",
        )

        key = ApiKey.objects.get()
        assert (key.created_by, key.permissions_changed_by, key.rate_limit_per_minute) == ("staff:ann", "staff:ann", 7)
        assert [permission.as_text() for permission in key.permissions()] == [
            f"READ_ACCOUNTS:{pod.id}",
            f"MANUAL_TRANSFER:{pod.id}>*@125050;month=500000;approval=0",
        ]

    def test_offers_no_account_of_somebody_else(self, staff, acme, globex):
        theirs = PodFactory(organization=globex)
        response = post_new_key(staff, acme, {"scope": "READ_ACCOUNTS", "accounts": [theirs.id]})

        [faults], _ = errors_of(response)
        assert list(faults) == ["accounts"]
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize(
        ("entry", "field", "words"),
        [
            ({"scope": "READ_ACCOUNTS"}, "accounts", "READ_ACCOUNTS needs this"),
            ({"scope": "READ_RULES"}, "rules", "READ_RULES needs this"),
            ({"scope": "MANUAL_TRANSFER", "source": "*"}, "target", "MANUAL_TRANSFER needs this"),
            ({"scope": "LIST_ACCOUNTS", "max_amount_cents": "5"}, "max_amount_cents", "has no such field"),
            ({"scope": "LIST_ACCOUNTS", "source": "*"}, "source", "has no such field"),
            ({"scope": "", "source": "*"}, "scope", "required"),
            ({"scope": "BECOME_KING"}, "scope", "valid choice"),
            (
                {"scope": "MANUAL_TRANSFER", "source": "*", "target": "*", "max_amount_cents": "0"},
                "max_amount_cents",
                "at least 0.01 dollars",
            ),
            (
                {"scope": "MANUAL_TRANSFER", "source": "*", "target": "*", "max_amount_cents": "1.5"},
                "max_amount_cents",
                "Write US dollars",
            ),
            (
                {"scope": "MANUAL_TRANSFER", "source": "*", "target": "*", "max_amount_per_day_cents": "9" * 20},
                "max_amount_per_day_cents",
                "largest possible",
            ),
        ],
    )
    def test_explains_a_bad_entry_at_its_field(self, staff, acme, entry, field, words):
        [faults], _ = errors_of(post_new_key(staff, acme, entry))

        assert list(faults) == [field]
        assert words in faults[field][0]
        assert not ApiKey.objects.exists()

    def test_refuses_a_star_beside_single_accounts(self, staff, acme):
        pod = PodFactory(organization=acme)
        [faults], _ = errors_of(post_new_key(staff, acme, {"scope": "READ_ACCOUNTS", "accounts": ["*", pod.id]}))

        assert "already reaches all of them" in faults["accounts"][0]

    @pytest.mark.parametrize(
        ("forms", "words"),
        [([], "at least one permission"), ([{"scope": "LIST_RULES"}, {"scope": "LIST_RULES"}], "are the same")],
    )
    def test_refuses_no_entries_and_the_same_twice(self, staff, acme, forms, words):
        _, [fault] = errors_of(post_new_key(staff, acme, *forms))

        assert words in fault
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize(
        ("field", "value"), [("rate_limit_per_minute", "0"), ("expires_at_0", "2020-01-01"), ("name", "")]
    )
    def test_refuses_a_key_that_could_not_be_used(self, staff, acme, field, value):
        time = {"expires_at_1": "12:00"} if field == "expires_at_0" else {}
        response = post_new_key(staff, acme, {"scope": "LIST_RULES"}, **{field: value}, **time)

        assert list(response.context["adminform"].form.errors) == [field.removesuffix("_0")]
        assert not ApiKey.objects.exists()


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


class TestIdempotencyRecords:
    @pytest.fixture
    def record(self, api):
        self.repeat = lambda: api.post("/accounts/income-sources", {"nickname": "Pay"}, idempotency_key="pay-1")
        self.repeat()
        return IdempotencyRecord.objects.get()

    def run(self, staff, action, *records, **fields):
        sent = {"action": action, "_selected_action": [record.pk for record in records], **fields}
        if "confirmed" in fields:
            asked = staff.post(list_of(IdempotencyRecord), {**sent, "confirmed": None})
            sent["seen"] = seen_on(asked)
        return staff.post(list_of(IdempotencyRecord), sent, follow=True)

    @pytest.mark.parametrize("field", ["key", "request_id", "organization_id"])
    def test_are_found_by_key_request_and_organization(self, staff, record, field):
        found = staff.get(list_of(IdempotencyRecord), {"q": getattr(record, field)})
        missed = staff.get(list_of(IdempotencyRecord), {"q": f"{getattr(record, field)}x"})

        assert list(found.context["cl"].result_list) == [record]
        assert list(missed.context["cl"].result_list) == []

    def test_show_their_bodies_readable_and_masked(self, staff, record):
        masked = record.response_body
        unmasked = re.sub(r'("bank_account_number": *)"[^"]*"', r'\1"000123456789"', masked)
        assert unmasked != masked
        IdempotencyRecord.objects.update(response_body=unmasked)
        page = staff.get(page_of(record)).content.decode()

        assert "&quot;nickname&quot;: &quot;Pay&quot;" in page
        assert "••••6789" in page
        assert "000123456789" not in page

    @pytest.mark.parametrize("action", ["expire", "purge"])
    def test_ask_before_their_keys_are_freed(self, staff, record, action):
        response = self.run(staff, action, record)

        assert "executes again" in response.content.decode()
        assert self.repeat().headers["Idempotent-Replayed"] == "true"

    @pytest.mark.parametrize(("action", "label"), [("expire", "Expire"), ("purge", "Purge")])
    def test_free_their_keys_when_confirmed(self, staff, record, action, label):
        response = self.run(staff, action, record, confirmed="yes")

        assert messages_of(response) == [f"{label}: 1 of 1 records."]
        assert IdempotencyRecord.objects.filter(expires_at__gt=timezone.now()).count() == 0
        assert "Idempotent-Replayed" not in self.repeat().headers

    def test_name_the_record_and_the_person_on_the_trail(self, staff, record):
        self.run(staff, "purge", record, confirmed="yes")
        page = staff.get("/admin/sequence/audittrail/", {"actor": "staff:ann"}).content.decode()

        assert "Idempotency record purged" in page
        assert record.request_id in page

    @pytest.mark.parametrize("action", ["expire", "purge"])
    def test_stay_without_the_permission(self, record, action):
        staff = sign_in("apikeys.view_idempotencyrecord")

        assert f'value="{action}"' not in staff.get(list_of(IdempotencyRecord)).content.decode()
        self.run(staff, action, record, confirmed="yes")
        assert self.repeat().headers["Idempotent-Replayed"] == "true"

    def test_are_edited_by_nobody(self, staff, record):
        assert staff.post(page_of(record), {"response_body": "{}"}).status_code == 403
        assert staff.post(page_of(record, "delete"), {"post": "yes"}).status_code == 403


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


class TestAnEntryWithoutLimits:
    PAIR = {"scope": "MANUAL_TRANSFER", "source": "*", "target": "*"}

    def test_needs_a_word_that_it_is_meant(self, staff, acme):
        response = post_new_key(staff, acme, self.PAIR)

        [faults], _ = errors_of(response)
        assert list(faults) == ["no_limit"]
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize("bound", [{"no_limit": "on"}, {"max_amount_cents": "5"}, {"approval_above_cents": "0"}])
    def test_is_made_with_that_word_or_with_a_limit(self, staff, acme, bound):
        assert post_new_key(staff, acme, {**self.PAIR, **bound}).status_code == 200
        assert ApiKey.objects.count() == 1


class TestTheFormOfANewKey:
    def test_names_its_organization(self, staff, acme):
        assert "New API key for Acme" in staff.get(f"{NEW_KEY}?organization={acme.id}").content.decode()
