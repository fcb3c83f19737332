from django.core.management.base import CommandParser

from accounts.models import Account
from accounts.serializers import show_account
from apikeys.services import get_organization
from sequence.core.commands.base import ListCommand
from sequence.core.typing import JsonObject


class Command(ListCommand):
    help = "List accounts, oldest first: what they are and hold."
    columns = {
        "id": "id",
        "type": "type",
        "name": "name",
        "balance_in_cents": "balance in cents",
        "available_balance_in_cents": "available",
        "institution_name": "institution",
    }
    nothing = "There are no accounts yet."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", metavar="ORG_ID", help="only this organization's; its id or name")

    def run(self, *, organization: str | None, **options: object) -> list[JsonObject]:
        accounts = Account.objects.not_deleted().order_by("created_at", "id")
        if organization is not None:
            accounts = accounts.for_organization(get_organization(organization).id)
        return [show_account(account) for account in accounts]

    def tell(self, facts: list[JsonObject]) -> None:
        super().tell([{**account, **account["balance"]} for account in facts])
