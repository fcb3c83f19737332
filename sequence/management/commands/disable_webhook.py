from django.core.management.base import CommandParser

from sequence.core.commands.base import add_note_argument
from sequence.core.typing import JsonObject
from sequence.webhooks.as_dict import webhook_as_dict
from sequence.webhooks.commands import EndpointCommand
from sequence.webhooks.services import disable_webhook


class Command(EndpointCommand):
    help = "Send nothing more to a webhook endpoint until it is enabled. What waits stays."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)
        parser.add_argument("webhook_id", metavar="WHK")

    def run(self, *, webhook_id: str, note: str | None, **options: object) -> JsonObject:
        return webhook_as_dict(self.audited(lambda: disable_webhook(endpoint_id=webhook_id), reason=note))
