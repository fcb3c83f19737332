"""Who works: every table of what runs by itself or speaks up on somebody else's page, as ``urls.py`` is who answers.

A sweep, a check, a part of the console runs if it stands here, in this order, and nowhere else.
"""

from collections.abc import Sequence

from django.apps import apps
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core import checks as system_checks
from django.core.signals import request_started
from django.db import models
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

import accounts.admin.console
import apikeys.admin.console
import cards.admin.console
import cards.checks
import cards.guards
import rules.admin.console
import rules.guards
import transfers.admin.console
import transfers.guards
from accounts.models import Account
from accounts.services import DeletionGuard, name_accounts
from apikeys.admin.finders import find_callers, find_records, requests_of_key
from apikeys.admin.organizations import listed_organizations
from apikeys.models import ApiKey, IdempotencyRecord, Organization
from apikeys.resources import ListResources
from apikeys.scopes import ResourceKind
from cards.models import Card
from rules.admin.finders import find_executions, find_rule_callers
from rules.models import Rule
from rules.services import name_rules
from rules.sweeps import AWAITED_BY_A_RULE, carry_out, finish, notice_deposits, notice_slots
from sequence.core.admin import staff_sessions
from sequence.core.admin.base import ObjectPage
from sequence.core.admin.console import Figure, Part, Section, Sign, Waiting
from sequence.core.admin.finders import Finder, Translator, changes_of
from sequence.core.admin.groups import make_missing_groups
from sequence.core.admin.links import FindLinks
from sequence.core.admin.pages import workers
from sequence.core.admin.pages.sign_ins import sign_ins_of
from sequence.core.admin.panels import FindPanel
from sequence.core.admin.sign_in_events import forget_old_sign_ins
from sequence.core.admin.site import SitePage
from sequence.core.database import role_checks
from sequence.core.database.append_only import install_guards
from sequence.core.database.availability import replace_dead_connection
from sequence.core.database.functions import install_functions
from sequence.core.database.grants import grant_to_application, refuse_powerful_role
from sequence.core.sweeps import Sweep
from sequence.insight import history_page, links, map_page
from sequence.stops.admin import RevokeKey, StopKey, StopOrganization
from transfers.admin.finders import find_transfers
from transfers.checks import CHECKS, Check
from transfers.ledger_checks import check_ledger_daily
from transfers.settlement import accept, collect, expire_approvals, submit
from transfers.trail_checks import trail_checks

# What workers do, again and again: each does one batch of what is due, and moves what the next ones look for.
SWEEPS: Sequence[Sweep] = (
    expire_approvals,
    accept,
    submit,
    collect,
    notice_deposits,
    notice_slots,
    carry_out,
    finish,
)

# What a worker does when nothing is due. Chores look after the house and move no money.
CHORES: Sequence[Sweep] = (forget_old_sign_ins, check_ledger_daily)

# Which arrivals a sweep of an app above waits for, in SQL on {account_id}.
AWAITED_ARRIVALS: Sequence[str] = (AWAITED_BY_A_RULE,)

# What check_ledger proves.
LEDGER_CHECKS: Sequence[Check] = (*CHECKS, *trail_checks(), *cards.checks.CHECKS)

# Who may object when an account is to be deleted.
ACCOUNT_DELETION_GUARDS: Sequence[DeletionGuard] = (
    transfers.guards.refuse_while_money_is_under_way,
    cards.guards.refuse_while_a_card_spends_from_it,
    rules.guards.refuse_while_an_enabled_rule_uses_it,
)

# What the resources of a permission entry can be.
RESOURCES: dict[ResourceKind, ListResources] = {ResourceKind.ACCOUNT: name_accounts, ResourceKind.RULE: name_rules}

# What operators do every day beyond looking. Whoever is on call may stop what goes wrong; resuming it is not theirs.
# Nothing here opens a way for money that an administrator has not opened, or plays a part of the world outside, which
# could make money appear: the simulated rail, the simulated card network.
DAILY_WORK = frozenset(
    {
        "apikeys.stop_apikey",
        "apikeys.stop_organization",
        "transfers.decide_transfer",
        "transfers.cancel_transfer",
        "rules.enable_rule",
        "rules.simulate_rule",
        "cards.change_card",
    }
)

