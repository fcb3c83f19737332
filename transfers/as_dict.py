"""Transfers as commands tell them: as the API does."""

from typing import Any

from transfers.models import Transfer
from transfers.serializers import TransferDetail


def transfer_as_dict(transfer: Transfer) -> dict[str, Any]:
    """Return the transfer as ``GET /transfers/{id}`` shows it."""
    return TransferDetail().to_representation(transfer)
