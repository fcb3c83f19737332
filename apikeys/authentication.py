"""Authentication: ``Authorization: ApiKey <key>`` becomes an ``AuthenticatedKey``, in one statement."""

import hmac
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

import structlog
from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apikeys.entries import Permission
from apikeys.errors import ApiKeyNotFound, ApiKeyNotUsable, KeyPaused
from apikeys.limits import EVERY_LIMIT
from apikeys.models import ApiKey, OrganizationStatus
from apikeys.scopes import EVERYTHING, ResourceKind, Scope
from apikeys.strangers import strangers
from apikeys.tokens import digest_of, is_well_formed
from sequence.core import clock
from sequence.core.api.fields import show_time
from sequence.core.api.ids import show_id
from sequence.core.client_address import client_address, network_of
from sequence.core.database.kept_cursor import fetch, run
from sequence.core.errors import Unauthorized

# Staff ask "is this key still used?", not "when exactly?": one write a minute answers it.
LAST_USE_PRECISION = timedelta(minutes=1)

_LIMIT_COLUMNS = ", ".join(limit.column for limit in EVERY_LIMIT.values())
# Hand-written because every request pays for it: the key, its organization and its entries in one round trip.
_FIND_KEY = f"""
SELECT key.id, key.digest, key.prefix, key.lineage_id, key.organization_id, organization.legal_name,
       key.rate_limit_per_minute,
       key.revoked_at IS NULL AND (key.expires_at IS NULL OR key.expires_at > %(now)s)
           AND organization.status = %(active)s,
       (SELECT json_agg(json_build_array(scope, resources, source, target, spend_id, {_LIMIT_COLUMNS})
                        ORDER BY entry.id)
        FROM apikeys_permissionentry entry
        WHERE entry.organization_id = key.organization_id AND entry.api_key_id = key.id)::text,
       key.paused_at, key.last_used_at
FROM apikeys_apikey key JOIN apikeys_organization organization ON organization.id = key.organization_id
WHERE key.digest = %(digest)s
"""  # noqa: S608 - names of our own columns

# What it returns of one key.
Row = tuple[Any, ...]

# Skips a row that another request holds, so that nobody ever waits for it.
_NOTE_USE = """
UPDATE apikeys_apikey SET last_used_at = %(now)s
WHERE organization_id = %(organization)s AND id = (
    SELECT id FROM apikeys_apikey WHERE organization_id = %(organization)s AND id = %(id)s
    FOR NO KEY UPDATE SKIP LOCKED
)
"""


@dataclass(frozen=True, kw_only=True)
class AuthenticatedKey:
    """The caller, as of the start of this request."""

    id: str
    prefix: str
    lineage_id: str
    organization_id: str
    legal_name: str
    rate_limit_per_minute: int | None
    permissions: tuple[Permission, ...]
    paused_at: datetime | None = None

    def has(self, scope: Scope) -> bool:
        """Say whether any entry grants the scope, on whatever resource."""
        return any(permission.scope is scope for permission in self.permissions)

    def can(self, scope: Scope, resource_id: str) -> bool:
        """Say whether an entry of ``scope`` reaches the resource, whether that exists or not."""
        return any(permission.scope is scope and permission.allows(resource_id) for permission in self.permissions)

    def named(self, scope: Scope) -> set[str]:
        """Return the ids that entries of the scope name; ``*`` names none."""
        entries = (permission for permission in self.permissions if permission.scope is scope)
        return {id for entry in entries for id in entry.resources} - {EVERYTHING}

    def reaches(self, scope: Scope, ids: Sequence[str | None]) -> bool:
        """Say whether an entry of ``scope`` reaches any of the ids; of a scope on pairs, whether one reaches the pair.

        A missing end of a pair is matched by ``*`` alone.
        """
        if scope.resource_kind is ResourceKind.ACCOUNT_PAIR:
            source, destination = ids
            return any(
                permission.scope is scope and permission.matches_pair(source or "", destination or "")
                for permission in self.permissions
            )
        return any(self.can(scope, id) for id in ids if id)

    def reaches_everything(self, scope: Scope) -> bool:
        """Say whether ``*`` is among the resources of the scope: for pairs, on both ends of one entry."""
        ends = 2 if scope.resource_kind is ResourceKind.ACCOUNT_PAIR else 1
        return self.reaches(scope, [EVERYTHING] * ends)


