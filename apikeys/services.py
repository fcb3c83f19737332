"""Services of organizations and keys: create, permit, rotate, revoke. Each is one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from apikeys.custody import note_custodian
from apikeys.entries import Permission
from apikeys.errors import (
    ApiKeyAlreadyRotated,
    ApiKeyNotFound,
    ApiKeyNotUsable,
    InvalidPermission,
    OrganizationNotFound,
)
from apikeys.models import (
    ApiKey,
    Custody,
    IdempotencyRecord,
    Organization,
    OrganizationStatus,
    PermissionEntry,
    SpentPair,
)
from apikeys.standing import hold_lineage, hold_organization
from apikeys.tokens import digest_of, new_token, shown_part
from sequence.core import clock
from sequence.core.audit import record_events
from sequence.core.transactions import transactional

# Records removed in one statement: enough to be quick, few enough to hold locks for a blink.
PURGE_BATCH = 1000
# A day is long enough to bring the new key to every machine that uses the old one.
DEFAULT_OVERLAP_HOURS = 24
# Two keys for one purpose are twice the risk; a month is no rotation any more.
MAX_OVERLAP_HOURS = 31 * 24


def create_organization(*, name: str, legal_name: str = "") -> Organization:
    """Return a new, active organization. Without a legal name the name serves as one."""
    return Organization.objects.create(name=name, legal_name=legal_name or name)


@transactional
def set_organization_status(*, organization_id: str, status: OrganizationStatus) -> Organization:
    """Suspend or reactivate. Suspended twice it keeps the first time; so does one that is active already.

    Its keys notice at their next request and its rules start nothing; ``sequence.stops.services`` also ends what they
    have under way. Raises OrganizationNotFound.
    """
    get_organization(organization_id)
    hold_organization(organization_id)
    organization = Organization.objects.select_for_update(no_key=True).get(id=organization_id)
    if organization.status != status:
        now = clock.now()
        organization.status = status
        organization.suspended_at = now if status == OrganizationStatus.SUSPENDED else None
        organization.active_since = now if status == OrganizationStatus.ACTIVE else organization.active_since
        organization.save(update_fields=["status", "suspended_at", "active_since", "updated_at"])
    return organization


def get_organization(organization_id: str) -> Organization:
    """Return the organization. Raises OrganizationNotFound."""
    organization = Organization.objects.filter(id=organization_id).first()
    if organization is None:
        raise OrganizationNotFound()
    return organization


@transactional
def create_api_key(
    *,
    organization: Organization,
    name: str,
    permissions: Sequence[Permission],
    created_by: str,
    expires_at: datetime | None = None,
    rate_limit_per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """Return a new key and its secret, which is stored nowhere and cannot be shown again.

    Raises InvalidPermission when two entries say the same.
    """
    token = new_token()
    key = ApiKey(
        organization=organization,
        name=name,
        prefix=shown_part(token),
        digest=digest_of(token),
        created_by=created_by,
        permissions_changed_by=created_by,
        expires_at=expires_at,
        rate_limit_per_minute=rate_limit_per_minute,
    )
    key.lineage_id = key.id
    key.save(force_insert=True)
    note_custodian(key, actor=created_by, how=Custody.CREATED)
    _write_entries(key, permissions)
    return key, token


@transactional
def edit_api_key(*, key_id: str, changes: Mapping[str, object], changed_by: str) -> ApiKey:
    """Write these of the key's own fields: name, expires_at, rate_limit_per_minute. Raises ApiKeyNotFound."""
    key = lock_api_key(key_id)
    for name, value in changes.items():
        setattr(key, name, value)
    key.save(update_fields=list(changes))
    note_custodian(key, actor=changed_by, how=Custody.CHANGED)
    return key


@transactional
def set_permissions(*, key_id: str, permissions: Sequence[Permission], changed_by: str) -> ApiKey:
    """Let the key do exactly this. Raises ApiKeyNotFound, InvalidPermission."""
    key = lock_api_key(key_id)
    _rewrite_entries(key, permissions)
    note_permissions_changed(key, changed_by=changed_by)
    return key


def note_permissions_changed(key: ApiKey, *, changed_by: str) -> None:
    """Remember who answers for what the key may do now. The caller holds the key's lock."""
    key.permissions_changed_by = changed_by
    key.permissions_changed_at = clock.now()
    key.save(update_fields=["permissions_changed_by", "permissions_changed_at"])
    note_custodian(key, actor=changed_by, how=Custody.CHANGED)


