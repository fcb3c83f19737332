from django.core.management.base import CommandParser

from rules.serializers import WhyNotAnswer
from rules.services import find_rule
from rules.why_not import why_not
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject
from transfers.services import get_transfer


class Command(OperatorCommand):
    help = "Tell why a transfer did not set a rule off, or that it did."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("rule_id", metavar="RULE_ID")
        parser.add_argument("transfer_id", metavar="TXR_ID")

    def run(self, *, rule_id: str, transfer_id: str, **options: object) -> JsonObject:
        rule = find_rule(rule_id)
        transfer = get_transfer(organization_id=rule.organization_id, transfer_id=transfer_id)
        return WhyNotAnswer().to_representation(why_not(rule, transfer, may_read=lambda account_id: True))
