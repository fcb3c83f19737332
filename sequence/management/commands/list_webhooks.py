from django.core.management.base import CommandParser

from apikeys.services import get_organization
from sequence.core.commands.base import ListCommand
from sequence.core.typing import JsonObject
from sequence.webhooks.as_dict import webhook_as_dict
from sequence.webhooks.models import WebhookEndpoint


class Command(ListCommand):
    help = "List webhook endpoints, the oldest first. Deleted ones are left out."
    columns = {
        "id": "id",
        "organization": "organization",
        "status": "status",
        "disabled_reason": "because",
        "format": "format",
        "events": "events",
        "url": "url",
    }
    nothing = "There are no webhook endpoints yet. Make one with create_webhook."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", metavar="ORG_ID", help="only of this one")

    def run(self, *, organization: str | None, **options: object) -> list[JsonObject]:
        endpoints = WebhookEndpoint.objects.kept().order_by("created_at", "id")
        if organization is not None:
            endpoints = endpoints.filter(organization=get_organization(organization))
        return [webhook_as_dict(endpoint) for endpoint in endpoints]

    def tell(self, facts: list[JsonObject]) -> None:
        """Print a table; no chosen events are all of them."""
        super().tell([{**endpoint, "events": ", ".join(endpoint["events"]) or "all"} for endpoint in facts])
