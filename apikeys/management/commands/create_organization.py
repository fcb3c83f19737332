from django.core.management.base import CommandParser

from apikeys.services import create_organization
from sequence.core.commands.arguments import line
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Create an organization: a tenant that owns accounts, rules and keys."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", type=line(100), required=True, help="how staff call it")
        parser.add_argument(
            "--legal-name", type=line(200), help="the beneficiary of its accounts; the name if left out"
        )

    def run(self, *, name: str, legal_name: str | None, **options: object) -> JsonObject:
        organization = self.audited(lambda: create_organization(name=name, legal_name=legal_name or ""))
        return {"id": organization.id, "name": organization.name, "legal_name": organization.legal_name}
