from typing import Any

from cards.management.statuses import CardStatusCommand
from cards.services import unfreeze_card


class Command(CardStatusCommand):
    help = "Let a frozen card pay again."

    def run(self, *, card_id: str, **options: Any) -> dict[str, Any]:
        return self.changed(lambda: unfreeze_card(card_id=card_id))
