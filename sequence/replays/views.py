"""Endpoints of replays: ask what a rule would have done, and read what came of it."""

from typing import Any

from django.db.models import Q
from rest_framework.request import Request

from apikeys.operations import Need, operation
from apikeys.resolvers import Every, Found, Named
from apikeys.scopes import Scope
from apikeys.viewsets import KeyedViewSet
from rules.engine.definition import Definition
from rules.errors import RuleNotFound
from rules.models import Rule
from rules.services import get_rule
from sequence.core import clock
from sequence.core.api.fields import PageQuery
from sequence.core.api.pagination import DEFAULT_SIZE, Page, paginate
from sequence.core.typing import JsonObject
from sequence.replays import services
from sequence.replays.errors import ReplayNotFound, ReplayRunning
from sequence.replays.models import RuleReplay
from sequence.replays.serializers import ReplayBody, ReplayDetail, ReplayStarted
from sequence.replays.told import tell


def _touched_by_what_is_asked(view: Any) -> list[str]:
    """Return the accounts that a replay would tell of. Raises RuleNotFound.

    Those of a deleted rule too: whoever repeats a request has asked before it was deleted. That it is gone a new
    request is told afterwards.
    """
    rule = Rule.objects.for_organization(view.caller.organization_id).filter(id=view.kwargs["rule_id"]).first()
    if rule is None:
        raise RuleNotFound()
    draft = Definition.read(view.body["definition"]) if "definition" in view.body else None
    until = view.body.get("to") or clock.now()
    return sorted(services.touched_accounts(rule, since=view.body["from"], until=until, draft=draft))


def _touched_by_the_rule(view: Any) -> list[str]:
    """Return the accounts that the rule names now. Raises RuleNotFound."""
    rule = get_rule(organization_id=view.caller.organization_id, rule_id=view.kwargs["rule_id"])
    return list(rule.account_ids)


def _touched_by_the_replay(view: object) -> list[str]:
    """Return the accounts that the replay tells of. Raises ReplayNotFound."""
    return list(_find(view).account_ids)


def _find(view: Any) -> RuleReplay:
    return services.get_replay(
        organization_id=view.caller.organization_id, rule_replay_id=view.kwargs["rule_replay_id"]
    )


REPLAY = Found("rule_replay_id", services.get_replay, lambda replay: (replay.rule_id,))
EVERY_ACCOUNT = "every account that the rule or the draft touches"


class RuleReplayViewSet(KeyedViewSet):
    """Replays of rules on real history. They move nothing."""

    @operation(
        scope=Scope.READ_RULES,
        action="REPLAY_RULE",
        also=(Need(Scope.READ_TRANSFERS, Every(EVERY_ACCOUNT, _touched_by_what_is_asked)),),
        summary="Replay a rule, or a draft of it, on real history",
        description=(
            "Takes the history of the accounts without what the rule moved, and asks the same engine at each deposit, "
            "slot and run that somebody asked for. A worker does it: poll the replay. It moves nothing. One at a time "
            "for an organization; more than 50,000 events end as `failed`, `too_many_events`."
        ),
        resource=Named("rule_id"),
        body=ReplayBody,
        response=ReplayStarted,
        status=202,
        refusals=(RuleNotFound, ReplayRunning),
    )
    def create(self, request: Request, rule_id: str) -> JsonObject:
        replay = services.ask_for_replay(
            organization_id=self.caller.organization_id,
            rule_id=rule_id,
            since=self.body["from"],
            until=self.body.get("to"),
            definition=self.body.get("definition"),
            by=self.actor,
        )
        return {"replay_id": replay.id}

    @operation(
        scope=Scope.READ_RULES,
        action="LIST_REPLAYS",
        also=(Need(Scope.READ_TRANSFERS, Every(EVERY_ACCOUNT, _touched_by_the_rule)),),
        summary="List the replays of a rule, newest first",
        description="Those that tell only of accounts whose transfers the key may read. They are kept 30 days.",
        resource=Named("rule_id"),
        query=PageQuery,
        response=ReplayDetail,
        is_list=True,
        has_pages=True,
        refusals=(RuleNotFound,),
    )
    def list(self, request: Request, rule_id: str) -> Page:
        rule = get_rule(organization_id=self.caller.organization_id, rule_id=rule_id)
        return paginate(
            RuleReplay.objects.kept(clock.now()).filter(self._readable(), rule=rule),
            show=tell,
            list_name="rule-replays",
            newest_first=True,
            first=self.query.get("first", DEFAULT_SIZE),
            after=self.query.get("after"),
            finish=lambda rows: rows.select_related("version"),
        )

    def _readable(self) -> Q:
        """Return which replays tell only of accounts whose transfers the key may read."""
        if self.caller.reaches_everything(Scope.READ_TRANSFERS):
            return Q()
        return Q(account_ids__contained_by=sorted(self.caller.named(Scope.READ_TRANSFERS)))

    @operation(
        scope=Scope.READ_RULES,
        action="GET_REPLAY",
        also=(Need(Scope.READ_TRANSFERS, Every(EVERY_ACCOUNT, _touched_by_the_replay)),),
        summary="Read a replay",
        resource=REPLAY,
        response=ReplayDetail,
        refusals=(ReplayNotFound,),
    )
    def retrieve(self, request: Request, rule_replay_id: str) -> JsonObject:
        return tell(self.found)
