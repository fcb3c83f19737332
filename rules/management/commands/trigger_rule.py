from django.core.management.base import CommandParser

from rules.models import RuleExecution
from rules.serializers import ExecutionDetail
from rules.services import find_rule, get_execution, trigger_rule
from sequence.core.commands.arguments import whole_number
from sequence.core.commands.base import OperatorCommand
from sequence.core.money import MAX_CENTS
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Set a rule off: a worker carries it out. A simulation moves nothing, and tells what would happen."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("rule_id", metavar="RULE_ID", help="its id or name")
        parser.add_argument(
            "--amount", type=whole_number(0, MAX_CENTS), metavar="CENTS", help="what to take for the incoming amount"
        )
        parser.add_argument("--simulation", action="store_true", help="move nothing")

    def run(self, *, rule_id: str, amount: int | None, simulation: bool, **options: object) -> JsonObject:
        rule = find_rule(rule_id)

        def trigger() -> RuleExecution:
            return trigger_rule(
                organization_id=rule.organization_id,
                rule_id=rule.id,
                manual_execute_amount=amount,
                simulation=simulation,
                by=self.actor,
            )

        execution_id = self.audited(trigger).id
        execution = get_execution(organization_id=rule.organization_id, rule_execution_id=execution_id)
        shown = ExecutionDetail(context={"may_read": lambda account_id: True}).to_representation(execution)
        return {"execution_id": execution_id, **shown}
