"""X-Called-Reason: why the caller calls, for whoever approves or audits."""

from django.http import HttpRequest

from sequence.core.pasted import without_secrets
from sequence.core.texts import MAX_REASON_LENGTH, made_plain

HEADER = "X-Called-Reason"


def called_reason_of(request: HttpRequest) -> str | None:
    """Return what the caller gave, at most 1,000 characters, or None for nothing. It is never refused.

    The header is UTF-8. Bytes that are not, control characters, what nobody sees, and whole secrets are replaced.
    """
    # WSGI hands bytes over as if they were Latin-1 (PEP 3333).
    given = request.headers.get(HEADER, "").encode("latin-1", "replace").decode("utf-8", "replace")
    return without_secrets(made_plain(given))[:MAX_REASON_LENGTH].strip() or None
