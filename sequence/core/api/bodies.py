"""Bodies, read as strict JSON: what a lenient reader would guess at is refused."""

import json
import re
from collections.abc import Collection, Iterator
from decimal import Decimal

from django.http import HttpRequest

from sequence.core.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from sequence.core.texts import CONTROL_CHARACTER
from sequence.core.typing import Json, JsonObject

METHODS_WITH_BODY = {"POST", "PUT", "PATCH"}
MAX_BYTES = 1024 * 1024
# Names of what JSON is written in (RFC 8259, 8.1), the careless one and the subset included.
UTF_8 = {"utf-8", "utf8", "us-ascii"}
# As much of a stranger's header as an answer repeats.
MAX_TOLD = 40
# A rule's conditions nest ten levels of two containers each; nobody means more than this.
MAX_DEPTH = 64
# The range of a double, which is what other JSON readers can take.
MAX_EXPONENT = 324
UNSTORABLE = "This holds a character that no text has: NUL, or half of a surrogate pair."


def read_body(request: HttpRequest) -> JsonObject:
    """Return the JSON object in the request's body; an absent body counts as ``{}``.

    Raises PayloadTooLarge, UnsupportedMediaType, and InvalidRequest for anything that is not one well-formed UTF-8
    JSON object with distinct keys, strings PostgreSQL can store, finite numbers and a sane depth.
    """
    raw = read_bytes(request)
    if not raw:
        return {}
    _check_media_type(request)
    return parse_object(raw)


def _check_media_type(request: HttpRequest) -> None:
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise UnsupportedMediaType(f"Send the body as it is: the coding {coding[:MAX_TOLD]!r} is not understood.")
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type != "application/json" or charset.lower() not in UTF_8:
        raise UnsupportedMediaType()


def read_bytes(request: HttpRequest) -> bytes:
    """Return the body as it was sent. Raises PayloadTooLarge."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        # Django trusts Content-Length alone; a chunked body has none, and the server marks its end.
        raw = request.META["wsgi.input"].read(MAX_BYTES + 1)
    elif _declared_length(request) > MAX_BYTES:
        raise PayloadTooLarge(limit=MAX_BYTES)
    else:
        raw = request.body
    if len(raw) > MAX_BYTES:
        raise PayloadTooLarge(limit=MAX_BYTES)
    return raw


def _declared_length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit()):
        # Django would take it for zero and the body for absent.
        raise InvalidRequest.of("Content-Length", "invalid", "Give the number of bytes of the body.")
    return int(text)


def parse_object(raw: bytes) -> JsonObject:
    """Return the JSON object that ``raw`` spells. Raises InvalidRequest."""
    try:
        body = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object_with_distinct_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite_decimal,
        )
    except RecursionError:
        raise InvalidRequest(f"The body is nested more than {MAX_DEPTH} levels deep.") from None
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise InvalidRequest(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError:
        # Python refuses to read a whole number of more than 4300 digits.
        raise InvalidRequest("The body holds a number that is out of range.") from None
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    check_values(body)
    return body


def _object_with_distinct_keys(pairs: list[tuple[str, Json]]) -> JsonObject:
    result: JsonObject = {}
    for name, value in pairs:
        if name in result:
            raise InvalidRequest.of(_printable(name), "repeated", "This key stands twice in one object.")
        result[name] = value
    return result


def _refuse_constant(name: str) -> None:
    raise InvalidRequest(f"The body holds {name}, which is not JSON.")


def _finite_decimal(text: str) -> Decimal:
    """Keep a fraction as it was written: no float comes near money."""
    number = Decimal(text)
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise InvalidRequest("The body holds a number that is out of range.")
    return number


def check_values(body: JsonObject) -> None:
    """Refuse NUL and lone surrogates, which PostgreSQL cannot store, and too much depth.

    Level by level, without names: those are asked for only once something is wrong.
    """
    level: list[Json] = [body]
    for _ in range(MAX_DEPTH):
        inner: list[Json] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value)
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
            elif isinstance(value, str) and not is_storable(value):
                raise InvalidRequest.of(_place_of_unstorable(body), CONTROL_CHARACTER.code, UNSTORABLE)
        if not inner:
            return
        level = inner
    raise InvalidRequest(f"The body is nested more than {MAX_DEPTH} levels deep.")


# The last step of a place where an id stands: what people write may look like one anywhere else.
_names_an_id = re.compile(r"(^|[._])id$").search


def places_of(ids: Collection[str], body: JsonObject) -> Iterator[str]:
    """Yield where the body names one of the ids, the shallowest places first."""
    level: list[tuple[str, Json]] = [("", body)]
    while level:
        for place, value in level:
            if isinstance(value, str) and value in ids and _names_an_id(place):
                yield place
        level = [part for place, value in level for part in _values(place, value)]


def _place_of_unstorable(body: JsonObject) -> str:
    """Return where the shallowest text stands that cannot be stored: ``steps[0].actions[1].type``."""
    level: list[tuple[str, Json]] = [("", body)]
    while True:
        inner: list[tuple[str, Json]] = []
        for place, value in level:
            if isinstance(value, str) and not is_storable(value):
                return place
            inner.extend(_parts(place, value))
        level = inner


def _parts(place: str, value: Json) -> Iterator[tuple[str, Json]]:
    """Yield the names and values within a value, each with its place."""
    if isinstance(value, dict):
        for name in value:
            yield _inside(place, name), name
    yield from _values(place, value)


def _values(place: str, value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield _inside(place, name), part
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield f"{place}[{index}]", part


def _inside(place: str, name: str) -> str:
    return f"{place}.{_printable(name)}" if place else _printable(name)


def is_storable(text: str) -> bool:
    """Say whether PostgreSQL can keep the text: it has no NUL, and no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _printable(name: str) -> str:
    return name.replace("\0", "?").encode("utf-8", "replace").decode()
