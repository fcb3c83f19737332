"""Every exception becomes a refusal of the contract, in this one place."""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

import structlog
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from rest_framework import exceptions as drf

from sequence.core.api.fields import UnknownNames
from sequence.core.api.request_ids import request_id_of
from sequence.core.database.availability import is_away, reason_of
from sequence.core.errors import (
    MAX_DETAILS,
    DatabaseAway,
    Detail,
    DomainError,
    Forbidden,
    InvalidRequest,
    Unauthorized,
    UnexpectedError,
)

log = structlog.get_logger("sequence.failures")

# A restart takes a second or two, a failover some more.
RETRY_AFTER_SECONDS = 2


def refusal_of(error: Exception, request: HttpRequest) -> DomainError:
    """Return what the caller is told of ``error``. One that nobody expected is logged with its traceback."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, drf.ValidationError):
        return invalid_request(error)
    if isinstance(error, drf.NotAuthenticated | drf.AuthenticationFailed):
        return Unauthorized()
    if isinstance(error, drf.PermissionDenied):
        return Forbidden()
    if isinstance(error, SuspiciousOperation):
        return InvalidRequest()
    if is_away(error):
        return database_away(error)
    log.error("unexpected_error", exc_info=error)
    return UnexpectedError(request_id=request_id_of(request))


def database_away(error: BaseException) -> DatabaseAway:
    """Return what everybody is told while the database is away. The log has the reason: it is no defect of ours."""
    log.warning("database_unreachable", reason=reason_of(error))
    return DatabaseAway(retry_after=RETRY_AFTER_SECONDS)


def read_all(*readings: Callable[[], Any]) -> list[Any]:
    """Return what each of the readings of one request returns. Raises InvalidRequest with the faults of them all."""
    results, errors = [], []
    for read in readings:
        try:
            results.append(read())
        except drf.ValidationError as error:
            errors.append(error)
    if errors:
        raise invalid_request(*errors)
    return results


def invalid_request(*errors: drf.ValidationError) -> InvalidRequest:
    """Return DRF's nested faults as one flat list with paths such as ``steps[0].amount_in_cents``."""
    faults = chain.from_iterable(_flatten(error.get_full_details(), "") for error in errors)
    told = [_in_words(*fault) for fault in islice(faults, MAX_DETAILS)]
    return InvalidRequest.with_details(told, untold=sum(1 for _ in faults))


# A field, the code of its fault, and what is told of it: of an unknown name the name alone.
_Fault = tuple[str, str, str]


def _in_words(field: str, code: str, text: str) -> Detail:
    message = code.in_words(text) if isinstance(code, UnknownNames) else text
    return {"field": field, "code": str(code), "message": message}


def _flatten(faults: Any, path: str) -> Iterator[_Fault]:
    if isinstance(faults, list):
        for index, fault in enumerate(faults):
            # A list of faults belongs to the field itself; a list of dictionaries to the items of a list.
            yield from _flatten(fault, path if _is_fault(fault) else f"{path}[{index}]")
    elif not _is_fault(faults):
        for name, fault in faults.items():
            yield from _flatten(fault, _step(path, name))
    elif isinstance(faults["code"], UnknownNames):
        for name in faults["code"].names:
            yield f"{path}.{name}" if path else name, faults["code"], name
    else:
        yield path, faults["code"], str(faults["message"])


def _is_fault(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"code", "message"} and isinstance(value["code"], str)


def _step(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    if name == "non_field_errors":
        return path
    return f"{path}.{name}" if path else name
