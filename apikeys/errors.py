"""Refusals of keys, limits and idempotency."""

from sequence.core.errors import Conflict, DomainError, NotFound, RetryLater


class OrganizationNotFound(NotFound):
    message = "Organization not found."


class ApiKeyNotFound(NotFound):
    message = "API key not found."


class ApiKeyNotUsable(Conflict):
    code = "api_key_not_usable"
    message = "{key_id} is revoked or expired. Create a new key instead."
    remedy = "Create a new key."


class KeyPaused(DomainError):
    """Everything is closed to a paused key but what says that it answers one."""

    code = "key_paused"
    status = 403
    message = "This API key is paused since {paused_at}. A person must resume it."
    remedy = "Let a person find out why, and resume it."
    sample_names = {"paused_at": "2026-01-02T09:30:45.123456Z"}


class ApiKeyAlreadyRotated(Conflict):
    code = "api_key_already_rotated"
    message = "{key_id} was already replaced by {successor_id}. Rotate that one."
    remedy = "Rotate the key that came after it."


class InvalidPermission(DomainError):
    """A permission that cannot be granted, with the reason in words."""

    code = "invalid_permission"
    status = 400
    message = "This permission cannot be granted."
    remedy = "Change the entry as the message says."


class TriggerLimitExceeded(DomainError):
    """No entry of the key lets it set the rule off in this way, or so often."""

    code = "max_amount_exceeded"
    status = 403
    message = "This API key may not run the rule now. {what}"
    remedy = "Wait until the limit starts anew, or let staff raise it."
    sample_names = {"what": "3 of 3 runs a day are used; the next one is possible from 2026-11-26T00:00:00Z."}
    is_outcome = True


class RateLimitExceeded(RetryLater):
    code = "rate_limit_exceeded"
    status = 429
    message = "This API key may make {limit} requests a minute. Try again in {retry_after} seconds."
    remedy = "Wait for `Retry-After` seconds, and ask less often."
    sample_names = {"limit": 100, "retry_after": 17}


class TooManyUnknownKeys(RateLimitExceeded):
    message = "Too many unknown API keys came from this address. Try again in {retry_after} seconds."
    sample_names = {"retry_after": 17}


class IdempotencyKeyMismatch(DomainError):
    code = "idempotency_key_mismatch"
    status = 400
    message = "This Idempotency-Key was used in the last 24 hours for another request. Use a new key for a new request."
    remedy = "Use a new key for a new request; do not change a request that you repeat."


class IdempotencyKeyNotFound(NotFound):
    """Nothing was done under the key: it was never used, or its record has expired or was purged."""

    message = "Idempotency key not found."


class RequestInProgress(RetryLater):
    code = "request_in_progress"
    status = 409
    message = (
        "A request with this Idempotency-Key is being processed. Repeat it in {retry_after} second to get its answer."
    )
    remedy = "Send it again in a second, unchanged: you get the answer of the first one."
    sample_names = {"retry_after": 1}
