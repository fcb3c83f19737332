from django.core.management.base import CommandParser

from apikeys.as_dict import organization_as_dict
from apikeys.services import get_organization
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Show an organization."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("organization_id", metavar="ORG_ID", help="its id or name")

    def run(self, *, organization_id: str, **options: object) -> JsonObject:
        return organization_as_dict(get_organization(organization_id))
