from django.core.management.base import CommandParser

from apikeys.services import get_organization
from sequence.core.commands.base import ListCommand, add_first_argument
from sequence.core.typing import JsonObject
from transfers.as_dict import transfer_as_dict
from transfers.models import Status, Transfer


class Command(ListCommand):
    help = "List transfers, the newest first."
    columns = {
        "id": "id",
        "created_at": "created at",
        "amount_in_cents": "cents",
        "status": "status",
        "from": "from",
        "to": "to",
        "error_code": "error",
    }
    nothing = "There are no such transfers."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", metavar="ORG_ID", help="only this organization's; its id or name")
        parser.add_argument("--status", choices=Status.values, help="only those in this state")
        add_first_argument(parser)

    def run(self, *, organization: str | None, status: str | None, first: int, **options: object) -> list[JsonObject]:
        transfers = Transfer.objects.with_accounts().order_by("-created_at", "-id")
        if organization is not None:
            transfers = transfers.for_organization(get_organization(organization).id)
        if status is not None:
            transfers = transfers.filter(status=status)
        return [transfer_as_dict(transfer) for transfer in transfers[:first]]

    def tell(self, facts: list[JsonObject]) -> None:
        """Print a table, with the names of the accounts."""
        super().tell([{**one, "from": _name(one["source"]), "to": _name(one["destination"])} for one in facts])


def _name(account: JsonObject | None) -> str | None:
    return account["name"] if account else None
