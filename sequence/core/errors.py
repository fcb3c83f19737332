"""DomainError, the base of every refusal, and the refusals that no single app owns.

A refusal is declared once, as a class: its stable code, its HTTP status, its message for people. The domain raises
it without knowing about HTTP; ``sequence.core.api.failures`` renders it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, Self, TypedDict, TypeVar


class Private(str):
    """A text that tells something of an account, with what is told instead to whoever may not know it.

    It is the text itself wherever people who see everything read it; ``DomainError.told_to`` chooses.
    """

    about: str
    otherwise: str

    def __new__(cls, text: str, *, about: str, otherwise: str) -> "Private":
        """Return ``text``, which tells of the account with the id ``about``."""
        private = super().__new__(cls, text)
        private.about, private.otherwise = about, otherwise
        return private


T = TypeVar("T")

# Says whether the reader may know the account with this id.
MayTell = Callable[[str], bool]


def told(text: T, may_tell: MayTell) -> T | str:
    """Return the text, or what is told instead of one that the reader may not know."""
    return text.otherwise if isinstance(text, Private) and not may_tell(text.about) else text


class Detail(TypedDict):
    """One fault of a request: where (``steps[0].actions[1].amount_in_cents``), which (stable), and in words."""

    field: str
    code: str
    message: str


R = TypeVar("R", bound="DomainError")


class DomainError(Exception):
    """A refusal. Subclasses set ``code``, ``status`` and ``message``, whose ``{names}`` come from the keywords."""

    code: ClassVar[str]
    status: ClassVar[int]
    message: ClassVar[str]

    # What a caller does about it, in a sentence, for the guide to all errors.
    remedy: ClassVar[str]

    # Values for the names in ``message``, for the example in the API's document.
    sample_names: ClassVar[Mapping[str, Any]] = {}

    # Decided by executing the request, from the state of things: a repeated request must get the same answer, so
    # idempotency keeps it. A refusal at the door is not kept, and leaves the idempotency key free.
    is_outcome: ClassVar[bool] = False

    def __init__(self, message: str | None = None, *, details: Sequence[Detail] = (), **names: object) -> None:
        self.given, self.names = message, names
        self.text = message or self.message.format(**names)
        self.details = list(details)
        super().__init__(self.text)

    def told_to(self, may_tell: MayTell) -> Self:
        """Return the refusal as somebody may read it who may know only some accounts."""
        one = copy_of(self)
        one.details = [
            {
                "field": detail["field"],
                "code": told(detail["code"], may_tell),
                "message": told(detail["message"], may_tell),
            }
            for detail in self.details
        ]
        one.text = one._text_told_to(may_tell)
        return one

    def _text_told_to(self, may_tell: MayTell) -> str:
        if self.given is not None:
            return told(self.given, may_tell)
        return self.message.format(**{name: told(value, may_tell) for name, value in self.names.items()})

    @classmethod
    def sample(cls) -> Self:
        """Return an example of this refusal; a name without a sample value shows as an ellipsis."""
        names = dict.fromkeys(re.findall(r"{(\w+)}", cls.message), "…")
        return cls(**{**names, **cls.sample_names})

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers that belong to this refusal."""
        return {}


def copy_of(refusal: R) -> R:
    """Return the same refusal once more. copy.copy would call __init__, which each class has its own of."""
    one = type(refusal).__new__(type(refusal), refusal.text)
    vars(one).update(vars(refusal))
    return one


class InvalidRequest(DomainError):
    code = "invalid_request"
    status = 400
    message = "The request is not valid."
    remedy = "Mend each field that `details` names, and send it again."

    @classmethod
    def sample(cls) -> Self:
        return cls.of("colour", "unknown_field", "There is no such field here.")

    @classmethod
    def of(cls, field: str, code: str, message: str) -> Self:
        """Return the refusal of one field."""
        return cls.with_details([{"field": field, "code": code, "message": message}])

    @classmethod
    def with_details(cls, details: Sequence[Detail], *, untold: int = 0) -> Self:
        """Return the refusal of these faults, up to ``MAX_DETAILS`` of them; its message tells the first few.

        ``untold`` is how many more there are, which nobody has put in words.
        """
        shown = list(details)
        for detail in shown[:MAX_DETAILS]:
            if len(detail["field"]) > MAX_FIELD_LENGTH:
                detail["field"] = f"{detail['field'][: MAX_FIELD_LENGTH - 1]}…"
        if len(shown) + untold > MAX_DETAILS:
            more = len(shown) + untold - MAX_DETAILS + 1
            shown[MAX_DETAILS - 1 :] = [{"field": "", "code": MORE, "message": f"And {more:,} more."}]
        return cls(_in_one_line(shown), details=shown)

    def _text_told_to(self, may_tell: MayTell) -> str:
        return _in_one_line(self.details) if self.details else super()._text_told_to(may_tell)


# How many faults an answer tells: nobody reads more, and an answer must not be many times the request.
MAX_DETAILS = 100
# As much of where a fault is as an answer tells. Ours are shorter; a stranger's may be a megabyte.
MAX_FIELD_LENGTH = 300
# The code of the last of them, when it only says how many more there are.
MORE = "more"

# How many faults the one-line message tells.
FAULTS_IN_MESSAGE = 3


def _in_one_line(details: Sequence[Detail]) -> str:
    sentences = [
        f"{detail['field']}: {detail['message']}" if detail["field"] else detail["message"] for detail in details
    ]
    if details[-1]["code"] == MORE:
        return " ".join([*sentences[:FAULTS_IN_MESSAGE], "And many more."])
    more = len(sentences) - FAULTS_IN_MESSAGE
    listed = " ".join(sentences[:FAULTS_IN_MESSAGE])
    return f"{listed} And {more} more." if more > 0 else listed


