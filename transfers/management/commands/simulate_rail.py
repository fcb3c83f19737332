from collections.abc import Callable

from django.core.management.base import CommandParser

from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject
from transfers.as_dict import transfer_as_dict
from transfers.models import ErrorCode, Transfer
from transfers.simulated_rail_control import fail_payment, return_payment, settle_payment


class Command(OperatorCommand):
    help = "Tell the simulated rail how one payment ends: settle it, fail it, or return it after it completed."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("transfer_id", metavar="TXR_ID")
        ending = parser.add_mutually_exclusive_group(required=True)
        ending.add_argument("--settle", action="store_true", help="now, not after the delay")
        ending.add_argument("--fail", metavar="CODE", choices=ErrorCode.values, help=f"one of {', '.join(ErrorCode)}")
        ending.add_argument(
            "--return", metavar="CODE", dest="return_code", choices=ErrorCode.values, help="one of the same codes"
        )

    def run(self, *, transfer_id: str, fail: str | None, return_code: str | None, **options: object) -> JsonObject:
        return transfer_as_dict(self.audited(_ending(transfer_id, fail, return_code)))


def _ending(transfer_id: str, fail: str | None, return_code: str | None) -> Callable[[], Transfer]:
    if fail is not None:
        return lambda: fail_payment(transfer_id, ErrorCode(fail))
    if return_code is not None:
        return lambda: return_payment(transfer_id, ErrorCode(return_code))
    return lambda: settle_payment(transfer_id)
