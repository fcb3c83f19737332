"""URLs, the table of who answers: every address of the server."""

from django.contrib import admin
from django.urls import include, path, re_path

from accounts.views import AccountViewSet
from apikeys.views import IdempotencyKeyViewSet
from cards.views import CardViewSet
from rules.views import RuleExecutionViewSet, RuleViewSet
from sequence import pages
from sequence.audit_log.views import AuditLogViewSet
from sequence.core.api import fallbacks
from sequence.core.api.openapi.views import schema
from sequence.events.views import EventViewSet
from sequence.guides import views as guides
from sequence.mcp.views import mcp
from sequence.metrics import metrics
from sequence.platform.document import schema as platform_schema
from sequence.platform.table import addresses as platform_addresses
from sequence.replays.views import RuleReplayViewSet
from sequence.stops.views import KeyViewSet
from sequence.webhooks.views import EventDeliveryViewSet
from transfers.balance_views import AccountBalanceViewSet
from transfers.views import TransferViewSet

api = [
    path("accounts", AccountViewSet.as_view({"get": "list"})),
    path("accounts/income-sources", AccountViewSet.as_view({"post": "create_income_source"})),
    path("accounts/pods", AccountViewSet.as_view({"post": "create_pod"})),
    path(
        "accounts/<account_id>",
        AccountViewSet.as_view({"get": "retrieve", "patch": "edit", "delete": "destroy"}),
    ),
    path("accounts/<account_id>/balance", AccountBalanceViewSet.as_view({"get": "retrieve"})),
    path("transfers", TransferViewSet.as_view({"get": "list", "post": "create"})),
    path("transfers/dry-run", TransferViewSet.as_view({"post": "dry_run"})),
    path("transfers/<transfer_id>", TransferViewSet.as_view({"get": "retrieve"})),
    path("transfers/<transfer_id>/cancel", TransferViewSet.as_view({"post": "cancel"})),
    path("cards", CardViewSet.as_view({"get": "list"})),
    path("cards/<card_id>", CardViewSet.as_view({"get": "retrieve"})),
    path("cards/<card_id>/transactions", CardViewSet.as_view({"get": "transactions"})),
    path("rules", RuleViewSet.as_view({"get": "list", "post": "create"})),
    path("rules/<rule_id>", RuleViewSet.as_view({"get": "retrieve", "put": "replace", "delete": "destroy"})),
    path("rules/<rule_id>/versions", RuleViewSet.as_view({"get": "versions"})),
    path("rules/<rule_id>/why-not", RuleViewSet.as_view({"get": "why_not"})),
    path("rules/<rule_id>/trigger", RuleViewSet.as_view({"post": "trigger"})),
    path("rules/<rule_id>/replays", RuleReplayViewSet.as_view({"get": "list", "post": "create"})),
    path("rule-replays/<rule_replay_id>", RuleReplayViewSet.as_view({"get": "retrieve"})),
    path("rule-executions", RuleExecutionViewSet.as_view({"get": "list"})),
    path("rule-executions/<rule_execution_id>", RuleExecutionViewSet.as_view({"get": "retrieve"})),
    path("audit-logs", AuditLogViewSet.as_view({"get": "list"})),
    path("audit-logs/head", AuditLogViewSet.as_view({"get": "head_of_chain"})),
    path("audit-logs/keys", AuditLogViewSet.as_view({"get": "keys"})),
    path("key", KeyViewSet.as_view({"get": "retrieve"})),
    path("idempotency-keys/<path:idempotency_key>", IdempotencyKeyViewSet.as_view({"get": "retrieve"})),
    path("key/pause", KeyViewSet.as_view({"post": "pause"})),
    path("events", EventViewSet.as_view({"get": "list"})),
    path("events/<event_id>", EventViewSet.as_view({"get": "retrieve"})),
    path("events/<event_id>/deliveries", EventDeliveryViewSet.as_view({"get": "list"})),
    path("schema", schema, name="schema"),
    re_path("", fallbacks.unknown_address),
]
platform = [*platform_addresses(), path("schema", platform_schema), re_path("", fallbacks.unknown_address)]

urlpatterns = [
    path("", pages.landing),
    path("docs", pages.ApiReference.as_view()),
    path("docs.md", guides.reference),
    path("docs/platform", pages.PlatformReference.as_view()),
    path("docs/collection.json", guides.collection),
    path("docs/guides", guides.contents),
    path("docs/guides.md", guides.contents_for_programs),
    path("docs/guides/<slug:name>", guides.page),
    path("docs/guides/<slug:name>.md", guides.source),
    path("llms.txt", guides.contents_for_programs),
    path("api/v1", fallbacks.unknown_address),
    path("api/v1/", include(api)),
    path("platform/v1", fallbacks.unknown_address),
    path("platform/v1/", include(platform)),
    path("api/mcp", mcp),
    path("metrics", metrics),
    path("admin/", admin.site.urls),
]

# What goes wrong before or after a view. Under the API's path these answer in its envelope.
handler400 = fallbacks.bad_request
handler403 = fallbacks.permission_denied
handler404 = fallbacks.not_found
handler500 = fallbacks.server_error
