"""People of the demo: an administrator to sign in as, and the one who decides in the story."""

import secrets

from django.contrib.auth.models import User

from sequence.demo.household import REVIEWER_NAME

ADMINISTRATOR_NAME = "admin"


def make_administrator() -> tuple[str | None, str | None]:
    """Return the name and password of a new administrator, or nothing when there is one of that name."""
    users = User.objects
    if users.filter(username=ADMINISTRATOR_NAME).exists():
        return None, None
    password = secrets.token_urlsafe(12)
    users.create_superuser(ADMINISTRATOR_NAME, password=password)
    return ADMINISTRATOR_NAME, password


def make_reviewer() -> None:
    """Make the staff user of that name, unless there is one. Nobody can sign in as this one."""
    users = User.objects
    if not users.filter(username=REVIEWER_NAME).exists():
        users.create_user(REVIEWER_NAME, is_staff=True, first_name="Demo", last_name="Reviewer")