@transactional
def revoke_api_key(*, key_id: str) -> ApiKey:
    """Close the key for good, at its next request. Revoking twice keeps the first time.

    ``sequence.stops.services`` also ends what it has under way. Raises ApiKeyNotFound.
    """
    hold_lineage(get_api_key(key_id).lineage_id)
    key = lock_api_key(key_id)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        key.save(update_fields=["revoked_at"])
    return key


@transactional
def pause_api_key(*, key_id: str, by: str, note: str | None = None) -> list[ApiKey]:
    """Close the key and its whole lineage until somebody resumes it, and return the keys, the newest first.

    Pausing twice keeps the first time. ``sequence.stops.services`` also ends what they have under way. Raises
    ApiKeyNotFound, ApiKeyNotUsable for a revoked one.
    """
    keys = _lock_lineage(key_id)
    now = clock.now()
    for key in keys:
        if key.paused_at is None and key.revoked_at is None:
            key.paused_at, key.paused_by, key.pause_note = now, by, note
            key.save(update_fields=["paused_at", "paused_by", "pause_note"])
    return keys


@transactional
def resume_api_key(*, key_id: str) -> list[ApiKey]:
    """Let the lineage of a paused key work again, and return its keys, the newest first. What was stopped stays so.

    Raises ApiKeyNotFound, ApiKeyNotUsable for a revoked one.
    """
    keys = _lock_lineage(key_id)
    for key in keys:
        if key.paused_at is not None and key.revoked_at is None:
            key.paused_at = key.paused_by = key.pause_note = None
            key.save(update_fields=["paused_at", "paused_by", "pause_note"])
    return keys


def _lock_lineage(key_id: str) -> list[ApiKey]:
    """Return the keys of the lineage, locked, the newest first. Raises ApiKeyNotFound, ApiKeyNotUsable."""
    key = get_api_key(key_id)
    # A rotation holds it too, so that no key joins the lineage meanwhile.
    hold_lineage(key.lineage_id)
    keys = list(ApiKey.objects.filter(lineage_id=key.lineage_id).order_by("id").select_for_update(no_key=True))
    if any(one.id == key.id and one.revoked_at is not None for one in keys):
        raise ApiKeyNotUsable(key_id=key.id)
    return sorted(keys, key=lambda one: (one.created_at, one.id), reverse=True)


@transactional
def rotate_api_key(*, key_id: str, overlap: timedelta, rotated_by: str) -> tuple[ApiKey, str]:
    """Return a successor with the same permissions, limits and expiry, and its secret.

    The old key lives until the overlap ends (or its own expiry, if that is sooner). Idempotency records and spent
    amounts belong to the lineage and go on. Raises ApiKeyNotFound, ApiKeyNotUsable, ApiKeyAlreadyRotated.
    """
    now = clock.now()
    hold_lineage(get_api_key(key_id).lineage_id)
    old = lock_api_key(key_id)
    successor = ApiKey.objects.filter(replaces=old).first()
    if successor is not None:
        raise ApiKeyAlreadyRotated(key_id=old.id, successor_id=successor.id)
    if not old.is_usable(now):
        raise ApiKeyNotUsable(key_id=old.id)
    token = new_token()
    new = ApiKey.objects.create(
        organization_id=old.organization_id,
        name=old.name,
        prefix=shown_part(token),
        digest=digest_of(token),
        lineage_id=old.lineage_id,
        replaces=old,
        created_by=rotated_by,
        # A rotation grants nothing: whoever decided on these permissions still answers for them.
        permissions_changed_by=old.permissions_changed_by,
        permissions_changed_at=old.permissions_changed_at,
        expires_at=old.expires_at,
        rate_limit_per_minute=old.rate_limit_per_minute,
        # No rotation resumes a lineage.
        paused_at=old.paused_at,
        paused_by=old.paused_by,
        pause_note=old.pause_note,
    )
    note_custodian(new, actor=rotated_by, how=Custody.ROTATED)
    _write_entries(new, old.permissions())
    end = now + overlap
    old.expires_at = end if old.expires_at is None else min(end, old.expires_at)
    old.save(update_fields=["expires_at"])
    return new, token


def get_api_key(key_id: str) -> ApiKey:
    """Return the key. Raises ApiKeyNotFound."""
    key = ApiKey.objects.filter(id=key_id).first()
    if key is None:
        raise ApiKeyNotFound()
    return key


def lock_api_key(key_id: str) -> ApiKey:
    """Return the key, locked until the transaction ends. Raises ApiKeyNotFound."""
    key = ApiKey.objects.select_for_update(no_key=True).filter(id=key_id).first()
    if key is None:
        raise ApiKeyNotFound()
    return key


