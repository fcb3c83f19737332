from django.core.management.base import CommandParser

from cards.as_dict import card_as_dict
from cards.models import CardType
from cards.services import issue_card
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Issue a card that spends from a pod, active at once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--account", required=True, metavar="ACC_ID", help="a pod")
        parser.add_argument("--type", required=True, choices=CardType.values)
        parser.add_argument("--holder", required=True, metavar="N", help="the name on the card, 1 to 100 characters")

    def run(self, *, account: str, type: str, holder: str, **options: object) -> JsonObject:
        return card_as_dict(
            self.audited(lambda: issue_card(account_id=account, type=CardType(type), holder_name=holder))
        )
