from django.core.management.base import CommandParser

from sequence.core.commands.arguments import whole_number
from sequence.core.commands.base import OperatorCommand
from sequence.core.money import MAX_CENTS
from sequence.core.typing import JsonObject
from transfers.as_dict import transfer_as_dict
from transfers.services import pull_from_outside


class Command(OperatorCommand):
    help = "Let somebody outside draw money from an income source or a pod, complete at once, if there is enough."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--account", required=True, metavar="ACC_ID")
        parser.add_argument("--amount", required=True, type=whole_number(1, MAX_CENTS), metavar="CENTS")

    def run(self, *, account: str, amount: int, **options: object) -> JsonObject:
        return transfer_as_dict(
            self.audited(lambda: pull_from_outside(account_id=account, amount_cents=amount, by=self.actor))
        )
