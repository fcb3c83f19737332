"""Money for staff: transfers, the ledger, and the rails' limits and marks."""

from transfers.admin import console, finders, ledger, ledger_checks, rails, transfers

__all__ = ["console", "finders", "ledger", "ledger_checks", "rails", "transfers"]
