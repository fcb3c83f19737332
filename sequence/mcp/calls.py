"""Calls of tools: the operation's own view answers, for the caller who has come through our door already."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, cast
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, QueryDict
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from apikeys import idempotency
from apikeys.audited_calls import AuditedCall
from apikeys.authentication import AuthenticatedKey
from apikeys.errors import IdempotencyKeyNotFound
from apikeys.operations import Operation
from sequence.core.api import called_reasons
from sequence.core.api.bodies import check_values, parse_object
from sequence.core.api.envelope import as_json, failure
from sequence.core.api.failures import invalid_request
from sequence.core.api.fields import read_query as read_own_query
from sequence.core.api.near_names import nearest_name
from sequence.core.api.request_ids import request_id_of
from sequence.core.audit_log.models import Via
from sequence.core.errors import Detail, DomainError, InvalidRequest
from sequence.core.typing import JsonObject
from sequence.mcp.schemas import input_schema
from sequence.mcp.spelling import in_arguments, to_own, to_plain
from sequence.mcp.tools import OWN_PREFIX, Tool, tools
from sequence.platform.errors import retell, spell_in_full, tell
from sequence.platform.ids import PREFIXES, own_id
from sequence.platform.names import camel
from sequence.platform.pages import read_query
from sequence.platform.rule_bodies import own_steps, own_trigger
from sequence.platform.viewsets import PlatformViewSet

# For so long the same call without a key of its own is taken for a repeat: connections break, assistants try again.
REPEATED_WITHIN = timedelta(minutes=10)
_OWN_ARGUMENTS = ("idempotencyKey", "reason")
_CODES: Mapping[type[DomainError], str] = {IdempotencyKeyNotFound: "IDEMPOTENCY_KEY_NOT_FOUND"}
# Refusals of a transfer that another transfer, or a reason, would not meet.
_MENDED_BY_CHANGES = {"MAXIMUM_AMOUNT_EXCEEDED"}


@dataclass(frozen=True)
class Outcome:
    """What came of a call: data, or a refusal, each as it is told."""

    content: JsonObject
    is_refusal: bool = False
    is_replay: bool = False


class _CallRequest(HttpRequest):
    """A call as the operation's view reads it; it notes how the view refused."""

    caller: AuthenticatedKey
    refusal: JsonObject | None = None
    is_derived = False
    # Whether it belongs to the answer of another call, whose entry in the audit log stands for both.
    is_part_of_another = False


class Introduced(BaseAuthentication):
    """The caller, who has shown the key at our own door."""

    def authenticate(self, request: Request) -> tuple[None, AuthenticatedKey]:
        return None, cast(_CallRequest, request._request).caller


class _Unrecorded(AuditedCall):
    """A call that only asks, and is part of another one's answer."""

    def record_read(self, response: HttpResponse, data: object) -> None:
        """Nothing: the other call has an entry."""

    def record_refusal(self, response: HttpResponse, refusal: DomainError) -> None:
        """Nothing: the other call has an entry."""


class _Called:
    """Mixed in before an operation's viewset: what differs where a tool is called."""

    http: HttpRequest
    request: Request
    via = Via.MCP
    authentication_classes = (Introduced,)
    throttle_classes: tuple[type, ...] = ()

    def check_open(self) -> None:
        """Nothing: what is switched off are the dialect's addresses, and this is not one of them."""

    def refuse(self, refusal: DomainError) -> HttpResponse:
        told = tell(refusal)
        content = {"code": _CODES.get(type(refusal), told.code), "message": told.message, "details": told.details}
        cast(_CallRequest, self.request._request).refusal = content
        if isinstance(cast(object, self), PlatformViewSet):
            return failure(self.request._request, refusal, spell_in_full)  # What is kept tells a repeat all of it.
        return super().refuse(refusal)  # type: ignore[misc]

    def repeat(self, kept: HttpResponse) -> HttpResponse:
        return kept

    def _audited(self, operation: Operation) -> AuditedCall:
        call: AuditedCall = super()._audited(operation)  # type: ignore[misc]
        is_part = cast(_CallRequest, self.request._request).is_part_of_another
        return _Unrecorded(**vars(call)) if is_part else call

    def _attempt(self, key: str, raw_body: JsonObject) -> idempotency.Attempt:
        attempt: idempotency.Attempt = super()._attempt(key, raw_body)  # type: ignore[misc]
        if not cast(_CallRequest, self.http).is_derived:
            return attempt
        return dataclasses.replace(attempt, lifetime=REPEATED_WITHIN, keeps_refusals=False)


