from django.core.management.base import CommandParser

from sequence.core.commands.arguments import whole_number
from sequence.core.commands.base import OperatorCommand
from sequence.core.money import MAX_CENTS
from sequence.core.typing import JsonObject
from transfers.as_dict import transfer_as_dict
from transfers.models import Origin
from transfers.services import deposit


class Command(OperatorCommand):
    help = "Let money arrive on an income source or a pod, complete at once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--account", required=True, metavar="ACC_ID")
        parser.add_argument("--amount", required=True, type=whole_number(1, MAX_CENTS), metavar="CENTS")
        parser.add_argument(
            "--origin",
            choices=[Origin.PAYCHECK.value, Origin.CHECK_DEPOSIT.value, Origin.CASHBACK.value],
            default=Origin.PAYCHECK.value,
            help="what it is (default: %(default)s)",
        )

    def run(self, *, account: str, amount: int, origin: str, **options: object) -> JsonObject:
        return transfer_as_dict(
            self.audited(lambda: deposit(account_id=account, amount_cents=amount, origin=Origin(origin), by=self.actor))
        )