def purge_idempotency_records(*, include_live: bool = False) -> int:
    """Remove one batch of expired records (with ``include_live``: of any) and return how many it was.

    Call it until it returns 0. A record that a request is using is skipped.
    """
    records = IdempotencyRecord.objects.all()
    if not include_live:
        records = records.expired(clock.now())
    batch = records.select_for_update(skip_locked=True).order_by("id")[:PURGE_BATCH]
    # Looked for first: inside the DELETE they may be looked for again for each row, and then they are others.
    removed, _ = IdempotencyRecord.objects.filter(id__in=list(batch.values_list("id", flat=True))).delete()
    return removed


@transactional
def expire_idempotency_records(*, ids: Collection[int]) -> int:
    """Free the keys of the live ones among these records now, and return how many it was.

    A repeated request then executes again, which is why the audit trail names each record.
    """
    now = clock.now()
    live = _lock_records(ids).filter(expires_at__gt=now)
    record_events(live, label="expire")
    return IdempotencyRecord.objects.filter(id__in=[record.id for record in live]).update(expires_at=now)


@transactional
def remove_idempotency_records(*, ids: Collection[int]) -> int:
    """Remove these records, expired or not, and return how many it was; otherwise as expiring them."""
    records = _lock_records(ids)
    record_events(records, label="purge")
    removed, _ = IdempotencyRecord.objects.filter(id__in=[record.id for record in records]).delete()
    return removed


def _lock_records(ids: Collection[int]) -> QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.filter(id__in=ids).order_by("id").select_for_update()


def _write_entries(key: ApiKey, permissions: Sequence[Permission]) -> None:
    """Give a new key its entries. A rotated key's come with the spend ids of its predecessor's."""
    _refuse_repeated(permissions)
    entries = _new_entries(key, permissions)
    for entry, permission in zip(entries, permissions, strict=True):
        entry.spend_id = permission.spend_id or entry.spend_id
    PermissionEntry.objects.bulk_create(entries)


def _rewrite_entries(key: ApiKey, permissions: Sequence[Permission]) -> None:
    """Make the entries say this, and touch only those that do not yet.

    The audit trail then tells what was changed and no more. New words for a pair go on counting where the old ones
    were, because the spend id stays with the row; another pair begins anew.
    """
    _refuse_repeated(permissions)
    rows, wanted = list(key.entries.all()), list(permissions)
    for is_match in (_says_the_same, _reaches_the_same):
        for permission in list(wanted):
            row = next((row for row in rows if is_match(row, permission)), None)
            if row is not None:
                rows.remove(row)
                wanted.remove(permission)
                row.allow(permission)
    for row in rows:
        row.delete()
    PermissionEntry.objects.bulk_create(_new_entries(key, wanted))


def _says_the_same(row: PermissionEntry, permission: Permission) -> bool:
    return row.as_permission() == permission


def _reaches_the_same(row: PermissionEntry, permission: Permission) -> bool:
    return (row.scope, row.source, row.target) == (permission.scope, permission.source, permission.target)


def _new_entries(key: ApiKey, permissions: Sequence[Permission]) -> list[PermissionEntry]:
    """Return entries that go on counting where earlier ones of the lineage for the same pair have left off."""
    known = _unused_pairs(key)
    entries: list[PermissionEntry] = []
    pairs: list[SpentPair] = []
    for permission in permissions:
        entry = PermissionEntry(
            organization_id=key.organization_id, api_key=key, **PermissionEntry.columns_of(permission)
        )
        if permission.source and permission.target and permission.spend_id is None:
            kept = known.get((permission.source, permission.target))
            pair = kept.pop(0) if kept else _new_pair(key, permission.source, permission.target)
            entry.spend_id = pair.spend_id
            pairs += [pair] if pair.pk is None else []
        entries.append(entry)
    SpentPair.objects.bulk_create(pairs)
    return entries


def _new_pair(key: ApiKey, source: str, target: str) -> SpentPair:
    return SpentPair(organization_id=key.organization_id, lineage_id=key.lineage_id, source=source, target=target)


def _unused_pairs(key: ApiKey) -> dict[tuple[str, str], list[SpentPair]]:
    """Return the pairs that the lineage has counted, and that no entry of the key counts by now; the oldest first."""
    unused: dict[tuple[str, str], list[SpentPair]] = {}
    used = key.entries.values("spend_id")
    for pair in SpentPair.objects.filter(lineage_id=key.lineage_id).exclude(spend_id__in=used).order_by("id"):
        unused.setdefault((pair.source, pair.target), []).append(pair)
    return unused


def _refuse_repeated(permissions: Sequence[Permission]) -> None:
    if len(set(permissions)) < len(permissions):
        raise InvalidPermission("The same permission is given twice.")