@cache
def _view(tool_name: str) -> Any:
    tool = tools()[tool_name]
    viewset: Any = type(f"Called{tool.viewset.__name__}", (_Called, tool.viewset), {})
    return viewset.as_view({tool.method.lower(): tool.action})


def call(request: HttpRequest, caller: AuthenticatedKey, tool: Tool, arguments: JsonObject) -> Outcome:
    """Return what came of the call of a tool. Nothing is raised for what an assistant can mend."""
    try:
        inner, variables = _prepare(request, caller, tool, arguments)
    except DomainError as refusal:
        return _refuse(request, caller, tool, refusal)
    outcome = _answer(tool, inner, variables)
    if tool.tried_by and outcome.is_refusal and outcome.content["code"] in _MENDED_BY_CHANGES:
        changes = _smallest_changes(request, caller, tools()[tool.tried_by], arguments)
        return dataclasses.replace(outcome, content={**outcome.content, "smallestChanges": changes})
    return outcome


def _refuse(request: HttpRequest, caller: AuthenticatedKey, tool: Tool, refusal: DomainError) -> Outcome:
    """Return the refusal of a call that no view has seen, and tell the audit log of it."""
    told = tell(refusal)
    audited_call(request, caller, tool.operation.action, writes=tool.writes).record_refusal(
        HttpResponse(status=told.status), refusal
    )
    content = {"code": told.code, "message": told.message, "details": told.details}
    return _refused(content, request_id_of(request))


def _refused(told: JsonObject, request_id: str, *, is_replay: bool = False) -> Outcome:
    """Return a refusal in the words of whoever has arguments and no headers."""
    details = [
        {**detail, "field": in_arguments(detail["field"]), "message": in_arguments(detail["message"])}
        for detail in told["details"]
    ]
    content = {**told, "message": in_arguments(told["message"]), "details": details, "requestId": request_id}
    return Outcome(content, is_refusal=True, is_replay=is_replay)


def audited_call(request: HttpRequest, caller: AuthenticatedKey, action: str, *, writes: bool) -> AuditedCall:
    """Return what the audit log is told of a call that ends at our own door."""
    return AuditedCall(request=request, caller=caller, via=Via.MCP, action=action, writes=writes)


def _answer(tool: Tool, inner: _CallRequest, variables: Mapping[str, object]) -> Outcome:
    response: HttpResponse = _view(tool.name)(inner, **variables)
    if hasattr(response, "render"):
        response.render()
    return _outcome(tool, inner, response)


def _smallest_changes(request: HttpRequest, caller: AuthenticatedKey, trial: Tool, arguments: JsonObject) -> object:
    """Return what the trial of a refused call would change; nothing where it would pass by now."""
    asked = {name: value for name, value in arguments.items() if name not in ("simulation", "idempotencyKey")}
    try:
        inner, variables = _prepare(request, caller, trial, asked)
    except DomainError:  # What it says is wrong is what the call's own refusal says.
        return []
    inner.is_part_of_another = True
    tried = _answer(trial, inner, variables)
    return [] if tried.is_refusal else tried.content["smallestChanges"]


