from django.core.management.base import CommandParser

from rules.sentences import sentences_of
from rules.serializers import RuleDetail
from rules.services import account_names, find_rule
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Show a rule: what it does, in words or as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("rule_id", metavar="RULE_ID", help="its id or name")

    def run(self, *, rule_id: str, **options: object) -> JsonObject:
        rule = find_rule(rule_id)
        self._sentences = sentences_of(rule.parsed(), account_names(rule))
        return RuleDetail().to_representation(rule, account_names(rule))

    def tell(self, facts: JsonObject) -> None:
        """Print what it is, then what it does, in sentences."""
        super().tell({name: value for name, value in facts.items() if name not in ("trigger", "steps")})
        for sentence in self._sentences:
            self.stdout.write(sentence)
