from django.core.management.base import CommandParser

from apikeys.as_dict import key_as_dict
from apikeys.services import resume_api_key
from sequence.core.commands.base import OperatorCommand, add_note_argument
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Let a paused API key and its rotations work again. What was cancelled stays so."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)
        parser.add_argument("key_id", metavar="KEY_ID")

    def run(self, *, key_id: str, note: str | None, **options: object) -> JsonObject:
        keys = self.audited(lambda: resume_api_key(key_id=key_id), reason=note)
        return next(key_as_dict(key) for key in keys if key.id == key_id)
