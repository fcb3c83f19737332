from django.core.management.base import CommandParser

from apikeys.services import get_organization
from rules.models import Rule
from rules.serializers import RuleSummary
from sequence.core.commands.base import ListCommand
from sequence.core.typing import JsonObject


class Command(ListCommand):
    help = "List rules, oldest first: what they are called, what sets them off, whether they may run."
    columns = {
        "id": "id",
        "nickname": "name",
        "status": "status",
        "trigger_type": "trigger",
        "source_name": "account",
        "updated_at": "changed at",
    }
    nothing = "There are no rules yet."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", metavar="ORG_ID", help="only this organization's; its id or name")

    def run(self, *, organization: str | None, **options: object) -> list[JsonObject]:
        rules = Rule.objects.not_deleted().select_related("trigger_account").order_by("created_at", "id")
        if organization is not None:
            rules = rules.for_organization(get_organization(organization).id)
        return [RuleSummary().to_representation(rule) for rule in rules]

    def tell(self, facts: list[JsonObject]) -> None:
        """Print a table, with the name of the account that sets a rule off."""
        super().tell([{**rule, "source_name": (rule.get("source") or {}).get("name")} for rule in facts])
