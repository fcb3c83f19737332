"""Audit trail as something to be permitted, and staff as something to be tracked."""

import pghistory
from django.contrib.auth.models import Group, User
from pghistory.models import Context

from sequence.core.tracking import by_time


class AuditTrail(Context):
    """What staff may or may not look at. The changes themselves are in the event tables of the tracked models."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = "audit trail"
        verbose_name_plural = "audit trail"


# A sign-in is no change, and a password's hash belongs into one table only; that it changed is noted.
@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.UpdateEvent("password", condition=pghistory.AnyChange("password")),
    pghistory.DeleteEvent(),
    append_only=True,
    meta=by_time(),
    exclude=["password", "last_login"],
)
class TrackedUser(User):
    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "staff user"


@pghistory.track(
    pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), append_only=True, meta=by_time()
)
class TrackedGroup(Group):
    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "group"


# Who was given what. These rows are only ever inserted and deleted.
_GIVEN = [pghistory.InsertEvent("add"), pghistory.DeleteEvent("remove")]


@pghistory.track(*_GIVEN, append_only=True, meta=by_time(), obj_field=None)
class TrackedUserPermission(User.user_permissions.through):  # type: ignore[name-defined]
    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "permission of a user"


@pghistory.track(*_GIVEN, append_only=True, meta=by_time(), obj_field=None)
class TrackedUserGroup(User.groups.through):  # type: ignore[name-defined]
    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "group of a user"


@pghistory.track(*_GIVEN, append_only=True, meta=by_time(), obj_field=None)
class TrackedGroupPermission(Group.permissions.through):  # type: ignore[name-defined]
    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "permission of a group"
