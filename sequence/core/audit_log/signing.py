"""Signing of heads with Ed25519: the newest pair of keys signs, every pair that ever did is published."""

import base64
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import connection

from sequence.core import clock
from sequence.core.audit_log.chain import show_second, signed_part
from sequence.core.audit_log.models import NO_HASH, AuditChain, AuditSigningKey
from sequence.core.transactions import transactional
from sequence.core.typing import JsonObject

# Any number that no other advisory lock of the project has.
_LOCK = 7_314_005


def public_keys() -> dict[str, str]:
    """Return every public key by its id, the oldest first; the first pair is made when somebody asks."""
    keys = AuditSigningKey.objects.defer("private_key").order_by("number")
    return {key.key_id: key.public_key for key in keys} or _public_part(signing_key())


def _public_part(key: AuditSigningKey) -> dict[str, str]:
    return {key.key_id: key.public_key}


def signing_key() -> AuditSigningKey:
    """Return the pair that signs, made if there is none."""
    return AuditSigningKey.objects.order_by("-number").first() or add_signing_key(only_first=True)


@transactional
def add_signing_key(*, only_first: bool = False) -> AuditSigningKey:
    """Make a pair that signs from now on; with ``only_first`` unless somebody else has made the first meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    newest = AuditSigningKey.objects.order_by("-number").first()
    if newest is not None and only_first:
        return newest
    private = Ed25519PrivateKey.generate()
    return AuditSigningKey.objects.create(
        number=newest.number + 1 if newest else 1,
        private_key=_base64(private.private_bytes_raw()),
        public_key=_base64(private.public_key().public_bytes_raw()),
    )


def head_of(organization_id: str) -> JsonObject:
    """Return the signed head of the organization's chain, as it is now."""
    chain = AuditChain.objects.filter(organization_id=organization_id).first()
    return sign_chain(chain or AuditChain(organization_id=organization_id))


def sign_chain(chain: AuditChain) -> JsonObject:
    """Return the signed head of the chain."""
    key = signing_key()
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(key.private_key))
    return sign(
        private,
        key_id=key.key_id,
        organization_id=chain.organization_id,
        sequence=chain.sequence,
        hash=bytes(chain.hash or NO_HASH),
        at=clock.now(),
    )


def sign(
    private: Ed25519PrivateKey, *, key_id: str, organization_id: str | None, sequence: int, hash: bytes, at: datetime
) -> JsonObject:
    """Return a head with its signature."""
    head: JsonObject = {
        "organization_id": organization_id,
        "sequence": sequence,
        "hash": hash.hex(),
        "signed_at": show_second(at),
        "key_id": key_id,
    }
    return {**head, "signature": _base64(private.sign(signed_part(head)))}


def is_signed(head: JsonObject, public_key: bytes) -> bool:
    """Say whether the head is what the owner of the key signed."""
    try:
        signature = base64.b64decode(head["signature"], validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed_part(head))
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return False
    return True


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
