from django.core.management.base import CommandParser

from rules.serializers import RuleDetail
from rules.services import account_names, disable_rule
from sequence.core.commands.base import OperatorCommand, add_note_argument
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Stop a rule."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)
        parser.add_argument("rule_id", metavar="RULE_ID")

    def run(self, *, rule_id: str, note: str | None, **options: object) -> JsonObject:
        rule = self.audited(lambda: disable_rule(rule_id=rule_id), reason=note)
        return RuleDetail().to_representation(rule, account_names(rule))
