"""Who may do what: every page and every action of the staff's site, by group."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern

from sequence.core.admin.groups import (
    ADMINISTRATORS,
    NAMES,
    OPERATORS,
    VIEWERS,
    bring_up_to_date,
    last_to_migrate,
    make_missing_groups,
)
from sequence.core.admin.trail import Filters, newest_changes
from sequence.wiring import SITE_PAGES

SUPERUSERS, NOBODY = "superusers", "nobody"
# Whoever is in one of these may do what those before it may.
LADDER = [VIEWERS, OPERATORS, ADMINISTRATORS, SUPERUSERS]

# To look at a model: its list, its objects, and their history. Nothing is written ("save" is the form's POST).
LOOK = {"list": VIEWERS, "change": VIEWERS, "history": VIEWERS, "add": NOBODY, "save": NOBODY, "delete": NOBODY}
# What an administrator keeps by hand.
KEEP = LOOK | {"add": ADMINISTRATORS, "save": ADMINISTRATORS}

# The least group for every page and action of every model. A new page belongs in here: without a row, a test fails.
PAGES = {
    "apikeys.organization": KEEP | {"stop": OPERATORS, "reactivate": ADMINISTRATORS},
    "apikeys.apikey": KEEP
    | {"stop": OPERATORS, "revoke": OPERATORS}
    | {"rotate": ADMINISTRATORS, "resume": ADMINISTRATORS},
    "apikeys.idempotencyrecord": LOOK | {"action expire": ADMINISTRATORS, "action purge": ADMINISTRATORS},
    "accounts.account": KEEP | {"delete": ADMINISTRATORS, "statement": ADMINISTRATORS},
    "transfers.transfer": LOOK
    | {"export": VIEWERS}
    | {"approve": OPERATORS, "reject": OPERATORS, "cancel": OPERATORS, "simulate": ADMINISTRATORS}
    | {"take": OPERATORS},
    "transfers.posting": LOOK | {"balance": VIEWERS, "export": VIEWERS},
    "transfers.entryset": LOOK,
    "transfers.suspenseitem": LOOK
    | {"export": VIEWERS, "propose": OPERATORS, "withdraw": OPERATORS, "confirm": ADMINISTRATORS},
    "transfers.ledgercheck": LOOK,
    "transfers.achlimits": KEEP | {"delete": ADMINISTRATORS},
    "transfers.simulatedmark": KEEP | {"delete": ADMINISTRATORS},
    "rules.rule": LOOK
    | {"why-not": VIEWERS, "replay": OPERATORS, "enable": OPERATORS, "disable": OPERATORS, "simulate": OPERATORS},
    "rules.ruleexecution": LOOK,
    "cards.card": LOOK
    | {"add": ADMINISTRATORS, "charge": ADMINISTRATORS, "refund": ADMINISTRATORS}
    | dict.fromkeys(["freeze", "unfreeze", "switch-off", "activate", "report-lost", "report-stolen"], OPERATORS)
    | {"controls": OPERATORS},
    "cards.cardtransaction": LOOK,
    "cards.carddecline": LOOK,
    "sequence.auditentry": LOOK | {"export": VIEWERS, "verify": VIEWERS},
    "sequence.audittrail": {"list": VIEWERS, "export": VIEWERS},
    "sequence.signin": LOOK | {"export": VIEWERS},
    "sequence.event": LOOK,
    "sequence.webhookendpoint": LOOK
    | {"add": ADMINISTRATORS, "rotate": ADMINISTRATORS, "remove": ADMINISTRATORS}
    | dict.fromkeys(["enable", "disable", "test", "resend"], OPERATORS),
    "sequence.webhookdelivery": LOOK,
    "sequence.workerprocess": LOOK,
    "auth.user": dict.fromkeys(["list", "change", "history", "add", "save", "password"], SUPERUSERS)
    | {"delete": NOBODY},
    "auth.group": dict.fromkeys(["list", "change", "history", "add", "save", "delete"], SUPERUSERS),
}
# The least group for every page over several models, by the name of its address.
PAGES["the site"] = {
    "organizations": VIEWERS,
    "rules_rule_map": VIEWERS,
    "rules_rule_replayed": VIEWERS,
    "transfers_posting_over_time": VIEWERS,
    "transfers_posting_followed": VIEWERS,
    "transfers_posting_statement": VIEWERS,
    "transfers_transfer_desk": VIEWERS,
}
# The pages of the site itself, by the name of their address.
SITE = {
    "index": VIEWERS,
    "app_list": VIEWERS,
    "search": VIEWERS,
    "password_change": VIEWERS,
    "password_change_done": VIEWERS,
    "jsi18n": VIEWERS,
}
# Open to a stranger (signing in and out), or a way to another page that asks again.
DOORS = {"login", "logout", "autocomplete", "view_on_site", None}

# No object has this id: a page that lets somebody in then answers 404 or leads away, and one that does not answers 403.
NO_OBJECT = "0"


@dataclass(frozen=True)
class Visit:
    """One page or action: of which model, which, and how a browser asks for it."""

    model: str
    page: str
    address: str
    method: str = "get"


def visits() -> Iterator[Visit]:
    """Walk everything that is registered."""
    for page in SITE_PAGES:
        yield Visit("the site", page.name, "/admin/" + re.sub("<str:[a-z_]+>", NO_OBJECT, page.route))
    for model, model_admin in admin.site._registry.items():
        label, root = model._meta.label_lower, f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for pattern in model_admin.get_urls():
            route = str(pattern.pattern)
            if route == "<path:object_id>/":
                continue  # Leads on to "change".
            name = route.strip("/").rpartition("/")[2] or "list"
            address = root + route.replace("<path:object_id>", NO_OBJECT).replace("<id>", NO_OBJECT)
            yield Visit(label, name, address)
            if name == "change":
                yield Visit(label, "save", address, "post")
        yield from (Visit(label, f"action {name}", root, "action") for name in model_admin.actions or ())


def is_let_in(user: User, client: Client, visit: Visit) -> bool:
    if visit.method == "action":
        request = RequestFactory().get(visit.address)
        request.user = user
        [model_admin] = [row for model, row in admin.site._registry.items() if model._meta.label_lower == visit.model]
        return visit.page.removeprefix("action ") in model_admin.get_actions(request)
    response: HttpResponse = getattr(client, visit.method)(visit.address)
    assert response.status_code in (200, 302, 403, 404), (visit, response.status_code)
    assert "/login/" not in response.get("Location", ""), visit
    return response.status_code != 403


@pytest.fixture
def somebody(db) -> Any:
    """Return a function that makes a member of staff of a group, with a signed-in browser."""

    def make(group: str) -> tuple[User, Client]:
        user = User.objects.create_user(f"a-{group}", is_staff=True, is_superuser=group == SUPERUSERS)
        if group in NAMES:
            user.groups.add(Group.objects.get(name=group))
        client = Client()
        client.force_login(user)
        return user, client

    return make


class TestTheTable:
    def test_has_a_row_for_every_page_and_no_other(self):
        walked: dict[str, set[str]] = {}
        for visit in visits():
            walked.setdefault(visit.model, set()).add(visit.page)

        assert walked == {model: set(rows) for model, rows in PAGES.items()}

    def test_has_a_row_for_every_page_of_the_site(self):
        named = {pattern.name for pattern in admin.site.get_urls() if isinstance(pattern, URLPattern)}

        assert named == SITE.keys() | DOORS | PAGES["the site"].keys()

    @pytest.mark.parametrize(
        "group", [pytest.param(group, marks=pytest.mark.full) for group in LADDER[1:]] + [LADDER[0], NOBODY]
    )
    def test_is_what_each_group_meets(self, somebody, group):
        user, client = somebody(group)
        met = {(visit.model, visit.page): is_let_in(user, client, visit) for visit in visits()}

        assert met == {
            (model, page): least != NOBODY and group in LADDER[LADDER.index(least) :]
            for model, rows in PAGES.items()
            for page, least in rows.items()
        }

    def test_keeps_strangers_out(self, db):
        for visit in visits():
            if visit.method != "action":
                response = getattr(Client(), visit.method)(visit.address)
                assert response.status_code == 302, visit
                assert response["Location"].startswith("/admin/login/?next="), visit


class TestGroups:
    def test_are_made_by_a_migration_on_the_trail(self, db):
        assert set(Group.objects.values_list("name", flat=True)) == set(NAMES)
        assert {change.actor for change in newest_changes(Filters(kind="sequence.trackedgroupevent")).changes} == {
            "command:migrate"
        }

    def test_stay_as_superusers_have_changed_them_when_a_migration_comes(self, db):
        group = Group.objects.get(name=OPERATORS)
        group.permissions.remove(Permission.objects.get(codename="decide_transfer"))
        Group.objects.get(name=VIEWERS).delete()
        call_command("migrate", verbosity=0)

        assert not group.permissions.filter(codename="decide_transfer").exists()
        assert Group.objects.get(name=VIEWERS).permissions.count() > 10

    def test_wait_for_the_permissions_they_name(self, db):
        Group.objects.all().delete()
        Permission.objects.filter(codename="cancel_transfer").update(codename="something_else")
        # Not by the command: it would make the permission again before it asks.
        make_missing_groups(last_to_migrate(), using="default", apps=apps)
        assert not Group.objects.exists()

    def test_are_brought_back_by_the_command_which_tells_what_it_did(self, db):
        group = Group.objects.get(name=OPERATORS)
        group.permissions.remove(Permission.objects.get(codename="decide_transfer"))
        group.permissions.add(Permission.objects.get(codename="rotate_apikey"))
        out = StringIO()
        call_command("create_staff_groups", stdout=out)

        assert "+ transfers.decide_transfer" in out.getvalue()
        assert "- apikeys.rotate_apikey" in out.getvalue()
        assert [(change.given, change.taken) for change in bring_up_to_date()] == [([], [])] * 3

    def test_tell_machines_what_they_may(self, db):
        out = StringIO()
        call_command("create_staff_groups", "--json", stdout=out)
        groups = {name: set(group["permissions"]) for name, group in json.loads(out.getvalue()).items()}

        assert groups[VIEWERS] < groups[OPERATORS] < groups[ADMINISTRATORS]
        assert all(permission.split(".")[1].startswith("view_") for permission in groups[VIEWERS])
        assert not [permission for permission in groups[ADMINISTRATORS] if permission.startswith("auth.")]


def create_user(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("create_staff_user", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


class TestCreateStaffUser:
    def test_makes_somebody_who_can_sign_in(self, db):
        made = create_user("bob", "--group", OPERATORS)
        client = Client()
        client.post("/admin/login/", {"username": "bob", "password": made["password"]})

        assert (made["groups"], made["superuser"]) == ([OPERATORS], False)
        assert client.get("/admin/transfers/transfer/").status_code == 200
        assert client.get("/admin/auth/user/").status_code == 403

    def test_makes_a_superuser(self, db):
        create_user("bob", "--superuser")

        assert User.objects.get(username="bob").is_superuser

    def test_is_on_the_trail_without_the_password(self, db):
        made = create_user("bob", "--group", VIEWERS)
        changes = newest_changes(Filters()).changes[:2]

        assert [(change.actor.rpartition(":")[0], change.verb) for change in changes] == [
            ("command:create_staff_user", "given"),
            ("command:create_staff_user", "created"),
        ]
        assert made["password"] not in str(changes)

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["Ann", "--superuser"], "There is a user 'Ann' already"),
            (["bob", "--group", "operatos"], "Groups: administrators, operators, viewers."),
            (["b b", "--superuser"], "Enter a valid username"),
            (["bob"], "is required"),
        ],
    )
    def test_refuses_in_words(self, db, arguments, reason):
        User.objects.create_user("ann")
        with pytest.raises(CommandError, match=reason):
            create_user(*arguments)

        assert list(User.objects.values_list("username", flat=True)) == ["ann"]
