"""Both vectors of the contract, and the spelling that they rest on."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sequence.core.audit_log.chain import hash_of, show_instant, spell
from sequence.core.audit_log.models import NO_HASH
from sequence.core.audit_log.signing import is_signed, sign

ENTRY = json.loads(
    """{"action":"CREATE_TRANSFER","actor":"key:key_01M88S84EYGFVWFW4MTJ3PMM81","created_at":"2026-01-02T03:04:05.000000Z",
    "error_code":null,"id":"aud_01KDYR9VH8000000000000001A","method":"POST","organization_id":"org_01M88RZTG7ETD937SAD9R34101",
    "outcome":"success","path":"/api/v1/transfers","reason":null,"request_id":"feat-1",
    "resource":{"id":"txr_01KDYR9VH8000000000000002B","type":"transfer"},"sequence":1,"status":201,"via":"api"}"""
)
HASH = "bf8c9c9155e464ad7830e6f7a6184e5f652d140082114a0180591b282308e036"
SIGNATURE = "LLjZ0x9JpanvUOfW5DAHrCH8/MB5sUQsY7NYQaf894EyXPqOjk9fBT1nb2aGO8EimdLqzrEqArgdYezXWaVtAQ=="


@pytest.fixture
def private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def head(private):
    return sign(
        private,
        key_id="ak1",
        organization_id=ENTRY["organization_id"],
        sequence=1,
        hash=bytes.fromhex(HASH),
        at=datetime(2026, 1, 2, 3, 5, tzinfo=UTC),
    )


class TestVectors:
    def test_of_the_hash_of_the_first_entry(self):
        assert hash_of(NO_HASH, ENTRY).hex() == HASH

    def test_of_the_signed_head(self, head):
        assert head["signed_at"] == "2026-01-02T03:05:00Z"
        assert head["signature"] == SIGNATURE


class TestHash:
    def test_is_of_neither_seal(self):
        assert hash_of(NO_HASH, {**ENTRY, "previous_hash": "00", "hash": "11"}).hex() == HASH

    def test_is_of_everything_else(self):
        for name in ENTRY:
            assert hash_of(NO_HASH, {**ENTRY, name: "other"}).hex() != HASH

    def test_follows_from_the_one_before(self):
        one = hash_of(NO_HASH, ENTRY)

        assert hash_of(one, ENTRY) == hashlib.sha256(one + spell(ENTRY)).digest() != one


class TestSignature:
    def test_is_of_one_head_and_one_key(self, head, private):
        public = private.public_key().public_bytes_raw()

        assert is_signed(head, public)
        for name in ("organization_id", "hash", "signed_at", "key_id", "signature"):
            assert not is_signed({**head, name: "other"}, public)
        assert not is_signed({**head, "sequence": 2}, public)
        assert not is_signed({**head, "signature": None}, public)
        assert not is_signed({}, public)
        assert not is_signed(head, Ed25519PrivateKey.generate().public_key().public_bytes_raw())


class TestTime:
    def test_has_six_digits_of_a_second_always(self):
        assert show_instant(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05.000000Z"
        assert show_instant(datetime(2026, 1, 2, 3, 4, 5, 7, tzinfo=UTC)) == "2026-01-02T03:04:05.000007Z"
