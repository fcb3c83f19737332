"""Addresses that webhooks may go to: what is refused of a url, and of each address that its name stands for.

The tables are those of IANA, one reason each:
https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
"""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings

from sequence.core.errors import InvalidRequest
from sequence.webhooks.errors import AddressNotAllowed
from sequence.webhooks.models import MAX_URL_LENGTH

Address = IPv4Address | IPv6Address

# The first that holds an address says what it is.
_REFUSED_V4 = [
    (ip_network(network), what)
    for network, what in [
        ("169.254.169.254/32", "a metadata service"),
        ("169.254.170.2/32", "a metadata service"),
        ("100.100.100.200/32", "a metadata service"),
        ("168.63.129.16/32", "a metadata service"),
        ("192.0.0.192/32", "a metadata service"),
        ("0.0.0.0/32", "the unspecified address"),
        ("0.0.0.0/8", "reserved"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.2.0/24", "for documentation"),
        ("192.0.0.0/24", "reserved"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    ]
]
_REFUSED_V6 = [
    (ip_network(network), what)
    for network, what in [
        ("fd00:ec2::254/128", "a metadata service"),
        ("fd20:ce::254/128", "a metadata service"),
        ("::/128", "the unspecified address"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "an IPv4 address in IPv6 (mapped)"),
        ("::ffff:0:0:0/96", "an IPv4 address in IPv6 (translated)"),
        ("::/96", "an IPv4 address in IPv6 (compatible)"),
        ("64:ff9b::/96", "an IPv4 address in IPv6 (NAT64)"),
        ("64:ff9b:1::/48", "an IPv4 address in IPv6 (NAT64)"),
        ("100::/64", "for discarding"),
        ("2001::/32", "an IPv4 address in IPv6 (Teredo)"),
        ("2001:2::/48", "for benchmarks"),
        ("2001:10::/28", "no address of a machine (ORCHID)"),
        ("2001:20::/28", "no address of a machine (ORCHID)"),
        ("2001:db8::/32", "for documentation"),
        ("2001::/23", "reserved"),
        ("2002::/16", "an IPv4 address in IPv6 (6to4)"),
        ("3fff::/20", "for documentation"),
        ("5f00::/16", "reserved"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    ]
]
# All that is given to machines of the internet so far.
_PUBLIC_V6 = IPv6Network("2000::/3")

# Letters, digits, hyphens and dots. A name in another script is written as its machines know it (xn--…).
_NAME = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?"
)
# The last part of what a resolver may read as a number, in one of its many spellings.
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?\Z")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]@]+)(:(?P<port>[0-9]{1,5}))?")
_LOCAL_NAMES = re.compile(r"(.+\.)?(localhost|localhost\.localdomain|local|internal|home\.arpa)\.?\Z")
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """Where a url leads, before its name is resolved."""

    scheme: str
    host: str
    port: int
    # Path and query, as they are sent.
    path: str

    @property
    def literal(self) -> Address | None:
        """The address itself, where the url names no name."""
        return _literal(self.host)

    @property
    def authority(self) -> str:
        """What stands in the request's header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def read_url(url: str) -> Target:
    """Return where the url leads. Raises InvalidRequest, with the field ``url``, for one that is not fit."""
    if len(url) > MAX_URL_LENGTH:
        raise _refusal("max_length", f"Give at most {MAX_URL_LENGTH} characters.")
    if not url.isascii() or re.search(r"[\x00-\x20\x7f\\<>\"{}|^`]", url):
        raise _refusal("invalid", "Write it in visible ASCII: a name in another script as xn--…, all else as %….")
    if "#" in url:
        raise _refusal("fragment", "Leave the part after # out: nobody is sent it.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _refusal("invalid", "This is no URL.") from None
    if parts.scheme not in PORTS:
        raise _refusal("scheme", "Give a URL that begins with https://.")
    if "@" in parts.netloc:
        raise _refusal("user_info", "Leave user and password out: whoever reads logs would know them.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, *_host_and_port(parts.netloc, parts.scheme), path)


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise _refusal("invalid", "This URL names no host.")
    host = found["host"].strip("[]").lower()
    port = int(found["port"]) if found["port"] else PORTS[scheme]
    if not 1 <= port <= 65_535:
        raise _refusal("port", "Ports go from 1 to 65535.")
    if _literal(host) is None:
        if ":" in host or _NUMERIC.search(host.rpartition(".")[2] or host.rstrip(".").rpartition(".")[2]):
            raise AddressNotAllowed.because(f"{host} is a number that could be read as an address in several ways.")
        if not _NAME.fullmatch(host):
            raise _refusal("invalid", "This URL names no host.")
    return host, port


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)  # Takes one spelling of IPv4 alone: four decimal numbers without leading zeros.
    except ValueError:
        return None


def is_opened(address: Address) -> bool:
    """Say whether WEBHOOK_ALLOWED_NETWORKS has the address, whatever it is."""
    return any(address in network for network in settings.WEBHOOK_ALLOWED_NETWORKS)


def flaw_of_address(address: Address) -> str | None:
    """Return what the address is, where no request may go to it; None where one may."""
    if is_opened(address):
        return None
    refused = _REFUSED_V4 if isinstance(address, IPv4Address) else _REFUSED_V6
    for network, what in refused:
        if address in network:
            return what
    if isinstance(address, IPv6Address) and (address not in _PUBLIC_V6 or address.scope_id):
        return "reserved"
    return None


def check_addresses(target: Target, addresses: Sequence[Address]) -> None:
    """Raise AddressNotAllowed unless each of the addresses may be sent to, and in clear where the url says so.

    All are checked, since whoever owns the name chooses which of them comes first.
    """
    for address in addresses:
        flaw = flaw_of_address(address)
        if flaw is not None:
            raise AddressNotAllowed.because(f"{address} is {flaw}, where no request may go.")
        if target.scheme == "http" and not is_opened(address):
            raise AddressNotAllowed.because(f"Use https: {address} is in none of WEBHOOK_ALLOWED_NETWORKS.")


def resolve(target: Target) -> list[Address]:
    """Return the addresses of the target's host, each once, as the machine knows them. Raises OSError."""
    if target.literal is not None:
        return [target.literal]
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(where[0])) for *_, where in found))


def check_url(url: str, known: Sequence[Address] | None) -> None:
    """Raise InvalidRequest, with the field ``url``, for what can be told now. All is checked again at every try.

    ``known`` is what the url's name stands for now; None where nobody can tell.
    """
    target = read_url(url)
    if target.literal is not None:
        check_addresses(target, [target.literal])
    elif known:
        check_addresses(target, known)
    elif target.scheme == "http":
        raise _refusal("scheme", "Give a URL that begins with https://.")
    elif _LOCAL_NAMES.match(target.host):
        raise AddressNotAllowed.because(f"{target.host} is a name that only this machine or its network knows.")


def _refusal(code: str, message: str) -> InvalidRequest:
    return InvalidRequest.of("url", code, message)
