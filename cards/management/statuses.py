"""Base of the commands that change a card's status."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

from cards.as_dict import card_as_dict
from cards.models import Card
from sequence.core.commands.base import OperatorCommand


class CardStatusCommand(OperatorCommand):
    """A change of one card's status."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("card_id", metavar="CARD_ID")

    def changed(self, change: Callable[[], Card]) -> dict[str, Any]:
        """Return the card after ``change``."""
        return card_as_dict(self.audited(change))
