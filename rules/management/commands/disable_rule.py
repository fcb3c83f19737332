from django.core.management.base import CommandParser

from rules.serializers import RuleDetail
from rules.services import account_names, disable_rule
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Stop a rule."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("rule_id", metavar="RULE_ID")

    def run(self, *, rule_id: str, **options: object) -> JsonObject:
        rule = self.audited(lambda: disable_rule(rule_id=rule_id))
        return RuleDetail().to_representation(rule, account_names(rule))
