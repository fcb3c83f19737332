from django.core.management.base import CommandParser

from sequence.core.commands.arguments import whole_number
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject
from sequence.webhooks.services import resend_after, resend_failed

_MAX_SEQUENCE = 10**18 - 1


class Command(OperatorCommand):
    help = "Send events to a webhook endpoint again: all after a number, or those that were given up."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("webhook_id", metavar="WHK")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--after-sequence", type=whole_number(0, _MAX_SEQUENCE), metavar="N")
        which.add_argument("--failed", action="store_true", help="those whose last try failed for good")

    def run(self, *, webhook_id: str, after_sequence: int | None, failed: bool, **options: object) -> JsonObject:
        endpoint, events = self.audited(
            lambda: (
                resend_failed(endpoint_id=webhook_id)
                if after_sequence is None
                else resend_after(endpoint_id=webhook_id, after_sequence=after_sequence)
            )
        )
        return {"id": endpoint.id, "events": events}