class ApiKeyAuthentication(BaseAuthentication):
    """DRF's hook. ``request.auth`` is the ``AuthenticatedKey``; there is no ``request.user`` behind a key."""

    # By which names a dialect lets the header begin.
    schemes: ClassVar[Collection[str]] = ("apikey",)

    def authenticate(self, request: Request) -> tuple[None, AuthenticatedKey]:
        header = request.headers.get("Authorization", "")
        scheme, _, token = header.partition(" ")
        if not header.strip():
            raise Unauthorized.seen("missing")
        if scheme.lower() not in self.schemes:
            raise Unauthorized.seen("scheme")
        if not is_well_formed(token):
            raise Unauthorized.seen("malformed")
        key = _find_unless_guessing(token, network_of(client_address(request._request)))
        structlog.contextvars.bind_contextvars(key_id=key.id, organization_id=key.organization_id)
        return None, key


def _find_unless_guessing(token: str, place: str) -> AuthenticatedKey:
    """Return the key, and count those that nobody made. Raises Unauthorized, or TooManyUnknownKeys without looking.

    One that is revoked, expired, or of a suspended organization is known: it is refused, and no guess.
    """
    if not settings.RATE_LIMIT_ENABLED:
        return find_key(token, at=clock.now())
    digest, now = digest_of(token), clock.now()
    strangers.check(place, digest, at=now)
    row = _look_up(digest, at=now)
    if row is None:
        strangers.refuse(place, digest, at=now)
    else:
        strangers.welcome(digest)
    return _open_key(row, at=now)


def find_key(token: str, *, at: datetime) -> AuthenticatedKey:
    """Return the key whose secret is ``token``.

    Raises Unauthorized, always the same, for one that is unknown, revoked, expired, or of a suspended organization.
    """
    return _open_key(_look_up(digest_of(token), at=at), at=at)


def _look_up(digest: bytes, *, at: datetime) -> Row | None:
    """Return what ``_FIND_KEY`` tells of the key, open or not, or None where there is none."""
    rows = fetch(_FIND_KEY, {"digest": digest, "now": at, "active": OrganizationStatus.ACTIVE.value})
    return rows[0] if rows and hmac.compare_digest(bytes(rows[0][1]), digest) else None


def _open_key(row: Row | None, *, at: datetime) -> AuthenticatedKey:
    """Return the key that was looked up, and note its use. Raises Unauthorized where it is not open."""
    if row is None or not row[7]:
        raise Unauthorized()
    if row[10] is None or not at - LAST_USE_PRECISION < row[10] <= at:
        run(_NOTE_USE, {"id": row[0], "organization": row[4], "now": at})
    return AuthenticatedKey(
        id=show_id("key", row[0]),
        prefix=row[2],
        lineage_id=show_id("key", row[3]),
        organization_id=show_id("org", row[4]),
        legal_name=row[5],
        rate_limit_per_minute=row[6],
        permissions=_permissions(row[8] or "[]"),
        paused_at=row[9],
    )


def key_as_caller(key_id: str) -> AuthenticatedKey:
    """Return the key as a request of its would find it, for whoever wants to know beforehand what it would meet.

    Raises ApiKeyNotFound, ApiKeyNotUsable, KeyPaused.
    """
    key = ApiKey.objects.select_related("organization").filter(id=key_id).first()
    if key is None:
        raise ApiKeyNotFound()
    if not key.is_usable(clock.now()) or key.organization.status != OrganizationStatus.ACTIVE:
        raise ApiKeyNotUsable(key_id=key.id)
    if key.paused_at is not None:
        raise KeyPaused(paused_at=show_time(key.paused_at))
    return AuthenticatedKey(
        id=key.id,
        prefix=key.prefix,
        lineage_id=key.lineage_id,
        organization_id=key.organization_id,
        legal_name=key.organization.legal_name,
        rate_limit_per_minute=key.rate_limit_per_minute,
        permissions=tuple(key.permissions()),
    )


@lru_cache(maxsize=1024)
def _permissions(entries: str) -> tuple[Permission, ...]:
    """Return what the entries allow. They are immutable, and the same text comes with every request of a key."""
    return tuple(_permission(entry) for entry in json.loads(entries))


def _permission(entry: list[Any]) -> Permission:
    scope, resources, source, target, spend_id, *limits = entry
    return Permission(
        scope=Scope(scope),
        resources=tuple(resources),
        source=source,
        target=target,
        spend_id=UUID(spend_id),
        **dict(zip(EVERY_LIMIT, limits, strict=True)),
    )
