from django.core.management.base import CommandParser

from accounts.serializers import show_account
from accounts.services import find_account
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Show an account and what it holds. Bank numbers show their last four digits."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("account_id", metavar="ACC_ID", help="its id or name")

    def run(self, *, account_id: str, **options: object) -> JsonObject:
        return show_account(find_account(account_id))

    def tell(self, facts: JsonObject) -> None:
        """Print the account, and its balance field by field."""
        super().tell({**{name: value for name, value in facts.items() if name != "balance"}, **facts["balance"]})
