from datetime import timedelta

from django.core.management.base import CommandParser

from sequence.core.api.fields import show_time
from sequence.core.commands.arguments import whole_number
from sequence.core.commands.base import add_note_argument
from sequence.core.typing import JsonObject
from sequence.webhooks.as_dict import new_webhook_as_dict
from sequence.webhooks.commands import EndpointCommand
from sequence.webhooks.services import DEFAULT_OVERLAP_HOURS, MAX_OVERLAP_HOURS, rotate_webhook_secret


class Command(EndpointCommand):
    help = (
        "Give a webhook endpoint a new secret and print it, once. Meanwhile requests are signed with the old one too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)
        parser.add_argument("webhook_id", metavar="WHK")
        parser.add_argument(
            "--overlap-hours",
            type=whole_number(0, MAX_OVERLAP_HOURS),
            default=DEFAULT_OVERLAP_HOURS,
            help=f"how long the old one signs beside it ({DEFAULT_OVERLAP_HOURS}); 0 ends it at once",
        )

    def run(self, *, webhook_id: str, overlap_hours: int, note: str | None, **options: object) -> JsonObject:
        overlap = timedelta(hours=overlap_hours)
        endpoint, secret = self.audited(
            lambda: rotate_webhook_secret(endpoint_id=webhook_id, overlap=overlap), reason=note
        )
        until = endpoint.previous_secret_until
        return {**new_webhook_as_dict(endpoint, secret), "previous_until": None if until is None else show_time(until)}