class Unauthorized(DomainError):
    code = "unauthorized"
    status = 401
    message = "Missing or invalid API key."
    remedy = (
        "Send `Authorization: ApiKey <key>` with a key that is neither revoked nor expired; a lost key is "
        "made anew by staff."
    )

    # What the header alone shows. A key that had to be looked up is told nothing more, whatever is wrong with it.
    SEEN: ClassVar[Mapping[str, str]] = {
        "missing": "Send your key in this header: ApiKey <key>.",
        "scheme": "Use ApiKey <key>.",
        "malformed": "This is no whole key. Copy it again, from sk_ to its end.",
    }

    @classmethod
    def seen(cls, code: str) -> Self:
        """Return the refusal that also tells what is wrong with the header, one of SEEN."""
        return cls(details=[{"field": "Authorization", "code": code, "message": cls.SEEN[code]}])

    @classmethod
    def sample(cls) -> Self:
        return cls.seen("missing")

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "ApiKey"}  # RFC 9110, 11.6.1: a 401 names the scheme.


class Forbidden(DomainError):
    code = "forbidden"
    status = 403
    message = "This API key does not have the required permission."
    remedy = "Use another key, or let staff give this one the scope that `details` names on what the request is about."

    @classmethod
    def for_want_of(cls, scope: str) -> Self:
        """Return the refusal of a key that lacks the scope. What it lacks of a resource is never told."""
        message = f"This operation needs {scope}."
        return cls(details=[{"field": "scope", "code": "missing_scope", "message": message}])

    @classmethod
    def sample(cls) -> Self:
        return cls.for_want_of("READ_TRANSFERS")


class HttpsRequired(DomainError):
    """Not a redirect: a client follows one silently, turns its POST into a GET, and sends its key in clear again."""

    code = "https_required"
    status = 403
    message = "Use https. An API key that came with this request has travelled in clear: rotate it."
    remedy = "Use https, and rotate the key."


class NotFound(DomainError):
    """Something that is not there, or that the caller's organization does not own. Subclasses name the kind."""

    code = "not_found"
    status = 404
    message = "There is nothing at this address."
    remedy = "Check the id: it is unknown, deleted, or somebody else's."
    is_outcome = True

    def __init__(self, *, missing: Iterable[str] = (), **names: object) -> None:
        # The ids of what is not there: a request may have named several things.
        self.missing = sorted(missing)
        super().__init__(None, details=(), **names)

    def placed(self, places: Iterable[str]) -> Self:
        """Return the refusal that also tells where in the request the missing things are named."""
        one = copy_of(self)
        for place in islice(places, MAX_DETAILS):
            one.details = [*one.details, {"field": place, "code": self.code, "message": self.text}]
        return one


class MethodNotAllowed(DomainError):
    code = "method_not_allowed"
    status = 405
    message = "{method} is not possible here. Use {allowed}."
    remedy = "Use a method that the header `Allow` names."

    def __init__(self, *, method: str, allowed: Sequence[str]) -> None:
        self.allowed = ", ".join(allowed)
        super().__init__(method=method, allowed=" or ".join(allowed))

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": self.allowed}


class NotAcceptable(DomainError):
    code = "not_acceptable"
    status = 406
    message = "Answers are application/json. Send 'Accept: application/json', or no Accept header."
    remedy = "Send `Accept: application/json`, or no Accept header."


class Conflict(DomainError):
    """The state of things forbids it. Subclasses set the code and say what to do."""

    status = 409
    is_outcome = True


class PayloadTooLarge(DomainError):
    code = "payload_too_large"
    status = 413
    message = "The body is larger than {limit} bytes."
    remedy = "Send less in one request."
    sample_names = {"limit": 1048576}


class UnsupportedMediaType(DomainError):
    code = "unsupported_media_type"
    status = 415
    message = "Send the body as 'Content-Type: application/json' in UTF-8."
    remedy = "Send `Content-Type: application/json`, in UTF-8 and not compressed."


class RetryLater(DomainError):
    """Nothing is wrong with the request; it may be sent again after ``retry_after`` seconds."""

    def __init__(self, *, retry_after: int, **names: Any) -> None:
        self.retry_after = retry_after
        super().__init__(retry_after=retry_after, **names)

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class RequestTimeout(DomainError):
    """Whether the key is any good was not asked: to ask takes what slow clients must not have."""

    code = "request_timeout"
    status = 408
    message = "The request did not arrive within {seconds} seconds. Nothing was done: send it again."
    remedy = "Send it again, with the same Idempotency-Key; look at the line if it comes again."
    sample_names = {"seconds": 15}


class TemporarilyUnavailable(RetryLater):
    code = "temporarily_unavailable"
    status = 503
    message = "Too many requests are on their way at once. Nothing was done: try again in {retry_after} second."
    remedy = "Send it again after `Retry-After` seconds, with the same Idempotency-Key."
    sample_names = {"retry_after": 1}


class DatabaseAway(TemporarilyUnavailable):
    """Whether a commit that was on its way took effect cannot be told; a repetition under its key finds out."""

    message = (
        "The database is away. Try again in {retry_after} seconds, with the same Idempotency-Key if there was one."
    )
    sample_names = {"retry_after": 2}


class UnexpectedError(DomainError):
    """A defect of the server. The log has the cause under the request id; the caller is told nothing else."""

    code = "unexpected_error"
    status = 500
    message = "Something went wrong on our side. Quote request id {request_id} when you ask about it."
    remedy = "Send it again with the same Idempotency-Key; if it stays, give the request id to whoever runs the server."
    sample_names = {"request_id": "req_01HABC7002"}
