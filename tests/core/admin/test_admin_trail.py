"""The audit trail, who may see it, and who is staff."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pghistory.core import event_models

from accounts.models import Account
from apikeys import services
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey, PermissionEntry
from sequence.core import clock
from sequence.core.admin import trail
from sequence.core.admin.trail import NEWEST_FIRST, Filters, newest_changes
from sequence.core.api.ids import parse_id
from tests.database_plans import scans_of
from tests.factories import PodFactory
from tests.roles import by_owner
from tests.staff import form_of, list_of, page_of, sign_in

TRAIL = "/admin/sequence/audittrail/"
SCOPE = "MANUAL_TRANSFER"


@pytest.fixture
def staff(db):
    return sign_in(is_superuser=True)


def rename(staff, organization, name, request_id):
    fields = {"name": name, "legal_name": organization.legal_name}
    staff.post(page_of(organization), fields, headers={"X-Request-ID": request_id})


def create_key(acme):
    return services.create_api_key(
        organization=acme, name="Agent", permissions=parse_permissions(["LIST_RULES"]), created_by="staff:zoe"
    )


class TestCost:
    """A page of the trail reads what it shows, and where the one before it ended: the rest may be of years."""

    CHANGES = 300

    @pytest.fixture
    def long_ago(self, acme):
        """A trail with one change a day; the time on each is set by hand, since it is the database's own."""
        with by_owner(), connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO apikeys_organizationevent (pgh_created_at, pgh_label, pgh_obj_id, id, name, legal_name,
                    status, created_at, updated_at, active_since)
                SELECT timestamptz '2020-01-01' + make_interval(days => number), 'update', id, id, 'Acme ' || number,
                    legal_name, status, created_at, updated_at, active_since
                FROM apikeys_organization, generate_series(1, %s) AS number WHERE id = %s ORDER BY number
                """,
                [self.CHANGES, parse_id("org", acme.id)],
            )
            cursor.execute("ANALYZE apikeys_organizationevent")
        with connection.cursor() as cursor:
            # So few rows lie on a page or two, which PostgreSQL would rather read whole and sort.
            for way in ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort"):
                cursor.execute(f"SET LOCAL {way} = off")
        return datetime(2020, 2, 1, tzinfo=UTC)

    def test_of_old_dates_is_that_of_what_they_show(self, long_ago):
        filters = Filters(kind="apikeys.organizationevent", until=long_ago)
        with CaptureQueriesContext(connection) as queries:
            page = newest_changes(filters, size=5)
            older = newest_changes(replace(filters, older=page.older), size=5)

        names = [change.object_name for change in [*page.changes, *older.changes]]
        assert names == [f"Acme {day}" for day in range(30, 20, -1)]
        pages = [query["sql"] for query in queries.captured_queries if "LIMIT 6" in query["sql"]]
        for page in pages:
            assert sum(read for _, read in scans_of("apikeys_organizationevent", page)) <= 10
        assert len(pages) == 2

    def test_is_that_of_an_index_in_every_table(self):
        for events in event_models():
            assert list(NEWEST_FIRST) in [index.fields for index in events._meta.indexes], events


class TestTheTrail:
    def test_tells_who_changed_what_in_which_request(self, staff, acme):
        rename(staff, acme, "Acme & Sons", "req_rename")

        change = newest_changes(Filters(request_id="req_rename")).changes[0]
        [field] = change.fields
        assert (change.actor, change.verb, change.kind) == ("staff:ann", "changed", "organization")
        assert (field.name, field.before, field.after) == ("name", "Acme", "Acme & Sons")

    def test_is_shown_on_its_page_and_on_the_objects(self, staff, acme):
        rename(staff, acme, "Acme & Sons", "req_rename")

        for address in (TRAIL, page_of(acme, "history")):
            page = staff.get(address).content.decode()
            assert "staff:ann" in page
            assert "req_rename" in page
            assert "Acme &amp; Sons" in page

    def test_filters_exactly(self, staff, acme, globex):
        rename(staff, acme, "One", "req_1")
        rename(staff, globex, "Two", "req_2")

        for filters in ({"request_id": "req_1"}, {"object_id": acme.id, "actor": "staff:ann"}):
            trail = staff.get(TRAIL, filters).context["trail"]
            assert [change.object_name for change in trail.changes] == ["One"]

    @pytest.mark.parametrize("filters", [{"object_id": "nonsense"}, {"older": "x:y,z"}, {"kind": "no.such"}])
    def test_shrugs_at_filters_that_make_no_sense(self, staff, acme, filters):
        assert staff.get(TRAIL, filters).status_code == 200

    def test_shows_every_change_once_from_page_to_page(self, staff, acme, globex, monkeypatch):
        page = trail._page
        monkeypatch.setattr(trail, "_page", lambda sources, *, older, size: page(sources, older=older, size=5))
        for number in range(6):
            rename(staff, acme, f"Acme {number}", f"req_a{number}")
            rename(staff, globex, f"Globex {number}", f"req_g{number}")

        seen, pages, address = [], 0, f"{TRAIL}?actor=staff:ann"
        while address:
            response = staff.get(address)
            pages += 1
            seen += [change.request_id for change in response.context["trail"].changes]
            older = response.context["older"]
            address = f"{TRAIL}?{older}" if older else None
        assert len(seen) == len(set(seen)) == 12
        assert pages == 3

    def test_asks_no_more_questions_for_more_rows(self, staff, acme):
        rename(staff, acme, "Acme 0", "req_0")
        with CaptureQueriesContext(connection) as few:
            staff.get(TRAIL)
        for number in range(1, 20):
            rename(staff, acme, f"Acme {number}", f"req_{number}")
        with CaptureQueriesContext(connection) as many:
            staff.get(TRAIL)

        assert len(many) == len(few)

    def test_holds_no_digest_and_no_bank_number(self, staff, acme, api):
        key, _ = create_key(acme)
        api.post("/accounts/income-sources", {"nickname": "Pay"})
        account = Account.objects.get()
        page = staff.get(TRAIL).content.decode()
        digest = bytes(ApiKey.objects.get(id=key.id).digest).hex()
        events = [str(row) for model in event_models() for row in model.objects.values()]

        for secret in (digest, account.bank_account_number, account.routing_number):
            assert secret not in page
            assert not [event for event in events if secret in event]
        fields = {field.name for model in event_models() for field in model._meta.get_fields()}
        assert not fields & {"digest", "password", "routing_number", "bank_account_number"}

    def test_notes_nothing_of_what_failed(self, staff, acme):
        before = len(newest_changes(Filters()).changes)
        rename(staff, acme, "", "req_bad")

        assert len(newest_changes(Filters()).changes) == before

    def test_is_kept_from_those_without_the_permission(self, acme):
        staff = sign_in("apikeys.view_organization")

        assert staff.get(TRAIL).status_code == 403
        assert "Latest changes" not in staff.get("/admin/").content.decode()
        assert staff.get(page_of(acme, "history")).status_code == 200

    def test_is_shown_to_those_with_it(self, acme):
        staff = sign_in("sequence.view_audittrail")

        assert staff.get(TRAIL).status_code == 200
        assert "Latest changes" in staff.get("/admin/").content.decode()


class TestStaff:
    def test_are_made_and_changed_by_superusers_alone(self, db):
        staff = sign_in("auth.view_user", "auth.add_user", "auth.change_user", "auth.change_group", "auth.add_group")
        user, group = User.objects.get(), Group.objects.create(name="Support")

        assert staff.post("/admin/auth/user/add/", {"username": "bob"}).status_code == 403
        assert staff.post(page_of(user), {"is_superuser": "on"}).status_code == 403
        assert staff.post(page_of(group), {"name": "Mine"}).status_code == 403
        assert staff.post("/admin/auth/group/add/", {"name": "Mine"}).status_code == 403

    def test_are_made_by_a_superuser(self, staff):
        password = "a long and odd password"
        given = {"username": "bob", "usable_password": "true", "password1": password, "password2": password}
        staff.post("/admin/auth/user/add/", given)

        assert User.objects.get(username="bob").check_password(password)

    def test_are_given_permissions_on_the_trail(self, staff):
        group = Group.objects.create(name="Support")
        permission = Permission.objects.get(codename="stop_apikey")
        staff.post(page_of(group), {"name": "Support", "permissions": [permission.pk]})

        changes = newest_changes(Filters(actor="staff:ann")).changes
        assert [(change.kind, change.verb) for change in changes] == [("permission of a group", "given")]

    def test_are_neither_renamed_nor_deleted(self, staff):
        user = User.objects.create_user("bob", is_staff=True)
        form = form_of(staff.get(page_of(user)))
        staff.post(page_of(user), form | {"username": "rob", "first_name": "Bob"})

        user.refresh_from_db()
        assert (user.username, user.first_name) == ("bob", "Bob")
        assert staff.post(page_of(user, "delete"), {"post": "yes"}).status_code == 403


class TestEveryPage:
    def test_is_strict_about_where_its_content_comes_from(self, staff, acme):
        key, _ = create_key(acme)
        pod = PodFactory(organization=acme)
        pages = [page_of(obj, page) for obj in (acme, key, pod) for page in ("change", "history")]
        lists = [list_of(model) for model in (type(acme), ApiKey, Account)]
        own = [
            "/admin/",
            "/admin/login/",
            TRAIL,
            page_of(key, "revoke"),
            page_of(key, "rotate"),
            page_of(pod, "delete"),
        ]

        for address in [*pages, *lists, *own, "/admin/no-such-page/"]:
            response = staff.get(address, follow=True)
            policy = response["Content-Security-Policy"]
            assert "default-src 'self'" in policy, address
            assert "unsafe" not in policy, address
            assert not re.search(r"<script(?![^>]* src=)[^>]*>|<style|\sstyle=|\son[a-z]+=", response.content.decode())

    def test_tells_a_refusal_that_it_did_not_expect(self, staff, acme, monkeypatch):
        pod = PodFactory(organization=acme)
        form = form_of(staff.get(page_of(pod)))
        monkeypatch.setattr(
            "accounts.admin.accounts.services.edit_account", lambda **_: services.get_organization("org_1")
        )
        response = staff.post(page_of(pod), form | {"name": "Renamed"}, follow=True)

        assert [str(message) for message in response.context["messages"]] == ["Organization not found."]


class TestDatesAndActors:
    def test_filter_the_trail_and_its_page(self, staff, acme):
        rename(staff, acme, "One", "req_1")
        today = f"{clock.now():%Y-%m-%d}"

        def told(**filters) -> list[str]:
            return [change.request_id for change in staff.get(TRAIL, filters).context["trail"].changes]

        assert "req_1" in told(**{"from": today, "to": today})
        assert "req_1" not in told(**{"from": "2020-01-01", "to": "2020-12-31"})
        assert "req_1" not in told(to="2020-01-01 12:00")
        assert set(told(actor="ann")) == set(told(actor="staff:ann")) == {"req_1"}
        assert told(actor="bob") == []

    @pytest.mark.parametrize("filters", [{"from": "yesterday"}, {"from": "2026-02-01", "to": "2026-01-01"}])
    def test_that_make_no_sense_show_nothing(self, staff, acme, filters):
        rename(staff, acme, "One", "req_1")

        page = staff.get(TRAIL, filters)

        assert page.context["trail"].changes == []
        assert "until the filters make sense" in page.content.decode()
        assert staff.get(f"{TRAIL}export/", filters).status_code == 302


class TestAChangedCap:
    def test_names_its_pair(self, acme):
        income, rent = PodFactory(organization=acme, name="Payroll"), PodFactory(organization=acme, name="Rent")
        key, _ = services.create_api_key(
            organization=acme,
            name="Agent",
            permissions=parse_permissions(
                [f"MANUAL_TRANSFER:{income.id}>{rent.id};day=100", "MANUAL_TRANSFER:*>*;day=300"]
            ),
            created_by="staff:zoe",
        )
        for entry in PermissionEntry.objects.filter(api_key=key).order_by("id"):
            PermissionEntry.objects.filter(id=entry.id).update(max_amount_per_day_cents=200)

        every, change = [each for each in newest_changes(Filters()).changes if each.verb == "changed"]

        told = [(field.name, field.before, field.after) for field in change.fields]
        assert told == [("max amount per day", "$1.00", "$2.00")]
        assert every.object_name == "MANUAL_TRANSFER: * → *"
        assert change.object_name.startswith("MANUAL_TRANSFER: Payroll (acc_…")
        assert "→ Rent (acc_…" in change.object_name


class TestTheExport:
    @pytest.fixture
    def renamed(self, staff, acme):
        for number in range(5):
            rename(staff, acme, f"Name {number}", f"req_{number}")

    def lines(self, staff, **query) -> list[str]:
        response = staff.get(f"{TRAIL}export/", query)
        assert response.status_code == 200
        return b"".join(response.streaming_content).decode().splitlines()

    def test_has_every_change_once_the_newest_first(self, staff, renamed, monkeypatch):
        monkeypatch.setattr("sequence.core.admin.trail_export.ROWS", 2)
        heading, *rows = self.lines(staff, kind="apikeys.organizationevent")

        assert heading == "at,actor,request_id,reason,kind,verb,object_id,object_name,changes"
        assert len(rows) == 6
        assert ["req_4" in rows[0], "name: Name 3 → Name 4" in rows[0]] == [True, True]
        assert "created" in rows[-1]

    def test_obeys_the_filters(self, staff, renamed):
        assert len(self.lines(staff, request_id="req_3")) == 2
        assert len(self.lines(staff, to="2020-01-01")) == 1

    def test_is_offered_as_json_lines(self, staff, renamed):
        [line] = self.lines(staff, request_id="req_3", form="jsonl")

        told = json.loads(line)
        assert (told["actor"], told["kind"], told["verb"]) == ("staff:ann", "organization", "changed")
        assert told["changes"] == [{"field": "name", "before": "Name 2", "after": "Name 3"}]

    def test_runs_no_formula_in_a_spreadsheet(self, staff, acme):
        rename(staff, acme, "=1+1", "req_evil")

        assert "'=1+1" in self.lines(staff, request_id="req_evil")[1]

    def test_is_for_those_who_may_see_the_trail(self, db):
        assert sign_in(name="eve").get(f"{TRAIL}export/").status_code == 403