def _prepare(
    request: HttpRequest, caller: AuthenticatedKey, tool: Tool, arguments: JsonObject
) -> tuple[_CallRequest, dict[str, object]]:
    """Return the request to the operation's view, and the variables of its address. Raises InvalidRequest."""
    _check_arguments(tool, arguments)
    arguments = _without_nothing(tool, arguments)
    given = dict(arguments)
    ours = {*_OWN_ARGUMENTS} - tool.arguments_of_its_own - tool.passes_over
    own = {name: given.pop(name) for name in ours if name in given}
    given = _translated(tool, given)
    variables = {ours: given.pop(name) for name, ours in tool.variables.items()}
    inner = _CallRequest()
    inner.caller, inner.method = caller, tool.method
    inner.request_id, inner.has_bad_request_id = request_id_of(request), False  # type: ignore[attr-defined]
    inner.META = _headers(request, own)
    inner.path = inner.path_info = _path(tool, variables)
    if tool.method == "GET":
        inner.GET = _query(tool, given)  # type: ignore[assignment]
    else:
        inner._body = as_json({_own_name(tool, name): value for name, value in given.items()})
        inner.META["CONTENT_LENGTH"] = str(len(inner.body))
        inner._set_content_type_params(inner.META)  # type: ignore[attr-defined]
    if tool.writes and "HTTP_IDEMPOTENCY_KEY" not in inner.META:
        inner.is_derived = True
        inner.META["HTTP_IDEMPOTENCY_KEY"] = _derived_key(tool, arguments, caller)
    return inner, {name: _as_variable(tool, name, value) for name, value in variables.items()}


def _without_nothing(tool: Tool, arguments: JsonObject) -> JsonObject:
    """Return the arguments without those that are null: they count as left out, but for what a change may remove."""
    kept = set(input_schema(tool)["properties"]) - {*tool.variables, *_OWN_ARGUMENTS} if tool.method == "PATCH" else ()
    return {name: value for name, value in arguments.items() if value is not None or name in kept}


def _check_arguments(tool: Tool, arguments: JsonObject) -> None:
    is_free = {"reason"} - tool.arguments_of_its_own  # Whatever somebody says why is taken as it comes.
    check_values({name: value for name, value in arguments.items() if name not in is_free})
    schema = input_schema(tool)
    known = schema["properties"]
    details: list[Detail] = [
        {"field": name, "code": "unknown_field", "message": _unknown(name, known)}
        for name in arguments
        if name not in known
    ]
    details += [
        {"field": name, "code": "required", "message": "This argument is required."}
        for name in schema["required"]
        if name in tool.variables and arguments.get(name) is None
    ]
    details += [
        {"field": name, "code": "invalid", "message": "Give a text."}
        for name in (*tool.variables, *_OWN_ARGUMENTS)
        if arguments.get(name) is not None and not isinstance(arguments[name], str)
    ]
    if tool.method == "GET":  # A query has lists and single values; of JSON the operation itself says what it wants.
        details += [
            {"field": name, "code": "invalid", "message": "Give one value."}
            for name, argument in known.items()
            if isinstance(arguments.get(name), (list, dict))
            and name not in tool.variables
            and argument.get("type") != "array"
        ]
    if details:
        faulty = {detail["field"] for detail in details}
        rest = {name: value for name, value in arguments.items() if name in known and name not in faulty}
        details += [each for each in _faults_of(tool, rest) if camel(each["field"]) not in faulty]
        raise InvalidRequest.with_details(details)


def _faults_of(tool: Tool, arguments: JsonObject) -> list[Detail]:
    """Return what the operation itself would say is wrong with arguments, beside what was found already."""
    at_the_door = {*tool.variables, *_OWN_ARGUMENTS} - tool.arguments_of_its_own
    given = {name: value for name, value in _without_nothing(tool, arguments).items() if name not in at_the_door}
    try:
        given = _translated(tool, given)
        if tool.method == "GET":
            read = read_own_query if tool.is_own else read_query
            read(cast(Any, tool.operation.query), _query(tool, given))
        else:
            body = {_own_name(tool, name): value for name, value in given.items()}
            tool.operation.body.read(parse_object(as_json(body)))
    except ValidationError as error:
        return invalid_request(error).details
    except DomainError as refusal:
        return refusal.details
    return []


def _unknown(name: str, known: Mapping[str, object]) -> str:
    near = nearest_name(name, known)
    return f"There is no such argument. Did you mean {near}?" if near else "There is no such argument."


