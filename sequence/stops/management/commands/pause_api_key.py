from django.core.management.base import CommandParser

from sequence.core.typing import JsonObject
from sequence.stops.management.base import StopCommand
from sequence.stops.services import pause_key


class Command(StopCommand):
    help = "Close an API key and its rotations until somebody resumes it, and cancel what it has under way."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("key_id", metavar="KEY_ID")

    def run(self, *, key_id: str, note: str | None, **options: object) -> JsonObject:
        return self.audited(lambda: pause_key(key_id=key_id, by=self.actor, note=note), reason=note).as_json()
