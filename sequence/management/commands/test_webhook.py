from django.core.management.base import CommandParser

from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject
from sequence.webhooks.services import test_webhook


class Command(OperatorCommand):
    help = (
        "Send the event webhook.test to a webhook endpoint, and to no other. One of format platform is sent the newest "
        "event that its format tells of once more. A worker does it; GET /events/{id}/deliveries tells how it ended."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("webhook_id", metavar="WHK")

    def run(self, *, webhook_id: str, **options: object) -> JsonObject:
        endpoint, event_id = self.audited(lambda: test_webhook(endpoint_id=webhook_id))
        return {"id": endpoint.id, "event_id": event_id}
