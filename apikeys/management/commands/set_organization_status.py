from typing import Any

from django.core.management.base import CommandParser

from apikeys.models import OrganizationStatus
from apikeys.services import set_organization_status
from sequence.management.base import OperatorCommand


class Command(OperatorCommand):
    help = "Suspend an organization, which closes all its keys at their next request, or make it active again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("organization_id", metavar="ORG_ID")
        parser.add_argument("status", choices=OrganizationStatus.values)

    def run(self, *, organization_id: str, status: str, **options: Any) -> dict[str, Any]:
        organization = self.audited(
            lambda: set_organization_status(organization_id=organization_id, status=OrganizationStatus(status))
        )
        return {"id": organization.id, "name": organization.name, "status": organization.status}
