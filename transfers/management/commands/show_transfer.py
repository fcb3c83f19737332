from django.core.management.base import CommandParser

from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject
from transfers.as_dict import transfer_as_dict
from transfers.errors import TransferNotFound
from transfers.models import Transfer


class Command(OperatorCommand):
    help = "Show a transfer as GET /transfers/{id} does."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("transfer_id", metavar="TXR_ID")

    def run(self, *, transfer_id: str, **options: object) -> JsonObject:
        transfer = Transfer.objects.with_accounts().filter(id=transfer_id).first()
        if transfer is None:
            raise TransferNotFound()
        return transfer_as_dict(transfer)
