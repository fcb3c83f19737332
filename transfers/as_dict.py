"""Transfers as commands tell them: as the API does."""

from sequence.core.typing import JsonObject
from transfers.models import Transfer
from transfers.serializers import TransferDetail


def transfer_as_dict(transfer: Transfer) -> JsonObject:
    """Return the transfer as ``GET /transfers/{id}`` shows it."""
    return TransferDetail().to_representation(transfer)
