from django.core.management.base import CommandParser

from rules.models import Rule
from rules.serializers import RuleDetail
from rules.services import account_names, current_version, enable_rule
from sequence.core.commands.base import OperatorCommand, add_note_argument
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Let a reviewed rule run from now on, if it still is what was reviewed."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)
        parser.add_argument("rule_id", metavar="RULE_ID")
        reviewed = parser.add_mutually_exclusive_group(required=True)
        reviewed.add_argument("--rule-version", type=int, metavar="N", help="The version that was reviewed.")
        reviewed.add_argument("--yes-current", action="store_true", help="Whatever the rule says now, unread.")

    def run(self, *, rule_id: str, rule_version: int | None, note: str | None, **options: object) -> JsonObject:
        def enable() -> Rule:
            version = current_version(rule_id) if rule_version is None else rule_version
            return enable_rule(rule_id=rule_id, version=version, by=self.actor)

        rule = self.audited(enable, reason=note)
        return RuleDetail().to_representation(rule, account_names(rule))
