from cards.management.statuses import CardStatusCommand
from cards.services import unfreeze_card
from sequence.core.typing import JsonObject


class Command(CardStatusCommand):
    help = "Let a frozen card pay again."

    def run(self, *, card_id: str, note: str | None, **options: object) -> JsonObject:
        return self.changed(lambda: unfreeze_card(card_id=card_id), note=note)
