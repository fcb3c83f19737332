from datetime import datetime

from django.core.management.base import CommandParser

from apikeys.as_dict import new_key_as_dict
from apikeys.entries import parse_permissions
from apikeys.services import create_api_key, get_organization
from sequence.core.commands.arguments import add_permission_argument, instant, line
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Create an API key and print it. It is shown this once: nobody can read it again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", required=True, metavar="ORG_ID")
        parser.add_argument("--name", type=line(100), required=True, help="what will use the key")
        add_permission_argument(parser)
        parser.add_argument(
            "--expires-at", type=instant, help="RFC 3339, such as 2027-01-31T00:00:00Z; never if left out"
        )

    def run(
        self, *, organization: str, name: str, permission: list[str], expires_at: datetime | None, **options: object
    ) -> JsonObject:
        permissions = parse_permissions(permission)
        key, token = self.audited(
            lambda: create_api_key(
                organization=get_organization(organization),
                name=name,
                permissions=permissions,
                created_by=self.actor,
                expires_at=expires_at,
            )
        )
        return new_key_as_dict(key, token)
