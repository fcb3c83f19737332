import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser

from apikeys.models import Organization
from sequence.demo.credentials import keep_credentials, kept_credentials
from sequence.demo.household import make_household
from sequence.management.base import OperatorCommand

STAFF_NAME = "admin"


class Command(OperatorCommand):
    help = "Make a demo organization with accounts, rules, history and a key, and a staff login, to look at."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing where there is an organization; tell the demo's credentials where this machine has them",
        )

    def run(self, *, if_empty: bool, **options: Any) -> dict[str, Any]:
        if if_empty and Organization.objects.exists():
            nothing = dict.fromkeys(["organization", "api_key", "staff_username", "staff_password"])
            return nothing | kept_credentials()
        self.stderr.write("Making the demo …")
        organization, _, token = make_household()
        password = self._make_staff_user()
        credentials = {
            "organization": organization.id,
            "api_key": token,
            "staff_username": STAFF_NAME if password else None,
            "staff_password": password,
        }
        keep_credentials(credentials)
        return credentials

    def _make_staff_user(self) -> str | None:
        """Return the password of a new administrator, or None when there is one of that name."""
        users: Any = get_user_model().objects
        if users.filter(username=STAFF_NAME).exists():
            return None
        password = secrets.token_urlsafe(12)
        users.create_superuser(STAFF_NAME, password=password)
        return password
