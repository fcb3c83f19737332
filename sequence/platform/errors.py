"""Refusals as this dialect spells them: a status, a code in upper case, and words under the dialect's names."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from accounts.errors import AccountNotFound
from accounts.models import AccountType
from apikeys.errors import RequestInProgress
from cards.errors import CardTransactionNotFound
from rules.engine.actions import ACTIONS
from rules.errors import RuleDisabled, RuleExecutionNotFound, RuleNotFound
from sequence.core.api.dialects import SpelledRefusal
from sequence.core.api.envelope import CONTENT_TYPE, as_json
from sequence.core.errors import (
    Detail,
    DomainError,
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    Unauthorized,
)
from sequence.core.typing import JsonObject
from sequence.platform.enums import ACTION_TYPES, upper
from sequence.platform.ids import with_plain_ids
from sequence.platform.names import camel
from transfers.errors import TransferNotFound

# Codes that the dialect has another word for.
_CODES = {
    InvalidRequest.code: "INVALID_PARAMETERS",
    Forbidden.code: "ACCESS_DENIED",
    "max_amount_exceeded": "MAXIMUM_AMOUNT_EXCEEDED",
    RuleDisabled.code: "RULE_DEACTIVATED",
}
_SCHEME = "Bearer"
# What our words call by a name that the dialect does not have, the longer ones first.
_PARAMETERS = {name for action in ACTIONS.values() for name in action.parameters() if "_" in name}
_NAMES: Mapping[str, str] = {
    ", ".join(ACTIONS): ", ".join(ACTION_TYPES),
    **{f"of type {kind}": f"of type {upper(kind)}" for kind in AccountType.values},
    **{name: camel(name) for name in sorted(_PARAMETERS, key=len, reverse=True)},
    "params.account_id": "params.accountId",
    "manual_execute_amount": "executeAmount",
}
# What an address and a method that do not exist get, from whomever.
_NO_SUCH_ADDRESS = SpelledRefusal(404, "text/plain", b"Not Found")


class ExternalTransactionNotFound(NotFound):
    message = "External transaction not found."


class TransferSourceNotFound(NotFound):
    """A state of things here as there, though the dialect calls it the request's fault: it is kept under a key."""

    status = 400
    message = "There is no such source account."


class TransferDestinationNotFound(TransferSourceNotFound):
    message = "There is no such destination account."


class UnknownRuleType(DomainError):
    """An action or a trigger of a type that nobody knows."""

    code = "invalid_rule"
    status = 422
    message = "This rule has a part of an unknown type: {place}."
    sample_names = {"place": "steps[0].actions[0].type"}


class UnspokenRule(DomainError):
    """A rule that the dialect has no words for."""

    code = "invalid_rule"
    status = 403
    message = "This rule has an action that is not told here: {kinds}. Read it under /api/v1."
    sample_names = {"kinds": "avalanche"}


class TransferInProgress(RequestInProgress):
    pass


class RuleExecutionInProgress(RequestInProgress):
    pass


# What is not found, or in progress, has a code of its own for each kind.
_CODES_OF: Mapping[type[DomainError], str] = {
    AccountNotFound: "ACCOUNT_NOT_FOUND",
    RuleNotFound: "RULE_NOT_FOUND",
    RuleExecutionNotFound: "RULE_EXECUTION_NOT_FOUND",
    TransferNotFound: "TRANSFER_NOT_FOUND",
    CardTransactionNotFound: "CARD_TRANSACTION_NOT_FOUND",
    ExternalTransactionNotFound: "EXTERNAL_TRANSACTION_NOT_FOUND",
    TransferSourceNotFound: "TRANSFER_SOURCE_NOT_FOUND",
    TransferDestinationNotFound: "TRANSFER_DESTINATION_NOT_FOUND",
    TransferInProgress: "TRANSFER_IN_PROGRESS",
    RuleExecutionInProgress: "RULE_EXECUTION_IN_PROGRESS",
}


@dataclass(frozen=True)
class Told:
    """What the dialect tells of a refusal. MCP tells the details too."""

    status: int
    code: str
    message: str
    details: list[Detail]
    headers: Mapping[str, str]


def code_of(error: type[DomainError]) -> str:
    """Return the dialect's code of a refusal."""
    return _CODES_OF.get(error) or _CODES.get(error.code) or error.code.upper()


def spelled_code(code: str) -> str:
    """Return the dialect's word for a code of ours, told without its refusal."""
    return _CODES.get(code) or code.upper()


def retell(kept: JsonObject) -> JsonObject:
    """Return a refusal that was kept under an Idempotency-Key, in whichever spelling, as the dialect tells it."""
    kinds = {error.message: code for error, code in _CODES_OF.items() if issubclass(error, NotFound)}
    code = kinds.get(kept["message"]) or spelled_code(kept["code"])
    details = [_spelled(detail) for detail in kept.get("details", [])]
    return {"code": code, "message": _in_words(kept["message"]), "details": details}


def tell(error: DomainError) -> Told:
    """Return what the dialect tells of a refusal."""
    details = [_spelled(detail) for detail in error.details]
    message = _in_one_line(details) if isinstance(error, InvalidRequest) and details else _in_words(error.text)
    headers = dict(error.headers)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = _SCHEME
    return Told(error.status, code_of(type(error)), message, details, headers)


def _spelled(detail: Detail) -> Detail:
    """Return a fault under the dialect's names; a name that nobody knows stays as it was sent."""
    field = detail["field"] if detail["code"] == "unknown_field" else camel(detail["field"])
    return {**detail, "field": field, "message": _in_words(detail["message"])}


def _in_words(text: str) -> str:
    """Return our words under the dialect's names."""
    text = with_plain_ids(text)
    for own, spelled in _NAMES.items():
        text = text.replace(own, spelled)
    return text


def _in_one_line(details: list[Detail]) -> str:
    """Return the faults in words, each with its field where the words do not begin with that."""
    return InvalidRequest.with_details([_with_its_field(detail) for detail in details]).text


def _with_its_field(detail: Detail) -> Detail:
    begins_with_it = detail["message"].startswith(f"{detail['field']} ")
    return {**detail, "field": "" if begins_with_it else detail["field"]}


def spell_refusal(request_id: str, error: DomainError) -> SpelledRefusal:
    """Return a refusal as it goes over the wire."""
    if type(error) in (NotFound, MethodNotAllowed):
        return _NO_SUCH_ADDRESS
    return _spell(request_id, tell(error), {})


def spell_in_full(request_id: str, error: DomainError) -> SpelledRefusal:
    """Return a refusal as it is kept for whoever is told its details too."""
    told = tell(error)
    return _spell(request_id, told, {"details": told.details})


def without_details(kept: bytes) -> bytes:
    """Return a kept refusal as it goes over the wire, in whichever of the two ways it was spelled."""
    body = json.loads(kept)
    body["error"].pop("details", None)
    return as_json(body)


def _spell(request_id: str, told: Told, further: JsonObject) -> SpelledRefusal:
    body = {"requestId": request_id, "error": {"code": told.code, "message": told.message, **further}}
    return SpelledRefusal(told.status, CONTENT_TYPE, as_json(body), told.headers)
