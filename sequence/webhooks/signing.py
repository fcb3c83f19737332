"""Signatures of webhooks: Standard Webhooks and the vendor's header, over the very bytes that are sent.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets as randomness
from collections.abc import Sequence

from sequence.core.api.ids import parse_id

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Return a fresh secret. It is shown once, and stored encrypted."""
    return PREFIX + base64.b64encode(randomness.token_bytes(SECRET_BYTES)).decode()


def headers_of(event_id: str, body: bytes, *, secrets: Sequence[str], seconds: int) -> dict[str, str]:
    """Return the headers that name the event, the time and the signatures of ``body``; the newest secret first."""
    newest = secrets[0]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(_standard(secret, event_id, seconds, body) for secret in secrets),
        "X-Sequence-Signature": f"t={seconds},v1={_hex_digest(newest.encode(), f'{seconds}.'.encode() + body)}",
        "X-Sequence-Event-Id": str(parse_id("evt", event_id)),
    }


def _standard(secret: str, event_id: str, seconds: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{event_id}.{seconds}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _hex_digest(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()
