"""Money map for staff: one organization's accounts and rules, and what flowed between them in a period."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import Account
from apikeys.models import Organization
from rules.models import Rule
from sequence.core.admin.base import page_about
from sequence.core.admin.display import badge
from sequence.core.admin.periods import Period, PeriodForm
from sequence.core.typing import Context
from sequence.insight.money_map.flows import Flow, FlowKind, MoneyMap, read_map
from sequence.insight.money_map.grouping import touching
from sequence.insight.money_map.picture import MAX_ARROWS, draw, flow_name, place_name
from transfers.admin.filters import OUTSIDE
from transfers.models import Clearing, EntrySetKind, Posting, Status, Transfer

# A longer list is no choice any more. Every organization's own page leads here too.
LISTED_ORGANIZATIONS = 100
TONES = {"Enabled": "good", "Disabled": "warn"}


class MapForm(PeriodForm):
    """Whose map, and of which days. The only organization is taken at once."""

    organization = forms.ChoiceField(required=False)
    field_order = ["organization"]

    def __init__(self, given: Context) -> None:
        rows = Organization.objects.order_by("name", "id").values_list("id", "name")
        listed = list(rows[:LISTED_ORGANIZATIONS])
        if len(listed) == 1:
            given = {"organization": listed[0][0], **given}
        wanted = given.get("organization")
        if wanted and wanted not in dict(listed):
            listed += rows.filter(id=wanted)
        super().__init__(given)
        self.fields["organization"].choices = [("", "Choose one"), *listed]  # type: ignore[attr-defined]
        self.organizations = dict(listed)
        self.wanted = wanted if wanted in self.organizations else None


@dataclass(frozen=True)
class Row:
    """A flow as a line of the table: every fact that its arrow tells."""

    source: str
    source_address: str
    target: str
    target_address: str
    name: str
    name_address: str
    state: str
    number: int
    cents: int
    behind: str


def map_view(request: HttpRequest) -> HttpResponse:
    """Return the map's page, for whoever may view accounts, rules and transfers."""
    if not may_see_map(request):
        raise PermissionDenied
    form = MapForm(request.GET.dict())
    period = form.chosen()
    found = _found(request, form.wanted, period) if form.wanted else {}
    name = form.organizations.get(form.wanted, "")
    return page_about(
        Rule,
        request,
        "admin/rules/map.html",
        title=f"Money map: {name}" if name else "Money map",
        form=form,
        period=period,
        organization_id=form.wanted,
        has_organizations=bool(form.organizations),
        **found,
    )


def _found(request: HttpRequest, organization_id: str, period: Period) -> Context:
    return _Found(organization_id, period, _may_view(request, Posting)).context(focus=request.GET.get("account", ""))


def may_see_map(request: HttpRequest) -> bool:
    """Say whether this person may view all that the map is made of."""
    return all(_may_view(request, model) for model in (Account, Rule, Transfer))


def _may_view(request: HttpRequest, model: type[Model]) -> bool:
    return admin.site.get_model_admin(model).has_view_permission(request)


