"""DomainError, the base of every refusal, and the refusals that no single app owns.

A refusal is declared once, as a class: its stable code, its HTTP status, its message for people. The domain raises
it without knowing about HTTP; ``sequence.core.api.failures`` renders it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, TypedDict


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


# Says whether the reader may know the account with this id.
MayTell = Callable[[str], bool]


def told(text: object, may_tell: MayTell) -> Any:
    """Return the text, or what is told instead of one that the reader may not know."""
    return text.otherwise if isinstance(text, Private) and not may_tell(text.about) else text


class Detail(TypedDict):
    """One fault of a request: where (``steps[0].actions[1].amount_in_cents``), which (stable), and in words."""

    field: str
    code: str
    message: str


class DomainError(Exception):
    """A refusal. Subclasses set ``code``, ``status`` and ``message``, whose ``{names}`` come from the keywords."""

    code: ClassVar[str]
    status: ClassVar[int]
    message: ClassVar[str]

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
        one = type(self).__new__(
            type(self), self.text
        )  # copy.copy would call __init__, which each class has its own of.
        vars(one).update(vars(self))
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


class InvalidRequest(DomainError):
    code = "invalid_request"
    status = 400
    message = "The request is not valid."

    @classmethod
    def sample(cls) -> Self:
        return cls.of("colour", "unknown_field", "There is no such field here.")

    @classmethod
    def of(cls, field: str, code: str, message: str) -> Self:
        """Return the refusal of one field."""
        return cls.with_details([{"field": field, "code": code, "message": message}])

    @classmethod
    def with_details(cls, details: Sequence[Detail]) -> Self:
        """Return the refusal of these faults, up to ``MAX_DETAILS`` of them; its message tells the first few."""
        shown = list(details)
        for detail in shown[:MAX_DETAILS]:
            if len(detail["field"]) > MAX_FIELD_LENGTH:
                detail["field"] = f"{detail['field'][: MAX_FIELD_LENGTH - 1]}…"
        if len(shown) > MAX_DETAILS:
            more = len(shown) - MAX_DETAILS + 1
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

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "ApiKey"}  # RFC 9110, 11.6.1: a 401 names the scheme.


class Forbidden(DomainError):
    code = "forbidden"
    status = 403
    message = "This API key does not have the required permission."


class HttpsRequired(DomainError):
    """Not a redirect: a client follows one silently, turns its POST into a GET, and sends its key in clear again."""

    code = "https_required"
    status = 403
    message = "Use https. An API key that came with this request has travelled in clear: rotate it."


class NotFound(DomainError):
    """Something that is not there, or that the caller's organization does not own. Subclasses name the kind."""

    code = "not_found"
    status = 404
    message = "There is nothing at this address."
    is_outcome = True


class MethodNotAllowed(DomainError):
    code = "method_not_allowed"
    status = 405
    message = "{method} is not possible here. Use {allowed}."

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


class Conflict(DomainError):
    """The state of things forbids it. Subclasses set the code and say what to do."""

    status = 409
    is_outcome = True


class PayloadTooLarge(DomainError):
    code = "payload_too_large"
    status = 413
    message = "The body is larger than {limit} bytes."
    sample_names = {"limit": 1048576}


class UnsupportedMediaType(DomainError):
    code = "unsupported_media_type"
    status = 415
    message = "Send the body as 'Content-Type: application/json' in UTF-8."


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
    sample_names = {"seconds": 15}


class TemporarilyUnavailable(RetryLater):
    code = "temporarily_unavailable"
    status = 503
    message = "Too many requests are on their way at once. Nothing was done: try again in {retry_after} second."
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
    sample_names = {"request_id": "req_01HABC7002"}