def _translated(tool: Tool, given: JsonObject) -> JsonObject:
    """Return the arguments with what only assistants say put into the operation's words. Raises InvalidRequest."""
    if tool.is_own:
        given = {name: to_own(name, value) for name, value in given.items()}
    given = {name: value for name, value in given.items() if name not in tool.passes_over}
    if isinstance(given.get("definition"), dict):
        given["definition"] = _own_definition(given["definition"])
    if "simulatedIncomingFunds" not in given:
        return given
    amount = given.pop("simulatedIncomingFunds")
    if given.get("simulation") is not True or "executeAmount" in given:
        message = "Give it with simulation: true, and without executeAmount: real money is never pretended."
        raise InvalidRequest.of("simulatedIncomingFunds", "not_allowed", message)
    return {**given, "executeAmount": amount}


def _own_definition(draft: JsonObject) -> JsonObject:
    """Return a draft of a rule in our spelling. Raises UnknownRuleType."""
    own = dict(draft)
    if "trigger" in own:
        own["trigger"] = own_trigger(own["trigger"])
    if "steps" in own:
        own["steps"] = own_steps(own["steps"])
    return own


def _headers(request: HttpRequest, own: JsonObject) -> dict[str, object]:
    meta = {
        name: value
        for name, value in request.META.items()
        if name in ("REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT", "HTTP_HOST", "HTTP_X_FORWARDED_FOR")
    }
    meta |= {"CONTENT_TYPE": "application/json", "HTTP_ACCEPT": "application/json"}
    if "idempotencyKey" in own:
        meta["HTTP_IDEMPOTENCY_KEY"] = own["idempotencyKey"]
    reason = own.get("reason")
    if reason is not None:
        meta[f"HTTP_{called_reasons.HEADER.upper().replace('-', '_')}"] = _as_header(reason)
    elif request.headers.get(called_reasons.HEADER):
        meta["HTTP_X_CALLED_REASON"] = request.headers[called_reasons.HEADER]
    return meta


def _as_header(text: str) -> str:
    """Return a text as WSGI hands over a header: its bytes as if they were Latin-1 (PEP 3333)."""
    return text.encode("utf-8", "replace").decode("latin-1")


def _path(tool: Tool, variables: Mapping[str, object]) -> str:
    """Return the operation's address, as a record of the call keeps it."""
    path = f"{OWN_PREFIX}{tool.address}" if tool.is_own else tool.address
    for name, ours in tool.variables.items():
        text = quote(str(variables[ours]), safe="")
        path = path.replace(f"{{{name}}}", text).replace(f"{{{ours}}}", text)
    return path


def _as_variable(tool: Tool, name: str, value: Any) -> Any:
    """Return a variable as the address hands it over: the dialect's converters read ids."""
    if tool.is_own:
        return value
    return own_id(PREFIXES[name], value)


def _query(tool: Tool, given: JsonObject) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, value in given.items():
        each = value if isinstance(value, list) else [value]
        query.setlist(_own_name(tool, name), [_as_text(one) for one in each])
    return query


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _own_name(tool: Tool, name: str) -> str:
    """Return an argument's name as the operation knows it."""
    if not tool.is_own:
        return name
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _derived_key(tool: Tool, arguments: JsonObject, caller: AuthenticatedKey) -> str:
    """Return the key of a call that brought none: the same for the same tool and arguments, whatever its reason."""
    left_out = {"reason"} - tool.arguments_of_its_own
    compared: list[object] = [tool.name, {name: value for name, value in arguments.items() if name not in left_out}]
    if tool.began_with is not None:
        compared.append(tool.began_with(caller.id))
    canonical = json.dumps(compared, sort_keys=True, separators=(",", ":"))
    return f"mcp:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _outcome(tool: Tool, inner: _CallRequest, response: HttpResponse) -> Outcome:
    body = json.loads(response.content) if response.content else {}
    is_replay = idempotency.REPLAYED_HEADER in response.headers
    if response.status_code >= 400:
        error = inner.refusal or retell(body["error"])
        return _refused(error, body.get("requestId") or body["request_id"], is_replay=is_replay)
    data = body["data"]
    if tool.list_name:
        data = {tool.list_name: data, "page_info": body["page_info"]}
    data = to_plain(data) if tool.is_own else data
    content: JsonObject = data if isinstance(data, dict) else {"items": data}
    if isinstance(sentence := content.get("sentence"), str):
        content = {**content, "sentence": in_arguments(sentence)}
    return Outcome(content, is_replay=is_replay)