# Staff look for these first; apps that are not named follow in the order of the alphabet.
APPS_IN_ORDER = ("apikeys", "accounts", "transfers", "rules", "cards", "sequence", "auth")

# The console, part by part, each with the permission that shows it.
CONSOLE_WAITING: Sequence[Part[Waiting]] = (
    ("apikeys.view_organization", apikeys.admin.console.suspended_organizations),
    ("apikeys.view_apikey", apikeys.admin.console.paused_keys),
    ("transfers.view_transfer", transfers.admin.console.approvals),
    ("transfers.view_transfer", transfers.admin.console.stalled),
    ("transfers.view_transfer", transfers.admin.console.failures),
    ("transfers.view_posting", transfers.admin.console.suspense),
    ("rules.view_rule", rules.admin.console.reviews),
    ("rules.view_ruleexecution", rules.admin.console.standing_still),
    ("rules.view_ruleexecution", rules.admin.console.failures),
)
CONSOLE_FIGURES: Sequence[Part[Figure]] = (
    ("transfers.view_transfer", transfers.admin.console.moved_in),
    ("transfers.view_transfer", transfers.admin.console.moved_out),
    ("transfers.view_transfer", transfers.admin.console.moved_between),
    ("cards.view_cardtransaction", cards.admin.console.spent_today),
)
CONSOLE_SIGNS: Sequence[Part[Sign | None]] = (
    ("sequence.view_workerprocess", workers.workers),
    ("transfers.view_ledgercheck", transfers.admin.console.ledger),
    ("transfers.view_transfer", transfers.admin.console.rails),
)
CONSOLE_SECTIONS: Sequence[Part[Section]] = (("accounts.view_account", accounts.admin.console.balances),)
# The organizations that one can choose from, as (id, name).
CONSOLE_ORGANIZATIONS: Sequence[Part[Sequence[tuple[str, str]]]] = (
    ("apikeys.view_organization", listed_organizations),
)

# Pages over all apps, beside those that Django makes of each model.
SITE_PAGES: Sequence[SitePage] = (
    SitePage("rules/rule/map/", map_page.map_view, "rules_rule_map"),
    SitePage("transfers/posting/history/<str:account_id>/", history_page.history_view, "transfers_posting_over_time"),
)
# What one app offers on the pages of another app's objects: pages that ask, panels that tell, links.
OBJECT_PAGES: Sequence[tuple[type[models.Model], ObjectPage]] = (
    (ApiKey, StopKey()),
    (ApiKey, RevokeKey()),
    (Organization, StopOrganization()),
)
PANELS: Sequence[tuple[type[models.Model], FindPanel]] = ((Account, history_page.history_panel),)
LINKS: Sequence[tuple[type[models.Model], FindLinks]] = (
    (Organization, links.links_of_organization),
    (Account, links.links_of_account),
    (Rule, links.links_of_rule),
)

# What the search knows of a request. Who knows first knows best.
FINDERS: Sequence[Finder] = (
    sign_ins_of,
    find_records,
    find_callers,
    changes_of(Account),
    find_transfers,
    changes_of(Card),
    changes_of(Rule),
    find_executions,
    find_rule_callers,
)
# What a text can stand for that is no request id, for whoever may see the model.
TRANSLATORS: Sequence[tuple[Translator, type[models.Model]]] = ((requests_of_key, IdempotencyRecord),)


def connect_signals() -> None:
    """Let Django's signals and checks reach us: once, when all apps have loaded."""
    request_started.connect(replace_dead_connection, dispatch_uid="sequence.replace_dead_connection")
    user_logged_in.connect(staff_sessions.begin, dispatch_uid="sequence.staff_sessions")
    # Once for each migrate, when the tables of all apps are there.
    own = apps.get_app_config("sequence")
    post_migrate.connect(make_missing_groups, dispatch_uid="sequence.make_missing_groups")
    for protect in (install_functions, install_guards, grant_to_application):
        post_migrate.connect(protect, sender=own, dispatch_uid=f"sequence.{protect.__name__}")
    if settings.PRODUCTION:
        connection_created.connect(refuse_powerful_role, dispatch_uid="sequence.refuse_powerful_role")
    system_checks.register(role_checks.check_that_the_role_is_not_the_owner, system_checks.Tags.security, deploy=True)
    system_checks.register(role_checks.check_that_there_are_two_roles, system_checks.Tags.database)
