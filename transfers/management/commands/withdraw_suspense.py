from django.core.management.base import CommandParser

from sequence.core.commands.base import OperatorCommand, add_note_argument
from sequence.core.typing import JsonObject
from transfers.management.suspense import add_item_argument, tell_item
from transfers.suspense import withdraw_suspense


class Command(OperatorCommand):
    help = "Drop what was proposed for an item in suspense."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)
        add_item_argument(parser)

    def run(self, *, item_id: int, note: str | None, **options: object) -> JsonObject:
        return tell_item(self.audited(lambda: withdraw_suspense(item_id=item_id), reason=note))
