from apikeys.as_dict import organization_as_dict
from apikeys.models import Organization
from sequence.core.commands.base import ListCommand
from sequence.core.typing import JsonObject


class Command(ListCommand):
    help = "List the organizations, oldest first."
    columns = {"id": "id", "name": "name", "legal_name": "legal name", "status": "status", "created_at": "created at"}
    nothing = "There are no organizations yet. Make one with create_organization."

    def run(self, **options: object) -> list[JsonObject]:
        return [
            organization_as_dict(organization) for organization in Organization.objects.order_by("created_at", "id")
        ]
