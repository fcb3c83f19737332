"""Base of the commands that change a card's status."""

from collections.abc import Callable

from django.core.management.base import CommandParser

from cards.as_dict import card_as_dict
from cards.models import Card
from sequence.core.commands.base import OperatorCommand, add_note_argument
from sequence.core.typing import JsonObject


class CardStatusCommand(OperatorCommand):
    """A change of one card's status."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)
        parser.add_argument("card_id", metavar="CARD_ID")

    def changed(self, change: Callable[[], Card], *, note: str | None) -> JsonObject:
        """Return the card after ``change``."""
        return card_as_dict(self.audited(change, reason=note))
