"""Keys and organizations as commands tell them."""

from apikeys.models import ApiKey, Organization
from sequence.core import clock
from sequence.core.api.fields import show_time
from sequence.core.typing import JsonObject


def organization_as_dict(organization: Organization) -> JsonObject:
    """Return what is told of an organization."""
    return {
        "id": organization.id,
        "name": organization.name,
        "legal_name": organization.legal_name,
        "status": organization.status,
        "created_at": show_time(organization.created_at),
        "suspended_at": show_time(organization.suspended_at) if organization.suspended_at else None,
    }


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
        "status": status_of(key),
        "created_by": key.created_by,
        "created_at": show_time(key.created_at),
        "expires_at": show_time(key.expires_at) if key.expires_at else None,
        "last_used_at": show_time(key.last_used_at) if key.last_used_at else None,
        "revoked_at": show_time(key.revoked_at) if key.revoked_at else None,
        "paused_at": show_time(key.paused_at) if key.paused_at else None,
    }


def _permissions(key: ApiKey) -> list[JsonObject]:
    return [permission.as_json() for permission in key.permissions()]


def status_of(key: ApiKey) -> str:
    """Return ``active``, ``paused``, ``revoked`` or ``expired``."""
    if key.revoked_at is not None:
        return "revoked"
    if not key.is_usable(clock.now()):
        return "expired"
    return "active" if key.paused_at is None else "paused"
