"""Where a request comes from, as far as that can be known."""

import ipaddress
import re
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

# Whoever has one IPv6 address has all of its network.
IPV6_NETWORK_BITS = 64

# Clients come again. Their addresses are remembered, as many as a few hundred kilobytes hold.
_REMEMBERED = 1024

# Some proxies name the port as well, which is another one for each connection.
_WITH_PORT = re.compile(r"(?P<v4>[0-9.]+):[0-9]+|\[(?P<v6>[^\]]+)\](?::[0-9]+)?")


def client_address(request: HttpRequest) -> str:
    """Return the address of the client: of whoever connects to us, or behind a proxy, to the proxy.

    Each proxy adds whom it sees to the end of X-Forwarded-For; what stands before that is the client's own claim. What
    is no address is returned as "": those who come without one are counted as one.
    """
    if settings.BEHIND_PROXY:
        return read_address(request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip())
    return read_address(request.META.get("REMOTE_ADDR", ""))


@lru_cache(_REMEMBERED)
def read_address(text: str) -> str:
    """Return an IP address in its one spelling, without port and zone, or "" where the text is none."""
    if found := _WITH_PORT.fullmatch(text):
        text = found["v4"] or found["v6"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


@lru_cache(_REMEMBERED)
def network_of(address: str) -> str:
    """Return what counts as one place for limits: an IPv4 address, and of an IPv6 address its network."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False))
