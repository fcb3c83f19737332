from cards.management.statuses import CardStatusCommand
from cards.models import CardStatus
from cards.services import set_card_status
from sequence.core.typing import JsonObject


class Command(CardStatusCommand):
    help = "Stop an active card from paying, until it is unfrozen."

    def run(self, *, card_id: str, note: str | None, **options: object) -> JsonObject:
        return self.changed(lambda: set_card_status(card_id=card_id, status=CardStatus.FROZEN), note=note)
