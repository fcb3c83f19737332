from django.core.management.base import CommandParser

from apikeys.as_dict import key_as_dict
from apikeys.entries import parse_permissions
from apikeys.services import set_permissions
from sequence.core.commands.arguments import add_permission_argument
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Replace all permissions of an API key. It may do exactly what is given here, from its next request on."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("key_id", metavar="KEY_ID")
        add_permission_argument(parser)

    def run(self, *, key_id: str, permission: list[str], **options: object) -> JsonObject:
        permissions = parse_permissions(permission)
        key = self.audited(lambda: set_permissions(key_id=key_id, permissions=permissions, changed_by=self.actor))
        return key_as_dict(key)
