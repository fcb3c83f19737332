"""Replays for staff: asked for on a rule's page before somebody enables it, and read on a page of their own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.html import format_html
from rest_framework.exceptions import ValidationError

from accounts.descriptions import describe_accounts
from rules.models import Rule
from rules.sentences import sentences_of
from rules.services import account_names
from sequence.core import clock
from sequence.core.admin.base import ObjectPage, actor_of, page_about
from sequence.core.admin.offers import offers_of
from sequence.core.admin.panels import Panel
from sequence.core.admin.periods import Period
from sequence.core.api.bodies import parse_object
from sequence.core.api.failures import invalid_request
from sequence.core.errors import InvalidRequest
from sequence.core.periods import day_of, midnight
from sequence.core.typing import Context, JsonObject
from sequence.insight.balance_history import BalanceHistory, Point
from sequence.insight.balance_plot import Plot, plots_together
from sequence.replays.models import ReplayStatus, RuleReplay
from sequence.replays.sentences import (
    assumption_in_words,
    beginning_in_words,
    difference_in_words,
    missed_in_words,
)
from sequence.replays.serializers import DraftBody
from sequence.replays.services import MAX_SPAN, ask_for_replay, resolve_draft
from sequence.replays.told import tell

# A page shows these; the API has all of them.
MOST_MISSED = 100
RECENT = 5
USUAL_SPAN = timedelta(days=90)


class ReplayForm(forms.Form):
    since = forms.DateField(
        label="From the beginning of the day (UTC)",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        initial=lambda: day_of(clock.now() - USUAL_SPAN),
        help_text=f"At most {MAX_SPAN.days} days before the end.",
    )
    until = forms.DateField(
        label="To the end of the day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Empty: until now.",
    )
    definition = forms.CharField(
        label="A draft instead of the rule (JSON)",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "json", "spellcheck": "false"}),
    )

    def __init__(self, rule: Rule, sent: QueryDict | None) -> None:
        super().__init__(sent)
        self.rule = rule
        self.fields["definition"].help_text = format_html(
            "Empty: the rule as it is. A draft has a “trigger” and “steps” as a rule has, and changes nothing of it."
            "<details><summary>The rule’s own, to begin with</summary>"
            '<pre class="json" tabindex="0">{}</pre></details>',
            json.dumps(rule.definition, ensure_ascii=False, indent=2),
        )

    def clean_definition(self) -> JsonObject | None:
        """Return the draft, None without one. What is wrong with it is told as the API would, each fault on a line."""
        text = self.cleaned_data["definition"].strip()
        if not text:
            return None
        try:
            said = {"definition": parse_object(text.encode())}
            draft: JsonObject = DraftBody.read(said)["definition"]
            resolve_draft(draft, self.rule.organization_id)
        except (InvalidRequest, ValidationError) as error:
            refusal = error if isinstance(error, InvalidRequest) else invalid_request(error)
            raise forms.ValidationError(_faults_of(refusal)) from None
        return draft


def _faults_of(refusal: InvalidRequest) -> list[str]:
    if not refusal.details:
        return [refusal.text.replace("The body", "The draft")]
    return [f"{each['field'].removeprefix('definition.')}: {each['message']}" for each in refusal.details]


def end_of(day: date | None, now: datetime) -> datetime | None:
    """Return the last instant of the day; None, which is now, of a day that is not over."""
    if day is None:
        return None
    end = midnight(day + timedelta(days=1)) - timedelta(microseconds=1)
    return end if end < now else None


class ReplayRule(ObjectPage[Rule]):
    name = "replay"
    label = "Replay on history"
    permission = "simulate"

    def form(self, obj: Rule, sent: QueryDict | None) -> ReplayForm:
        return ReplayForm(obj, sent)

    def offered(self, obj: Rule) -> bool:
        return obj.deleted_at is None

    def consequences(self, obj: Rule) -> list[str]:
        return [
            f"Version {obj.version} of this rule, or your draft of another, is tried on what really happened to its"
            " accounts, and moves nothing.",
            "You see what it would have paid, what would have been missed then, and both courses of the balances.",
        ]

    def perform(self, request: HttpRequest, obj: Rule, choices: Context) -> HttpResponse:
        replay = ask_for_replay(
            organization_id=obj.organization_id,
            rule_id=obj.id,
            since=midnight(choices["since"]),
            until=end_of(choices["until"], clock.now()),
            definition=choices["definition"],
            by=actor_of(request),
        )
        return HttpResponseRedirect(address_of(replay))


def address_of(replay: RuleReplay) -> str:
    """Return the address of the replay's page."""
    return reverse("admin:rules_rule_replayed", args=[replay.id])


def may_see_replays(request: HttpRequest) -> bool:
    """Say whether this person may see rules and transfers, which is what a replay tells of."""
    return request.user.has_perms(["rules.view_rule", "transfers.view_transfer"])


