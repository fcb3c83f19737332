"""Finding members of staff by their user name."""

from django.contrib.auth.models import User
from django.core.management.base import CommandError


def find_staff(username: str, *, or_inactive: bool = False) -> User:
    """Return the member of staff of that name. Raises CommandError."""
    users = User.objects.filter(username=username, is_staff=True)
    user = users.first() if or_inactive else users.filter(is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active staff user {username!r}.")
    return user
