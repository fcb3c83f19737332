from django.core.management.base import CommandParser

from apikeys.as_dict import key_as_dict
from apikeys.models import ApiKey
from apikeys.services import get_organization
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "List API keys, oldest first: what they may do, when they were last used, whether they still open the door."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", metavar="ORG_ID", help="only this organization's keys")

    def run(self, *, organization: str | None, **options: object) -> list[JsonObject]:
        keys = ApiKey.objects.select_related("organization").prefetch_related("entries").order_by("created_at", "id")
        if organization is not None:
            keys = keys.for_organization(get_organization(organization).id)
        return [key_as_dict(key) for key in keys]

    def tell(self, facts: list[JsonObject]) -> None:
        for key in facts:
            used = key["last_used_at"] or "never"
            self.stdout.write(f"{key['id']}  {key['status']:9}  {key['prefix']}…  {key['name']}  (last used: {used})")
            for permission in key["permissions"]:
                self.stdout.write(f"    {permission['scope']} {permission['resources'] or ''}".rstrip())
        if not facts:
            self.stdout.write("There are no API keys yet. Make one with create_api_key.")
