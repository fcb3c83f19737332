"""Standing: whether a key and its organization may start anything, and the locks that no stop can be slipped past by.

Whoever starts something holds a shared lock until the commit, whoever stops it the exclusive one: what was started
before the stop is then there to be cancelled, and what comes later sees the stop. They are advisory locks because those
queue in order. A row lock would let ever new requests of a busy key share the row while the stop waits for none to be
left, and it would write to the row for each of them.
"""

from collections.abc import Collection

from django.db import connection

from apikeys.models import ApiKey, Organization, OrganizationStatus
from sequence.core.api.ids import parse_id
from sequence.core.database.owned import within

# An organization, and the key of it that asks where one does.
Asker = tuple[str, str | None]
Stopped = type[Organization] | type[ApiKey]

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


def share_standings(askers: Collection[Asker]) -> set[Asker]:
    """Keep these organizations and keys from being stopped until the commit, without waiting; return which are kept so.

    Missing are those that somebody is stopping right now: a caller that already holds rows which the stop needs leaves
    their work for later, instead of waiting in a circle.
    """
    asked = list(askers)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT pg_try_advisory_xact_lock_shared(uuid_hash_extended(asker.organization_id, 1)), COALESCE((
                SELECT pg_try_advisory_xact_lock_shared(uuid_hash_extended(lineage_id, 1))
                FROM apikeys_apikey WHERE id = asker.key_id AND organization_id = asker.organization_id
            ), TRUE)
            FROM unnest(%s::uuid[], %s::uuid[]) WITH ORDINALITY AS asker (organization_id, key_id, number)
            ORDER BY asker.number
            """,
            [
                [parse_id("org", organization_id) for organization_id, _ in asked],
                [parse_id("key", key_id or "") for _, key_id in asked],
            ],
        )
        return {asker for asker, is_free in zip(asked, map(all, cursor.fetchall()), strict=True) if is_free}


def what_is_stopped(organization_id: str, key_id: str | None) -> Stopped | None:
    """Return which of the two is stopped now, the organization before the key; None where neither is."""
    return what_is_stopped_of({(organization_id, key_id)}).get((organization_id, key_id))


def what_is_stopped_of(askers: Collection[Asker]) -> dict[Asker, Stopped]:
    """Return what is stopped of each organization and key; those of which nothing is are missing."""
    closed = Organization.objects.filter(id__in={id for id, _ in askers}).exclude(status=OrganizationStatus.ACTIVE)
    organizations = set(closed.values_list("id", flat=True))
    key_ids = {id for _, id in askers if id is not None}
    known = within(ApiKey.objects.filter(id__in=key_ids), {id for id, _ in askers})
    keys = set(known.stopped().values_list("id", flat=True)) if key_ids else set()
    found: dict[Asker, Stopped] = {asker: ApiKey for asker in askers if asker[1] in keys}
    return found | {asker: Organization for asker in askers if asker[0] in organizations}
