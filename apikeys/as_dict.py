"""API keys as commands tell them."""

from apikeys.models import ApiKey
from sequence.core import clock
from sequence.core.api.fields import show_time
from sequence.core.typing import JsonObject


def new_key_as_dict(key: ApiKey, token: str) -> JsonObject:
    """Return what is told of a key at its creation, the only time that its secret is."""
    return {
        "id": key.id,
        "key": token,
        "prefix": key.prefix,
        "name": key.name,
        "organization": key.organization_id,
        "permissions": _permissions(key),
    }


def key_as_dict(key: ApiKey) -> JsonObject:
    """Return what is told of a key later on."""
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "organization": key.organization_id,
        "permissions": _permissions(key),
        "status": _status(key),
        "created_by": key.created_by,
        "created_at": show_time(key.created_at),
        "expires_at": show_time(key.expires_at) if key.expires_at else None,
        "last_used_at": show_time(key.last_used_at) if key.last_used_at else None,
        "revoked_at": show_time(key.revoked_at) if key.revoked_at else None,
        "paused_at": show_time(key.paused_at) if key.paused_at else None,
    }


def _permissions(key: ApiKey) -> list[JsonObject]:
    return [permission.as_json() for permission in key.permissions()]


def _status(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if not key.is_usable(clock.now()):
        return "expired"
    return "active" if key.paused_at is None else "paused"
