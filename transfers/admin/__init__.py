"""Money for staff: transfers, the ledger, and the rails' limits and marks."""

from transfers.admin import finders, ledger, rails, transfers

__all__ = ["finders", "ledger", "rails", "transfers"]
