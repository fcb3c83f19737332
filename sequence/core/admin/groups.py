"""Groups of staff, three, told by what they may do.

A superuser puts people into them, or makes other groups beside them. Groups that are there are left alone: what a
superuser has taken away must not come back with the next upgrade. ``create_staff_groups`` brings them back to this.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.apps import AppConfig, apps
from django.apps.registry import Apps
from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS

from sequence.core.admin.pages.staff import useful_permissions
from sequence.core.audit import run_audited
from sequence.core.wired import wired

VIEWERS, OPERATORS, ADMINISTRATORS = "viewers", "operators", "administrators"
NAMES = (VIEWERS, OPERATORS, ADMINISTRATORS)


@dataclass(frozen=True)
class GroupChange:
    """What bringing one group up to date gave it and took from it; ``permissions`` is all it has now."""

    name: str
    permissions: list[str]
    given: list[str]
    taken: list[str]


def permissions_of(name: str) -> dict[str, Permission]:
    """Return what the group is to have, by ``app.codename``. Who is staff stays with superusers."""
    useful = useful_permissions().exclude(content_type__app_label="auth").select_related("content_type")
    by_name = {_full_name(permission): permission for permission in useful}
    if name == ADMINISTRATORS:
        return by_name
    more = wired("DAILY_WORK") if name == OPERATORS else set()
    return {full: row for full, row in by_name.items() if row.codename.startswith("view_") or full in more}


def bring_up_to_date(names: Sequence[str] = NAMES) -> list[GroupChange]:
    """Make the groups that are missing, and let each have exactly its permissions. Asked again, it changes nothing."""
    return [_bring_up_to_date(name) for name in names]


def make_missing_groups(sender: AppConfig, *, using: str, apps: Apps = apps, **facts: object) -> None:
    """Make the groups that are not there yet: the receiver of ``post_migrate``.

    Django makes an app's permissions just after that app's turn, so this waits for the last app; and for a migration
    that leads to the end, since a group that is made half would stay so.
    """
    is_last = sender is last_to_migrate() and using == DEFAULT_DB_ALIAS
    if not is_last or not _is_migrated(apps) or not _is_complete():
        return
    there = set(Group.objects.filter(name__in=NAMES).values_list("name", flat=True))
    missing = [name for name in NAMES if name not in there]
    if missing:
        run_audited(lambda: bring_up_to_date(missing), actor="command:migrate", reason="groups that were missing")


def last_to_migrate() -> AppConfig:
    """Return the last of the apps that have models; for the others nothing is signalled."""
    return [app for app in apps.get_app_configs() if app.models_module is not None][-1]


def _is_migrated(state: Apps) -> bool:
    """Say whether the tables of groups are there, in the state that the migration has led to."""
    try:
        state.get_model("auth", "Permission")
        state.get_model("sequence", "TrackedGroupPermission")
    except LookupError:
        return False
    return True


def _is_complete() -> bool:
    """Say whether every permission that the groups name exists."""
    daily_work: frozenset[str] = wired("DAILY_WORK")
    return permissions_of(ADMINISTRATORS).keys() >= daily_work


def _bring_up_to_date(name: str) -> GroupChange:
    group, _ = Group.objects.get_or_create(name=name)
    wanted = permissions_of(name)
    had = {_full_name(row): row for row in group.permissions.select_related("content_type")}
    given, taken = sorted(wanted.keys() - had.keys()), sorted(had.keys() - wanted.keys())
    group.permissions.add(*(wanted[full] for full in given))
    group.permissions.remove(*(had[full] for full in taken))
    return GroupChange(name=name, permissions=sorted(wanted), given=given, taken=taken)


def _full_name(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"
