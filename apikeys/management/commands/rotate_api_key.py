from datetime import timedelta

from django.core.management.base import CommandParser

from apikeys.as_dict import new_key_as_dict
from apikeys.services import DEFAULT_OVERLAP_HOURS, MAX_OVERLAP_HOURS, rotate_api_key
from sequence.core.commands.arguments import whole_number
from sequence.core.commands.base import OperatorCommand, add_note_argument
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = (
        "Make a new API key with the same permissions in place of an old one, and print it this once. The old key "
        "lives until the overlap ends. Idempotency records and spent amounts carry over."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)
        parser.add_argument("key_id", metavar="KEY_ID")
        parser.add_argument(
            "--overlap-hours",
            type=whole_number(0, MAX_OVERLAP_HOURS),
            default=DEFAULT_OVERLAP_HOURS,
            help="how long both keys work (default: %(default)s)",
        )

    def run(self, *, key_id: str, overlap_hours: int, note: str | None, **options: object) -> JsonObject:
        overlap = timedelta(hours=overlap_hours)
        key, token = self.audited(
            lambda: rotate_api_key(key_id=key_id, overlap=overlap, rotated_by=self.actor), reason=note
        )
        return new_key_as_dict(key, token)
