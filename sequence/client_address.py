"""Where a request comes from, as far as that can be known."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the address of the client: of whoever connects to us, or behind a proxy, to the proxy.

    Each proxy adds whom it sees to the end of X-Forwarded-For; what stands before that is the client's own claim.
    """
    if settings.BEHIND_PROXY:
        return request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return request.META.get("REMOTE_ADDR", "")
