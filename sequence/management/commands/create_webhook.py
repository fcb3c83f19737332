from django.core.management.base import CommandParser

from apikeys.services import get_organization
from sequence.core.commands.arguments import line
from sequence.core.events.names import EVENTS
from sequence.core.typing import JsonObject
from sequence.webhooks.as_dict import new_webhook_as_dict
from sequence.webhooks.commands import EndpointCommand
from sequence.webhooks.models import MAX_DESCRIPTION_LENGTH, Format
from sequence.webhooks.services import addresses_now, create_webhook


class Command(EndpointCommand):
    help = (
        "Tell an address what changes in an organization, and print the secret that its requests are signed with. It "
        "is shown this once: nobody can read it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", required=True, metavar="ORG_ID")
        parser.add_argument("--url", required=True, help="where requests go, https://…")
        parser.add_argument(
            "--event",
            action="append",
            choices=list(EVENTS),
            metavar="EVENT",
            help=f"only these, repeated; all of them if left out. One of {', '.join(EVENTS)}",
        )
        parser.add_argument(
            "--format", choices=Format.values, default=Format.EVENT, help="event (ours, by default) or platform"
        )
        parser.add_argument("--description", type=line(MAX_DESCRIPTION_LENGTH), help="for people")

    def run(
        self,
        *,
        organization: str,
        url: str,
        event: list[str] | None,
        format: str,
        description: str | None,
        **options: object,
    ) -> JsonObject:
        addresses = addresses_now(url)
        endpoint, secret = self.audited(
            lambda: create_webhook(
                organization=get_organization(organization),
                url=url,
                addresses=addresses,
                events=event or [],
                format=format,
                description=description or "",
                created_by=self.actor,
            )
        )
        return new_webhook_as_dict(endpoint, secret)
