"""URL of a PostgreSQL database, read strictly: one that can be read in two ways might name another database.

A raw ``/``, ``#``, ``?`` or ``@`` in a password moves the border between password, host and name, and each program that
reads the URL finds it elsewhere. Such a URL is refused, in one sentence that shows no part of it.
"""

import re
from typing import Any
from urllib.parse import unquote

from django.core.exceptions import ImproperlyConfigured
from psycopg import pq

URL = re.compile(
    r"postgres(?:ql)?://"
    r"(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<hosts>[^@/?#]*)"
    r"/(?P<name>[^@/?#]+)"
    r"(?:\?(?P<parameters>[^@?#]*))?"
)
HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^:\[\]]+)(?::(?P<port>\d*))?", re.ASCII)
BROKEN_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
# Control characters and spaces, which come along from files and copied lines.
BLANK = re.compile(r"[\x00-\x20\x7f]")

HIGHEST_PORT = 65535

# What the URL says in a place of its own, or what would bring other values along.
NOT_A_PARAMETER = {"dbname", "user", "password", "service"}

SHAPE = (
    "write it as postgres://user:password@host:5432/name, and in each of its parts / as %2F, # as %23, ? as %3F, "
    "@ as %40, : as %3A and % as %25."
)


# What an entry of DATABASES says, which settings and engines add to.
DatabaseEntry = dict[str, Any]


class Malformed(Exception):
    """Says what is wrong, and quotes nothing: a password may stand anywhere in a URL that cannot be read."""


def read_database_url(variable: str, url: str) -> DatabaseEntry:
    """Return what an entry of DATABASES needs. Raises ImproperlyConfigured with a sentence that shows no part of it."""
    try:
        return _read(url)
    except Malformed as fault:
        raise ImproperlyConfigured(f"{variable} {fault}: {SHAPE}") from None


def _read(url: str) -> DatabaseEntry:
    if not url.startswith(("postgres://", "postgresql://")):
        raise Malformed("is no URL that begins with postgres://")
    if BLANK.search(url):
        raise Malformed("has a space or a line break in it")
    if BROKEN_ESCAPE.search(url):
        raise Malformed("has a % that begins no escape")
    parts = URL.fullmatch(url)
    if parts is None:
        raise Malformed("cannot be told apart into user, password, host and name")
    hosts, ports = _places(parts["hosts"])
    options = _options(parts["parameters"] or "")
    if bool(hosts) == bool(options.keys() & {"host", "hostaddr"}) or (hosts and "port" in options):
        raise Malformed("names its host twice" if hosts else "names no host")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts["name"]),
        "USER": unquote(parts["user"] or ""),
        "PASSWORD": unquote(parts["password"] or ""),
        "HOST": hosts,
        "PORT": ports,
        "OPTIONS": options,
    }


def _places(text: str) -> tuple[str, str]:
    """Return hosts and ports as the driver takes them: several are joined by commas, in the same order."""
    if not text:
        return "", ""
    hosts, ports = [], []
    for part in text.split(","):
        place = HOST.fullmatch(part)
        if place is None or not _is_port(place["port"]):
            raise Malformed("has a host or a port that is none")
        hosts.append(unquote(place["host"]).strip("[]"))
        ports.append(place["port"] or "")
    return ",".join(hosts), ",".join(ports) if any(ports) else ""


def _is_port(text: str | None) -> bool:
    return not text or 0 < int(text) <= HIGHEST_PORT


def _options(text: str) -> dict[str, str]:
    """Return the driver's parameters that the URL gives besides. Each is known, and comes once."""
    pairs = [pair.partition("=") for pair in text.split("&")] if text else []
    options = {name: unquote(value) for name, _, value in pairs}
    if len(options) != len(pairs) or not options.keys() <= _known_parameters():
        raise Malformed("has something after its ? that is no parameter of a connection")
    return options


def _known_parameters() -> set[str]:
    known = {option.keyword.decode() for option in pq.Conninfo.parse(b"")}
    return known - NOT_A_PARAMETER
