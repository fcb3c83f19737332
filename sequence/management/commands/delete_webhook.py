from django.core.management.base import CommandParser

from sequence.core.commands.base import OperatorCommand, add_note_argument
from sequence.core.typing import JsonObject
from sequence.webhooks.services import delete_webhook


class Command(OperatorCommand):
    help = "Send nothing to a webhook endpoint ever again, and forget its secret. Its past deliveries stay to look at."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)
        parser.add_argument("webhook_id", metavar="WHK")

    def run(self, *, webhook_id: str, note: str | None, **options: object) -> JsonObject:
        endpoint = self.audited(lambda: delete_webhook(endpoint_id=webhook_id), reason=note)
        return {"id": endpoint.id, "deleted": True}
