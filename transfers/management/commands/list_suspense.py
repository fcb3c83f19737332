from django.core.management.base import CommandParser

from apikeys.services import get_organization
from sequence.core.commands.base import ListCommand, add_first_argument
from sequence.core.typing import JsonObject
from transfers.management.suspense import item_as_dict
from transfers.models import SuspenseItem


class Command(ListCommand):
    help = "List what lies in suspense and how it came there, the oldest first."
    columns = {
        "item": "item",
        "amount_in_cents": "cents",
        "state": "state",
        "arose_at": "since",
        "account": "account",
        "proposed_by": "proposed by",
        "cause": "cause",
    }
    nothing = "Nothing is in suspense."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", metavar="ORG_ID", help="only this organization's; its id or name")
        parser.add_argument("--all", action="store_true", help="those that are posted too")
        add_first_argument(parser)

    def run(self, *, organization: str | None, all: bool, first: int, **options: object) -> list[JsonObject]:
        items = SuspenseItem.objects.with_cause().order_by("arose_at", "id")
        if organization is not None:
            items = items.for_organization(get_organization(organization).id)
        return [item_as_dict(item) for item in (items if all else items.open())[:first]]