def replays_panel(request: HttpRequest, rule: Rule) -> Panel | None:
    """Return the latest replays of a rule for its own page."""
    if not may_see_replays(request):
        return None
    latest = rule.replays.order_by("-created_at", "-id")[:RECENT]
    replays = [(replay, address_of(replay)) for replay in latest]
    return Panel("admin/replays/panel.html", {"replays": replays}) if replays else None


def replay_view(request: HttpRequest, replay_id: str) -> HttpResponse:
    """Return the page of a replay: how far it is, or what came of it."""
    if not may_see_replays(request):
        raise PermissionDenied
    replay = RuleReplay.objects.filter(id=replay_id).select_related("rule", "version").first()
    if replay is None:
        raise Http404
    rule_address = reverse("admin:rules_rule_change", args=[replay.rule_id])
    return page_about(
        Rule,
        request,
        "admin/replays/replay.html",
        title=f"Replay: {replay.rule}",
        original=replay.rule,
        replay=replay,
        is_running=replay.status == ReplayStatus.IN_PROGRESS,
        # What a rule was enabled for is what the accounts had with it, else without it.
        actual_heading="As it was" if replay.rule.enabled_version else "Without this rule",
        rule_address=rule_address,
        draft=_draft_in_words(replay),
        buttons=_decisions(request, replay),
        is_outdated=replay.version is not None and replay.version.number != replay.rule.version,
        **(_found(replay) if replay.status == ReplayStatus.DONE else {}),
    )


def _draft_in_words(replay: RuleReplay) -> list[str]:
    """Return what was tried, where no version of the rule says it."""
    if replay.version is not None:
        return []
    draft = replay.parsed()
    described = describe_accounts(draft.account_ids())
    return sentences_of(draft, {id: description.short for id, description in described.items()})


def _decisions(request: HttpRequest, replay: RuleReplay) -> list[ObjectPage[Rule]]:
    """Return what may be done now with what was replayed: enabling is for whoever has read of this very version."""
    rule, done = replay.rule, replay.status == ReplayStatus.DONE
    may_enable = done and replay.version is not None and replay.version.number == rule.version
    names = {ReplayRule.name, *(["enable"] if may_enable else [])}
    return [page for page in offers_of(request, rule) if page.name in names]


def _found(replay: RuleReplay) -> Context:
    told = tell(replay)
    names = account_names(replay.rule, _mentioned(told))
    return {
        "told": told,
        "accounts": [_AccountCourse.of(replay, account) for account in told["accounts"]],
        "moved": [
            {**each, "source_name": names.get(each["source"]), "destination_name": names.get(each["destination"])}
            for each in told["moved"]
        ],
        "differences": [(difference_in_words(each, names), _about(each["trigger"])) for each in told["differences"]],
        "missed": [(missed_in_words(each), _about(each)) for each in told["would_have_failed"][:MOST_MISSED]],
        "more_missed": max(0, len(told["would_have_failed"]) - MOST_MISSED),
        "beginning": beginning_in_words(replay.parsed().trigger, since=replay.from_at),
        "assumptions": [assumption_in_words(code) for code in told["assumptions"]],
    }


def _mentioned(told: JsonObject) -> set[str]:
    ids = {account["id"] for account in told["accounts"]}
    ids |= {each[end] for each in told["moved"] for end in ("source", "destination")}
    paid = (one for each in told["differences"] for one in (*each["actual"], *each["replay"]))
    return ids | {one["destination"] for one in paid}


_PAGES = {
    "transfer_id": "admin:transfers_transfer_change",
    "rule_execution_id": "admin:rules_ruleexecution_change",
    "card_transaction_id": "admin:cards_cardtransaction_change",
}


def _about(facts: JsonObject) -> str | None:
    """Return the address of what a sentence is about, None where it has none."""
    return next((reverse(page, args=[facts[name]]) for name, page in _PAGES.items() if facts.get(name)), None)


@dataclass(frozen=True)
class _AccountCourse:
    """An account's two courses as they are drawn. There are no plots where no balance is known."""

    facts: JsonObject
    period: Period
    plots: Sequence[Plot]

    @classmethod
    def of(cls, replay: RuleReplay, facts: JsonObject) -> "_AccountCourse":
        period = Period(day_of(replay.from_at), day_of(replay.to_at))
        opening_cents = facts["opening_in_cents"]
        if opening_cents is None:
            return cls(facts, period, ())
        days = (replay.days or {}).get(facts["id"], {})
        courses = [_history(period, opening_cents, days.get(name, [])) for name in ("actual", "replay")]
        return cls(facts, period, plots_together(courses))


def _history(period: Period, opening_cents: int, days: Sequence[tuple[str, int]]) -> BalanceHistory:
    points = [
        Point(date.fromisoformat(day), date.fromisoformat(day), 0, 0, 0, balance_cents) for day, balance_cents in days
    ]
    return BalanceHistory(period, "day", opening_cents, points)
