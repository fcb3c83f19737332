from django.core.management.base import CommandParser

from apikeys.models import Organization, OrganizationStatus
from apikeys.services import set_organization_status
from sequence.core.typing import JsonObject
from sequence.stops.management.base import StopCommand
from sequence.stops.services import suspend_organization


class Command(StopCommand):
    help = (
        "Suspend an organization: close its keys, cancel what they have under way, let its rules start nothing. Or "
        "make it active again: what was missed meanwhile never starts."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("organization_id", metavar="ORG_ID")
        parser.add_argument("status", choices=OrganizationStatus.values)

    def run(self, *, organization_id: str, status: str, note: str | None, **options: object) -> JsonObject:
        if status == OrganizationStatus.SUSPENDED:
            stop = self.audited(
                lambda: suspend_organization(organization_id=organization_id, by=self.actor, note=note), reason=note
            )
            return stop.as_json()
        return _facts(
            self.audited(
                lambda: set_organization_status(organization_id=organization_id, status=OrganizationStatus.ACTIVE),
                reason=note,
            )
        )

    def tell(self, facts: JsonObject) -> None:
        if "stopped" in facts:
            super().tell(facts)
        else:
            self.stdout.write(f"{facts['name']} ({facts['id']}) is {facts['status']}.")


def _facts(organization: Organization) -> JsonObject:
    return {"id": organization.id, "name": organization.name, "status": organization.status}
