"""Standing: whether a key and its organization may start anything, and the locks that no stop can be slipped past by.

Whoever starts something holds a shared lock until the commit, whoever stops it the exclusive one: what was started
before the stop is then there to be cancelled, and what comes later sees the stop. They are advisory locks because those
queue in order. A row lock would let ever new requests of a busy key share the row while the stop waits for none to be
left, and it would write to the row for each of them.
"""

from django.db import connection
from django.db.models import Exists

from apikeys.models import ApiKey, Organization, OrganizationStatus
from sequence.core.api.ids import parse_id

# Also in the trigger of transfers, which cannot import it.
_LOCK_NUMBER = "uuid_hash_extended(%s, 1)"


def hold_organization(organization_id: str) -> None:
    """Wait for what the organization's keys and rules are starting, and let nothing new start until the commit."""
    _hold("org", organization_id)


def hold_lineage(lineage_id: str) -> None:
    """Wait for what the keys of the lineage are starting, and let nothing new start until the commit."""
    _hold("key", lineage_id)


def _hold(prefix: str, id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})", [parse_id(prefix, id)])


def share_standing(organization_id: str, key_id: str | None) -> bool:
    """Keep the organization, and the key if there is one, from being stopped until the commit, without waiting.

    False where somebody is stopping them right now: a caller that already holds rows which the stop needs leaves the
    work for later, instead of waiting in a circle.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_try_advisory_xact_lock_shared({_LOCK_NUMBER}), COALESCE((SELECT "  # noqa: S608 - a constant
            "pg_try_advisory_xact_lock_shared(uuid_hash_extended(lineage_id, 1)) FROM apikeys_apikey WHERE id = %s"
            "), TRUE)",
            [parse_id("org", organization_id), parse_id("key", key_id or "")],
        )
        return all(cursor.fetchone())


def what_is_stopped(organization_id: str, key_id: str | None) -> type[Organization] | type[ApiKey] | None:
    """Return which of the two is stopped now, the organization before the key; None where neither is."""
    stopped = ApiKey.objects.filter(id=key_id).stopped()
    rows = Organization.objects.filter(id=organization_id).values_list("status", Exists(stopped))
    status, is_key_stopped = rows.get()
    if status != OrganizationStatus.ACTIVE:
        return Organization
    return ApiKey if is_key_stopped else None
