"""Names of events, and what the data of each holds: ids, states and percents, never money, names or bank numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sequence.core.api.fields import show_time
from sequence.core.api.ids import show_id
from sequence.core.typing import JsonObject


@dataclass(frozen=True)
class Fact:
    """A field of an event's data: how what PostgreSQL wrote down is shown, and the schema of that."""

    name: str
    schema: JsonObject
    show: Callable[[str], str] | None = None
    is_nullable: bool = False


def _id(name: str, prefix: str, *, is_nullable: bool = False) -> Fact:
    schema = {"type": "string", "description": f"Fetch it by this id, `{prefix}_…`."}
    return Fact(name, schema, lambda text: show_id(prefix, UUID(text)), is_nullable)


def _word(name: str, description: str, *, is_nullable: bool = False) -> Fact:
    return Fact(name, {"type": "string", "description": description}, None, is_nullable)


def _time(name: str, description: str) -> Fact:
    schema = {"type": "string", "format": "date-time", "description": description}
    return Fact(name, schema, lambda text: show_time(datetime.fromisoformat(text)))


@dataclass(frozen=True)
class Shape:
    """What the data of some events holds, in this order, under the name that the document gives it."""

    name: str
    facts: tuple[Fact, ...]


_ACCOUNT = (_id("account_id", "acc"),)
_KEY = (_id("api_key_id", "key"),)
_TRANSFER = (
    _id("transfer_id", "txr"),
    _word("status", "The status that it has now."),
    _word("previous_status", "The status before; null where it was just created.", is_nullable=True),
    _id("rule_execution_id", "rex", is_nullable=True),
)
_HEAD = (
    _id("organization_id", "org"),
    Fact("sequence", {"type": "integer", "description": "The number of the newest sealed entry."}),
    _word("hash", "Its hash, in hexadecimal digits."),
    _time("signed_at", "When the head was signed."),
    _word("key_id", "Which of the public keys tells whether the signature is right."),
    _word("signature", "Ed25519, in base64."),
)

OF_TRANSFER = Shape("TransferNews", _TRANSFER)
OF_APPROVAL = Shape(
    "ApprovalNews",
    (
        _id("transfer_id", "txr"),
        _word("status", "The status that it has now."),
        _time("expires_at", "When it is cancelled unless a person has decided."),
    ),
)
OF_EXECUTION = Shape(
    "ExecutionNews",
    (
        _id("rule_execution_id", "rex"),
        _id("rule_id", "rule"),
        _word("status", "How it ended."),
        Fact("conditions_not_met", {"type": "boolean", "description": "Whether no step applied."}),
    ),
)
OF_ACCOUNT = Shape("AccountNews", _ACCOUNT)
OF_RULE = Shape("RuleNews", (_id("rule_id", "rule"),))
OF_CARD_TRANSACTION = Shape(
    "CardTransactionNews", (_id("card_transaction_id", "ctx"), _id("card_id", "card"), *_ACCOUNT)
)
OF_DECLINE = Shape("DeclineNews", (_id("card_id", "card"), *_ACCOUNT))
OF_KEY = Shape("KeyNews", _KEY)
OF_LIMIT = Shape(
    "LimitNews",
    (
        *_KEY,
        _word("source", "The source of the entry whose limit it is: an account's id, or `*`."),
        _word("target", "The target of that entry: an account's id, or `*`."),
        _word("period", "The period of the limit: `day`, `week` or `month`."),
        Fact("percent", {"type": "integer", "description": "80, or 100 where nothing is left."}),
    ),
)
OF_HEAD = Shape("AuditHeadNews", _HEAD)
OF_NOTHING = Shape("NoNews", ())

# What each event's data holds, in the order of the contract.
EVENTS: Mapping[str, Shape] = {
    "transfer.created": OF_TRANSFER,
    "transfer.status_changed": OF_TRANSFER,
    "transfer.approval_required": OF_APPROVAL,
    "rule_execution.finished": OF_EXECUTION,
    "account.created": OF_ACCOUNT,
    "account.changed": OF_ACCOUNT,
    "account.deleted": OF_ACCOUNT,
    "rule.created": OF_RULE,
    "rule.replaced": OF_RULE,
    "rule.enabled": OF_RULE,
    "rule.disabled": OF_RULE,
    "rule.deleted": OF_RULE,
    "card_transaction.created": OF_CARD_TRANSACTION,
    "card.declined": OF_DECLINE,
    "key.paused": OF_KEY,
    "key.resumed": OF_KEY,
    "key.revoked": OF_KEY,
    "key.limit_reached": OF_LIMIT,
    "audit.checkpoint": OF_HEAD,
    "webhook.test": OF_NOTHING,
}


def show_data(event: str, data: JsonObject) -> JsonObject:
    """Return the data as it is told, from what was written down: ids with their prefixes, in their order."""
    return {fact.name: _shown(fact, data.get(fact.name)) for fact in EVENTS[event].facts}


def _shown(fact: Fact, value: object) -> object:
    return fact.show(str(value)) if fact.show is not None and value is not None else value
