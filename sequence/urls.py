"""URLs, the table of who answers: every address of the server."""

from django.contrib import admin
from django.urls import include, path, re_path

from accounts.views import AccountViewSet
from cards.views import CardViewSet
from rules.views import RuleExecutionViewSet, RuleViewSet
from sequence import pages
from sequence.core.api import fallbacks
from sequence.core.api.openapi.views import schema
from sequence.stops.views import KeyViewSet
from transfers.views import TransferViewSet

api = [
    path("accounts", AccountViewSet.as_view({"get": "list"})),
    path("accounts/income-sources", AccountViewSet.as_view({"post": "create_income_source"})),
    path("accounts/pods", AccountViewSet.as_view({"post": "create_pod"})),
    path(
        "accounts/<account_id>",
        AccountViewSet.as_view({"get": "retrieve", "patch": "edit", "delete": "destroy"}),
    ),
    path("transfers", TransferViewSet.as_view({"get": "list", "post": "create"})),
    path("transfers/<transfer_id>", TransferViewSet.as_view({"get": "retrieve"})),
    path("transfers/<transfer_id>/cancel", TransferViewSet.as_view({"post": "cancel"})),
    path("cards", CardViewSet.as_view({"get": "list"})),
    path("cards/<card_id>", CardViewSet.as_view({"get": "retrieve"})),
    path("cards/<card_id>/transactions", CardViewSet.as_view({"get": "transactions"})),
    path("rules", RuleViewSet.as_view({"get": "list", "post": "create"})),
    path("rules/<rule_id>", RuleViewSet.as_view({"get": "retrieve", "put": "replace", "delete": "destroy"})),
    path("rules/<rule_id>/trigger", RuleViewSet.as_view({"post": "trigger"})),
    path("rule-executions", RuleExecutionViewSet.as_view({"get": "list"})),
    path("rule-executions/<rule_execution_id>", RuleExecutionViewSet.as_view({"get": "retrieve"})),
    path("key/pause", KeyViewSet.as_view({"post": "pause"})),
    path("schema", schema, name="schema"),
    re_path("", fallbacks.unknown_address),
]

urlpatterns = [
    path("", pages.landing),
    path("docs", pages.ApiReference.as_view()),
    path("api/v1", fallbacks.unknown_address),
    path("api/v1/", include(api)),
    path("admin/", admin.site.urls),
]

# What goes wrong before or after a view. Under the API's path these answer in its envelope.
handler400 = fallbacks.bad_request
handler403 = fallbacks.permission_denied
handler404 = fallbacks.not_found
handler500 = fallbacks.server_error
