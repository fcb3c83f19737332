"""Production checks: what must hold, or nothing starts: neither web server nor worker, nor any command."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

# Settings by their names, as their module has them, or an entry of DATABASES.
Settings = Mapping[str, Any]

# Django's own measures for a key that nobody guesses.
SHORTEST_SECRET_KEY = 50
FEWEST_CHARACTERS = 5
# 32 characters of base64 are 192 random bits.
SHORTEST_PEPPER = 32
SHORTEST_TOKEN = 16
# The least that libpq takes.
SECONDS_FOR_A_REPLICA = 2
# What stands in examples, never in a key that was made at random.
PLACEHOLDER = re.compile(r"django-insecure|change.?me|example|placeholder|your.?(secret|key)|\.\.\.|…", re.IGNORECASE)

MAKE_SECRET = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"  # noqa: S105 - makes one, is none.
MAKE_FERNET_KEY = "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"


def refuse_what_is_unsafe(settings: Settings, environment: Mapping[str, str]) -> None:
    """Raise ImproperlyConfigured with every fault of the settings at once, each with what mends it."""
    faults = [*_secret_faults(settings), *_faults_of_hosts(settings), *_faults_of_switches(settings, environment)]
    if faults:
        lines = "".join(f"\n  - {fault}" for fault in faults)
        raise ImproperlyConfigured(f"PRODUCTION is set, and these settings are not fit for it:{lines}")


def two_roles(application: Settings, owner: Settings) -> dict[str, Any]:
    """Return what an entry of DATABASES needs for two roles. Raises ImproperlyConfigured for two databases."""
    if owner["NAME"] != application["NAME"]:
        raise ImproperlyConfigured("DATABASE_OWNER_URL names another database than DATABASE_URL.")
    names = ("USER", "PASSWORD", "HOST", "PORT")
    place = {name: owner[name] for name in names} | {"OPTIONS": owner.get("OPTIONS", {})}
    return {"APPLICATION": application["USER"], "OWNER": place}


def follower(followed: Settings, replica: Settings) -> dict[str, Any]:
    """Return an entry of DATABASES for a server that follows another. Raises ImproperlyConfigured for two databases."""
    if replica["NAME"] != followed["NAME"]:
        raise ImproperlyConfigured("REPLICA_URL names another database than DATABASE_URL.")
    # Whoever asks it is also served without it, and does not wait for long.
    options = {"connect_timeout": SECONDS_FOR_A_REPLICA, **replica["OPTIONS"]}
    return {**replica, "OPTIONS": options, "TEST": {"MIRROR": "default"}}


def _secret_faults(settings: Settings) -> Iterator[str]:
    secret_key, pepper = settings["SECRET_KEY"], settings["API_KEY_PEPPER"]
    if len(secret_key) < SHORTEST_SECRET_KEY or _is_weak(secret_key):
        yield f"SECRET_KEY is {_what_is_wrong(secret_key, SHORTEST_SECRET_KEY)}. Make one: {MAKE_SECRET}"
    if len(pepper) < SHORTEST_PEPPER or _is_weak(pepper):
        yield f"API_KEY_PEPPER is {_what_is_wrong(pepper, SHORTEST_PEPPER)}. Make one: {MAKE_SECRET}"
    elif pepper == secret_key:
        yield f"API_KEY_PEPPER is the same as SECRET_KEY: each needs its own. Make one: {MAKE_SECRET}"
    if not settings["BANK_NUMBER_KEYS"]:
        yield f"BANK_NUMBER_KEYS is missing. Make one: {MAKE_FERNET_KEY}"
    for position, key in enumerate(settings["BANK_NUMBER_KEYS"], start=1):
        if not _is_fernet_key(key):
            yield f"BANK_NUMBER_KEYS: key {position} is no Fernet key. Make one: {MAKE_FERNET_KEY}"


def _what_is_wrong(secret: str, shortest: int) -> str:
    if not secret:
        return "missing"
    return f"shorter than {shortest} characters" if len(secret) < shortest else "not random (an example, or repeated)"


def _is_weak(secret: str) -> bool:
    return len(set(secret)) < FEWEST_CHARACTERS or PLACEHOLDER.search(secret) is not None


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _faults_of_hosts(settings: Settings) -> Iterator[str]:
    hosts = settings["ALLOWED_HOSTS"]
    if not hosts:
        yield "ALLOWED_HOSTS is missing. Name the hosts that clients use, such as ALLOWED_HOSTS=sequence.your.domain"
    elif any(host.strip(".") in ("", "*") for host in hosts):
        yield "ALLOWED_HOSTS lets any host in. Name the hosts that clients use, joined by commas."


def _faults_of_switches(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    if settings["DEBUG"]:
        yield "DEBUG shows settings and data to whoever meets an error. Leave it out."
    if settings["METRICS_TOKEN"] and len(settings["METRICS_TOKEN"]) < SHORTEST_TOKEN:
        yield f"METRICS_TOKEN is shorter than {SHORTEST_TOKEN} characters. Make one: {MAKE_SECRET}"
    if settings["ALLOW_TIME_TRAVEL"]:
        yield "ALLOW_TIME_TRAVEL would let a worker settle the future. Leave it out."
    if not (environment.get("DATABASE_URL") or environment.get("POSTGRES_DIR")):
        yield (
            "DATABASE_URL is missing. Name the server, or the folder of the embedded one in POSTGRES_DIR: a forgotten "
            "variable must not begin an empty database."
        )
    if not settings["DATABASES"]["default"].get("DURABLE", True):
        yield "POSTGRES_DURABLE=0 lets a power cut take the whole database. Leave it out."
