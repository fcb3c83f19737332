"""Tools, in the order in which assistants are told of them: the dialect's operations, and some of our own.

A tool is an operation under another roof: what it needs, takes and gives is what the operation declares.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from apikeys.authentication import AuthenticatedKey
from apikeys.operations import Operation
from apikeys.views import IdempotencyKeyViewSet
from apikeys.viewsets import KeyedViewSet
from rules.views import RuleViewSet
from sequence.core.typing import JsonObject
from sequence.events.views import EventViewSet
from sequence.platform.operations import PREFIX
from sequence.platform.table import OPERATIONS, declared
from sequence.replays.views import RuleReplayViewSet
from sequence.stops.services import opening_of
from sequence.stops.views import KeyViewSet
from transfers.views import TransferViewSet

OWN_PREFIX = "/api/v1"


@dataclass(frozen=True, kw_only=True, eq=False)
class Tool:
    """A tool: the operation behind it, where that lives, and what an assistant should know before calling it.

    ``variables`` are the arguments that stand in the address, by our names of them. ``is_own`` is of one that the
    dialect lacks: its names and ids are put into the dialect's spelling and back. ``list_name`` is what the rows of a
    list are called. ``is_destructive`` and ``is_repeatable`` hint, and authorize nothing.
    ``arguments_of_its_own`` are those which every tool of its kind takes from us, and which this operation has itself.
    ``passes_over`` are arguments that mean nothing to the operation. ``takes_reason`` is of one that only asks and is
    told why nevertheless. ``tried_by`` names the tool that tells what a refused call would have needed.
    ``began_with`` returns, of the caller's key, what a call without a key of its own shares with its repeats alone.
    """

    name: str
    viewset: type[KeyedViewSet]
    action: str
    method: str
    address: str
    variables: Mapping[str, str] = field(default_factory=dict)
    is_own: bool = False
    list_name: str = ""
    more_arguments: Mapping[str, JsonObject] = field(default_factory=dict)
    is_destructive: bool = False
    is_repeatable: bool = False
    arguments_of_its_own: frozenset[str] = frozenset()
    passes_over: frozenset[str] = frozenset()
    takes_reason: bool = False
    tried_by: str | None = None
    answers_paused_keys: bool = False
    began_with: Callable[[str], object] | None = None

    @property
    def operation(self) -> Operation:
        """What the operation behind it declares."""
        found: Operation = getattr(self.viewset, self.action).operation
        return found

    @property
    def writes(self) -> bool:
        return self.method != "GET" and not self.operation.only_asks

    @property
    def description(self) -> str:
        told = self.operation
        return f"{told.summary}. {told.description}".removesuffix(" ")

    def is_shown_to(self, key: AuthenticatedKey) -> bool:
        """Say whether the key may call it at all; of a paused one, that it may ask what it is."""
        if key.paused_at is not None:
            return self.answers_paused_keys
        named = self.operation.named_by
        return all(key.has(need.scope) or (named and key.named(named)) for need in self.operation.needs)


_AMOUNT: JsonObject = {
    "type": "integer",
    "minimum": 0,
    "description": "The same as executeAmount, in a simulation alone: what to pretend has arrived, in cents.",
}
_TRIED_BY = {"createTransfer": "dryRunTransfer"}
_MORE_ARGUMENTS = {"triggerRule": {"simulatedIncomingFunds": _AMOUNT}}


def _of_the_dialect() -> list[Tool]:
    found = []
    for viewset, action in OPERATIONS:
        one = declared(viewset, action)
        found.append(
            Tool(
                name=one.name,
                viewset=viewset,
                action=action,
                method=one.method,
                address=PREFIX + one.path,
                variables=one.variables,
                more_arguments=_MORE_ARGUMENTS.get(one.name, {}),
                is_destructive=one.is_destructive,
                is_repeatable=one.is_repeatable,
                tried_by=_TRIED_BY.get(one.name),
            )
        )
    return found


# Those that the dialect lacks.
_OWN = (
    Tool(
        name="getKey",
        viewset=KeyViewSet,
        action="retrieve",
        method="GET",
        address="/key",
        is_own=True,
        answers_paused_keys=True,
    ),
    Tool(
        name="dryRunTransfer",
        viewset=TransferViewSet,
        action="dry_run",
        method="POST",
        address="/transfers/dry-run",
        is_own=True,
        passes_over=frozenset({"simulation", "idempotencyKey"}),
        takes_reason=True,
    ),
    Tool(
        name="whyNotRule",
        viewset=RuleViewSet,
        action="why_not",
        method="GET",
        address="/rules/{rule_id}/why-not",
        variables={"ruleId": "rule_id"},
        is_own=True,
    ),
    Tool(
        name="replayRule",
        viewset=RuleReplayViewSet,
        action="create",
        method="POST",
        address="/rules/{rule_id}/replays",
        variables={"ruleId": "rule_id"},
        is_own=True,
        is_repeatable=True,
    ),
    Tool(
        name="getReplay",
        viewset=RuleReplayViewSet,
        action="retrieve",
        method="GET",
        address="/rule-replays/{rule_replay_id}",
        variables={"replayId": "rule_replay_id"},
        is_own=True,
    ),
    Tool(
        name="getIdempotencyKey",
        viewset=IdempotencyKeyViewSet,
        action="retrieve",
        method="GET",
        address="/idempotency-keys/{idempotency_key}",
        variables={"idempotencyKey": "idempotency_key"},
        is_own=True,
        arguments_of_its_own=frozenset({"idempotencyKey"}),
    ),
    Tool(
        name="listEvents",
        viewset=EventViewSet,
        action="list",
        method="GET",
        address="/events",
        is_own=True,
        list_name="events",
    ),
    Tool(
        name="pauseMe",
        viewset=KeyViewSet,
        action="pause",
        method="POST",
        address="/key/pause",
        is_own=True,
        arguments_of_its_own=frozenset({"reason"}),
        is_destructive=True,
        is_repeatable=True,
        # A pause that a person has ended since is no answer to whoever wants to be paused again.
        began_with=opening_of,
    ),
)


@cache
def tools() -> Mapping[str, Tool]:
    """Return all tools by name, in their order."""
    every: Sequence[Tool] = [*_of_the_dialect(), *_OWN]
    return {tool.name: tool for tool in every}
