from typing import Any

from cards.management.statuses import CardStatusCommand
from cards.models import CardStatus
from cards.services import set_card_status


class Command(CardStatusCommand):
    help = "Stop an active card from paying, until it is unfrozen."

    def run(self, *, card_id: str, **options: Any) -> dict[str, Any]:
        return self.changed(lambda: set_card_status(card_id=card_id, status=CardStatus.FROZEN))
