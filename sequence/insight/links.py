"""Links to the pictures, on the pages of what they are about."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Account, AccountType
from apikeys.models import Organization
from rules.models import Rule
from sequence.core.admin.links import Link
from sequence.insight.history_page import may_see_history
from sequence.insight.map_page import may_see_map
from sequence.insight.statement_page import statement_address


def links_of_organization(request: HttpRequest, organization: Organization) -> list[Link]:
    """Return the way to its map."""
    return _map_of(request, organization.id)


def links_of_account(request: HttpRequest, account: Account) -> list[Link]:
    """Return the way to what happened to its money, and to the map that it is on."""
    words = "Money in and out" if account.type == AccountType.EXTERNAL_ACCOUNT else "Balance over time"
    address = reverse("admin:transfers_posting_over_time", args=[account.id])
    history = [(words, address)] if may_see_history(request, account) else []
    if history and account.type != AccountType.EXTERNAL_ACCOUNT:
        history.append(("Statement", statement_address(account.id)))
    return [*history, *_map_of(request, account.organization_id)]


def links_of_rule(request: HttpRequest, rule: Rule) -> list[Link]:
    """Return the way to the map that it is on."""
    return _map_of(request, rule.organization_id)


def _map_of(request: HttpRequest, organization_id: str) -> list[Link]:
    if not may_see_map(request):
        return []
    return [("Money map", f"{reverse('admin:rules_rule_map')}?{urlencode({'organization': organization_id})}")]
