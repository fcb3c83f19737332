"""Deciders: who may answer what a page asks, where not everybody who holds the permission may."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User

# Names that a page tells before it counts.
SHOWN_NAMES = 5
STAFF = "staff:"


@dataclass(frozen=True)
class Deciders:
    """What a page tells of who may decide, and the actors who may not: to them it offers no button."""

    sentences: Sequence[str] = ()
    barred: Collection[str] = ()


def tell_deciders(permissions: Sequence[str], *, but: Collection[str]) -> str:
    """Return the sentence that names the staff with all these permissions, without the actors ``but``."""
    staff = User.objects.filter(is_staff=True)
    for permission in permissions:
        staff = staff.filter(pk__in=User.objects.with_perm(permission))
    barred = [actor.removeprefix(STAFF) for actor in but if actor.startswith(STAFF)]
    names = list(staff.exclude(username__in=barred).order_by("username").values_list("username", flat=True))
    if not names:
        return "Who may decide: nobody yet. A superuser can give the permission to another person."
    if len(names) > SHOWN_NAMES:
        return f"Who may decide: {len(names)} people."
    return f"Who may decide: {', '.join(names)}."
