"""Chain of entries: how an entry is spelled, what its hash is, and what a head says. Knows no database."""

import hashlib
from datetime import UTC, datetime

import rfc8785

from sequence.core.typing import JsonObject

# What the hash is not of.
SEAL = ("previous_hash", "hash")
# What of a head is signed, beside the signature itself.
SIGNED = ("organization_id", "sequence", "hash", "signed_at", "key_id")


def spell(value: JsonObject) -> bytes:
    """Return the one spelling that an object has (RFC 8785)."""
    return rfc8785.dumps(value)


def hash_of(previous: bytes, entry: JsonObject) -> bytes:
    """Return the hash of an entry in its wire form: of the hash before it and of all that is not its seal."""
    unsealed = {name: value for name, value in entry.items() if name not in SEAL}
    return hashlib.sha256(previous + spell(unsealed)).digest()


def signed_part(head: JsonObject) -> bytes:
    """Return what the signature of a head is over. Raises KeyError where something of it is missing."""
    return spell({name: head[name] for name in SIGNED})


def show_instant(moment: datetime) -> str:
    """Return RFC 3339 in UTC with six digits of a second, always: ``2026-01-02T03:04:05.000000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def show_second(moment: datetime) -> str:
    """Return RFC 3339 in UTC in whole seconds: ``2026-01-02T03:05:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
