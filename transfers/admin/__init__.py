"""Money for staff: transfers, the ledger, and the rails' limits and marks."""

from transfers.admin import ledger, rails, transfers

__all__ = ["ledger", "rails", "transfers"]
