"""Wiring, the table of who works: what runs by itself or speaks up on somebody else's page. ``urls.py`` is who answers.

A sweep, a check, a part of the console runs if it stands here, in this order, and nowhere else.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.signals import user_logged_in
from django.core import checks as system_checks
from django.core.signals import request_started
from django.db import models
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

import accounts.admin.console
import apikeys.admin.console
import apikeys.schema
import cards.admin.console
import cards.deletion_guards
import cards.ledger_invariants
import rules.admin.console
import rules.deletion_guards
import sequence.mcp.protocol
import sequence.platform.document
import sequence.platform.errors
import sequence.webhooks.console
import transfers.admin.console
import transfers.deletion_guards
from accounts.admin.search import find_accounts
from accounts.models import Account
from accounts.services import DeletionGuard, name_accounts, name_accounts_of
from apikeys.admin.organizations import listed_organizations
from apikeys.admin.overview import home, on_console, overview_view
from apikeys.admin.search import find_keys, find_organizations, open_by_token
from apikeys.admin.timeline import find_callers, find_records, requests_of_key
from apikeys.gauges import key_gauges
from apikeys.models import ApiKey, IdempotencyRecord, Organization
from apikeys.resources import ListResources
from apikeys.scopes import ResourceKind
from cards.admin.links import refund_in_suspense
from cards.admin.search import find_card_transactions, find_cards
from cards.models import Card, CardTransaction
from rules.admin.search import find_rules
from rules.admin.timeline import find_executions, find_rule_callers
from rules.gauges import rule_gauges
from rules.models import Rule, RuleExecution
from rules.services import name_rules
from rules.sweeps import carry_out, finish, notice_deposits, notice_slots
from sequence.audit_log.admin import find_entries, log_of_key, log_of_organization
from sequence.audit_log.health import audit_log
from sequence.core.admin import staff_sessions
from sequence.core.admin.base import ObjectPage
from sequence.core.admin.console import ConsoleQuery, HealthStatus, Metric, Part, Queue, Section, Tally
from sequence.core.admin.groups import make_missing_groups
from sequence.core.admin.links import FindLinks
from sequence.core.admin.pages import workers
from sequence.core.admin.pages.sign_ins import sign_ins_of
from sequence.core.admin.panels import FindPanel
from sequence.core.admin.searching import FindBySecret, Search
from sequence.core.admin.sign_in_events import forget_old_sign_ins
from sequence.core.admin.site import SitePage
from sequence.core.admin.timeline import IdResolver, RequestLookup, changes_of
from sequence.core.api import envelope
from sequence.core.api.dialects import SpellRefusal
from sequence.core.audit_log.beyond_limit import record_calls_beyond_limit
from sequence.core.audit_log.checking import check_chains_daily
from sequence.core.audit_log.sealing import seal_entries
from sequence.core.beside import Background, SweepsBeside
from sequence.core.commands.names import FindId, by_name
from sequence.core.database import role_checks
from sequence.core.database.append_only import install_guards
from sequence.core.database.availability import replace_dead_connection, watch_for_read_only
from sequence.core.database.functions import install_functions
from sequence.core.database.grants import grant_to_application, refuse_powerful_role
from sequence.core.events.gauges import event_gauges
from sequence.core.events.numbering import number_events
from sequence.core.events.purging import purge_events
from sequence.core.gauges import ReadGauges
from sequence.core.sweeps import Sweep
from sequence.core.typing import JsonObject
from sequence.core.worker_gauges import worker_gauges
from sequence.insight import account_page, following_page, history_page, links, map_page, statement_page
from sequence.mails.approvals import mail_approvals, read_approvals
from sequence.replays.admin import ReplayRule, replay_view, replays_panel
from sequence.replays.services import forget_old_replays
from sequence.replays.sweeps import carry_on_replays
from sequence.stops.admin import RevokeKey, StopKey, StopOrganization
from sequence.webhooks.chores import disable_failing, purge_deliveries
from sequence.webhooks.dispatcher import Dispatcher
from sequence.webhooks.gauges import webhook_gauges
from sequence.webhooks.queue import fan_out
from transfers.admin.desk import desk_view
from transfers.admin.failures import failure_panel
from transfers.admin.search import find_transfers_like
from transfers.admin.suspense import suspense_queue
from transfers.admin.timeline import find_transfers
from transfers.gauges import ledger_gauges, transfer_gauges
from transfers.ledger_audit import check_ledger_daily
from transfers.ledger_invariants import CHECKS, Check
from transfers.models import SuspenseItem, Transfer
from transfers.settlement import accept, collect, expire_approvals, submit
from transfers.simulation import forget_old_simulations
from transfers.trail_invariants import trail_checks

# How each dialect of the API spells what it refuses, and describes itself in its document.
DIALECTS: Mapping[str, SpellRefusal] = {
    "/api/v1": envelope.spell_refusal,
    "/platform/v1": sequence.platform.errors.spell_refusal,
    "/api/mcp": sequence.mcp.protocol.spell_refusal,
}
DOCUMENTS: Mapping[str, Callable[[JsonObject], JsonObject]] = {
    "/api/v1/": apikeys.schema.introduce,
    "/platform/v1/": sequence.platform.document.describe,
}

# What workers do, again and again: each does one batch of what is due, and moves what the next ones look for.
SWEEPS: Sequence[Sweep] = (
    expire_approvals,
    accept,
    submit,
    collect,
    # What was told is read by those after it: the rules first.
    number_events,
    notice_deposits,
    notice_slots,
    carry_out,
    finish,
    fan_out,
    record_calls_beyond_limit,
    seal_entries,
    # Last, since it moves no money: a piece of a look back, and all that is due again.
    carry_on_replays,
)

# What a worker does when nothing is due. Chores look after the house and move no money.
CHORES: Sequence[Sweep] = (
    forget_old_sign_ins,
    forget_old_simulations,
    purge_events,
    purge_deliveries,
    disable_failing,
    check_ledger_daily,
    check_chains_daily,
    forget_old_replays,
)

# What works beside the sweeps in each worker, in a thread of its own, so that none of them waits for it.
BACKGROUND: Sequence[Callable[[], Background]] = (
    Dispatcher,
    lambda: SweepsBeside("mails", [read_approvals, mail_approvals]),
)

# How the trail names the accounts between which a key may move money.
NAME_ACCOUNTS: Callable[[Collection[str]], Mapping[str, str]] = name_accounts_of

# What commands take names for, by what their help shows.
NAMES: dict[str, FindId] = {
    "ORG": by_name(Organization),
    "ORG_ID": by_name(Organization),
    "KEY_ID": by_name(ApiKey),
    "ACC_ID": by_name(Account, among=Account.objects.not_deleted),
    "RULE_ID": by_name(Rule, column="nickname", among=Rule.objects.not_deleted),
}

# What monitors read.
GAUGES: Sequence[ReadGauges] = (
    worker_gauges,
    transfer_gauges,
    rule_gauges,
    event_gauges,
    webhook_gauges,
    ledger_gauges,
    key_gauges,
)

# What check_ledger proves.
LEDGER_CHECKS: Sequence[Check] = (*CHECKS, *trail_checks(), *cards.ledger_invariants.CHECKS)

# Who may object when an account is to be deleted.
ACCOUNT_DELETION_GUARDS: Sequence[DeletionGuard] = (
    transfers.deletion_guards.refuse_while_money_is_under_way,
    cards.deletion_guards.refuse_while_a_card_spends_from_it,
    rules.deletion_guards.refuse_while_an_enabled_rule_uses_it,
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
        "transfers.take_transfer",
        "transfers.propose_suspenseitem",
        "rules.enable_rule",
        "rules.simulate_rule",
        "cards.change_card",
        "sequence.operate_webhookendpoint",
    }
)

# Staff look for these first; apps that are not named follow in the order of the alphabet.
APPS_IN_ORDER = ("apikeys", "accounts", "transfers", "rules", "cards", "sequence", "auth")

# The console, part by part, each with the permission that shows it.
CONSOLE_QUEUES: Sequence[Part[Queue]] = (
    ("apikeys.view_organization", apikeys.admin.console.suspended_organizations),
    ("apikeys.view_apikey", apikeys.admin.console.paused_keys),
    ("transfers.view_transfer", transfers.admin.console.approvals),
    ("transfers.view_transfer", transfers.admin.console.stalled),
    ("transfers.view_transfer", transfers.admin.console.failures),
    ("transfers.view_suspenseitem", suspense_queue),
    ("rules.view_rule", rules.admin.console.reviews),
    ("rules.view_ruleexecution", rules.admin.console.standing_still),
    ("rules.view_ruleexecution", rules.admin.console.failures),
    ("sequence.view_webhookendpoint", sequence.webhooks.console.given_up),
)
# The same by organization, in the order of the table's columns.
CONSOLE_TALLIES: Sequence[tuple[str, Tally]] = (
    ("transfers.view_transfer", transfers.admin.console.FAILED_TALLY),
    ("transfers.view_transfer", transfers.admin.console.STALLED_TALLY),
    ("transfers.view_suspenseitem", transfers.admin.console.SUSPENSE_TALLY),
    ("rules.view_ruleexecution", rules.admin.console.FAILED_TALLY),
    ("transfers.view_transfer", transfers.admin.console.APPROVALS_TALLY),
    ("rules.view_rule", rules.admin.console.REVIEWS_TALLY),
    ("apikeys.view_apikey", apikeys.admin.console.PAUSED_TALLY),
)
CONSOLE_METRICS: Sequence[Part[Metric]] = (
    ("transfers.view_transfer", transfers.admin.console.moved_in),
    ("transfers.view_transfer", transfers.admin.console.moved_out),
    ("transfers.view_transfer", transfers.admin.console.moved_between),
    ("cards.view_cardtransaction", cards.admin.console.spent_today),
)
CONSOLE_HEALTH: Sequence[Part[HealthStatus | None]] = (
    ("sequence.view_workerprocess", workers.workers),
    ("transfers.view_ledgercheck", transfers.admin.console.ledger),
    ("sequence.view_auditentry", audit_log),
    ("transfers.view_transfer", transfers.admin.console.rails),
    ("sequence.view_webhookendpoint", sequence.webhooks.console.deliveries),
)
CONSOLE_SECTIONS: Sequence[Part[Section]] = (("accounts.view_account", accounts.admin.console.balances),)
# The table of all organizations, for the person who looks.
CONSOLE_OVERVIEW: Callable[[User | AnonymousUser, ConsoleQuery], object] = on_console
# The organizations that one can choose from, as (id, name).
CONSOLE_ORGANIZATIONS: Sequence[Part[Sequence[tuple[str, str]]]] = (
    ("apikeys.view_organization", listed_organizations),
)

# Pages over all apps, beside those that Django makes of each model.
SITE_PAGES: Sequence[SitePage] = (
    SitePage("organizations/", overview_view, "organizations"),
    SitePage("rules/rule/map/", map_page.map_view, "rules_rule_map"),
    SitePage("rules/rule/replays/<str:replay_id>/", replay_view, "rules_rule_replayed"),
    SitePage("transfers/transfer/desk/", desk_view, "transfers_transfer_desk"),
    SitePage("transfers/posting/history/<str:account_id>/", history_page.history_view, "transfers_posting_over_time"),
    SitePage("transfers/posting/follow/<str:object_id>/", following_page.follow_view, "transfers_posting_followed"),
    SitePage(
        "transfers/posting/statement/<str:account_id>/", statement_page.statement_view, "transfers_posting_statement"
    ),
)
# What one app offers on the pages of another app's objects: pages that ask, panels that tell, links.
OBJECT_PAGES: Sequence[tuple[type[models.Model], ObjectPage]] = (
    (ApiKey, StopKey()),
    (ApiKey, RevokeKey()),
    (Organization, StopOrganization()),
    (Rule, ReplayRule()),
)
PANELS: Sequence[tuple[type[models.Model], FindPanel]] = (
    (Organization, home),
    (Account, account_page.movements_panel),
    (Account, history_page.history_panel),
    (Transfer, following_page.following_panel),
    (RuleExecution, following_page.following_panel),
    (CardTransaction, following_page.following_panel),
    (Rule, replays_panel),
    (Transfer, failure_panel),
)
LINKS: Sequence[tuple[type[models.Model], FindLinks]] = (
    (Organization, links.links_of_organization),
    (Organization, log_of_organization),
    (ApiKey, log_of_key),
    (Account, links.links_of_account),
    (Rule, links.links_of_rule),
    (SuspenseItem, refund_in_suspense),
)

# What the search finds by a text: what moved and what it is called, before those who moved it.
SEARCHES: Sequence[Search] = (
    (Transfer, find_transfers_like),
    (CardTransaction, find_card_transactions),
    (Account, find_accounts),
    (Rule, find_rules),
    (Card, find_cards),
    (ApiKey, find_keys),
    (Organization, find_organizations),
)
# Secrets that somebody may paste into it.
SECRETS: Sequence[FindBySecret] = (open_by_token,)
# What the search knows of a request. Who knows first knows best.
REQUEST_LOOKUPS: Sequence[RequestLookup] = (
    sign_ins_of,
    find_records,
    find_callers,
    find_entries,
    changes_of(Account),
    find_transfers,
    changes_of(Card),
    changes_of(Rule),
    find_executions,
    find_rule_callers,
)
# What a text can stand for that is no request id, for whoever may see the model.
ID_RESOLVERS: Sequence[tuple[IdResolver, type[models.Model]]] = ((requests_of_key, IdempotencyRecord),)


def connect_signals() -> None:
    """Let Django's signals and checks reach us: once, when all apps have loaded."""
    request_started.connect(replace_dead_connection, dispatch_uid="sequence.replace_dead_connection")
    connection_created.connect(watch_for_read_only, dispatch_uid="sequence.watch_for_read_only")
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