class _Found:
    """What was found for one organization and period, with the addresses of all that it names."""

    def __init__(self, organization_id: str, period: Period, may_view_ledger: bool) -> None:
        self.period = period
        self.organization_id = organization_id
        self.may_view_ledger = may_view_ledger
        self.map: MoneyMap = read_map(organization_id, period)

    def context(self, *, focus: str) -> Context:
        """Return all that the page tells; picture and flows are those of the account in focus, if there is one."""
        account = self.map.accounts.get(focus)
        flows = touching(self.map.flows, account.id) if account else self.map.flows
        return {
            "map": self.map,
            "focus": account,
            "choices": [(each.id, place_name(self.map, each.id)) for each in self.map.accounts.values()],
            "picture": draw(
                self.map,
                place_address=self._place_address,
                flow_address=self._flow_address,
                focus=account.id if account else None,
            ),
            "max_arrows": MAX_ARROWS,
            "rows": [self._row(flow) for flow in flows],
            "came_in": self.map.across_cents(from_inside=False, to_inside=True),
            "went_out": self.map.across_cents(from_inside=True, to_inside=False),
            "moved_inside": self.map.across_cents(from_inside=True, to_inside=True),
            "has_moved": any(flow.number for flow in self.map.flows),
            "accounts": [self._account(account) for account in self.map.accounts.values()],
            "idle": [(account, self._place_address(account.id)) for account in self.map.idle],
        }

    def _row(self, flow: Flow) -> Row:
        return Row(
            source=place_name(self.map, flow.source),
            source_address=self._place_address(flow.source),
            target=place_name(self.map, flow.target),
            target_address=self._place_address(flow.target),
            name=flow_name(flow),
            name_address=_rule_address(flow.rule) if flow.rule else "",
            state=badge(flow.state.value, TONES.get(flow.state.value, "quiet")) if flow.state else "",
            number=flow.number,
            cents=flow.cents,
            behind=self._behind(flow),
        )

    def _account(self, account: Account) -> Context:
        gained, lost = self.map.gained_cents(account.id), self.map.lost_cents(account.id)
        return {
            "name": place_name(self.map, account.id),
            "kind": account.kind,
            "address": self._place_address(account.id),
            "gained": gained,
            "lost": lost,
            "change": gained - lost,
            "balance": account.balance_cents,
        }

    def _place_address(self, key: str) -> str:
        if key not in Clearing.values:
            return reverse("admin:accounts_account_change", args=[key])
        if not self.may_view_ledger:
            return self._transfers()
        return self._postings(clearing=key)

    def _flow_address(self, flow: Flow) -> str:
        return _rule_address(flow.rule) if flow.rule else self._behind(flow)

    def _behind(self, flow: Flow) -> str:
        """Return the list of what a flow is made of."""
        if flow.kind not in (FlowKind.PURCHASE, FlowKind.REFUND, FlowKind.RETURN, FlowKind.RELEASE):
            by = "rule" if flow.kind is FlowKind.RULE else "other"
            rule = {"rule": flow.rule.id} if flow.rule else {"by": by}
            return self._transfers(**rule, source=_end(flow.source), destination=_end(flow.target))
        if not self.may_view_ledger:
            return self._place_address(flow.target if flow.kind is FlowKind.REFUND else flow.source)
        if flow.kind is FlowKind.RETURN:
            return self._postings(kind=EntrySetKind.REVERSAL, clearing=Clearing.SUSPENSE)
        if flow.kind is FlowKind.RELEASE:
            return self._postings(kind=EntrySetKind.RELEASE, clearing=Clearing.SUSPENSE)
        if flow.kind is FlowKind.REFUND:
            where = {"side": "gained", **_ledger_end(flow.target)}
        else:
            where = {"side": "lost", **_ledger_end(flow.source)}
        return self._postings(kind=EntrySetKind.CARD, **where)

    def _transfers(self, **lookups: object) -> str:
        days = {"completed_from": self.period.first.isoformat(), "completed_to": self.period.last.isoformat()}
        return self._list("admin:transfers_transfer_changelist", {"status": Status.COMPLETE, **lookups, **days})

    def _postings(self, **lookups: object) -> str:
        days = {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()}
        return self._list("admin:transfers_posting_changelist", {**lookups, **days})

    def _list(self, name: str, query: Context) -> str:
        return f"{reverse(name)}?{urlencode({'organization': self.organization_id, **query})}"


def _end(place: str) -> str:
    return OUTSIDE if place in Clearing.values else place


def _ledger_end(place: str) -> Context:
    return {"clearing": place} if place in Clearing.values else {"account": place}


def _rule_address(rule: Rule) -> str:
    return reverse("admin:rules_rule_change", args=[rule.id])
