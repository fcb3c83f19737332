from django.core.management.base import CommandParser

from cards.management.statuses import CardStatusCommand
from cards.models import CardStatus
from cards.services import set_card_status
from sequence.core.typing import JsonObject


class Command(CardStatusCommand):
    help = "Change a card's status. lost and stolen are final."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("status", choices=CardStatus.values)

    def run(self, *, card_id: str, status: str, note: str | None, **options: object) -> JsonObject:
        return self.changed(lambda: set_card_status(card_id=card_id, status=CardStatus(status)), note=note)
