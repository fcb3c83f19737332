"""Money for staff: transfers, the ledger, and the rails' limits and marks."""

from transfers.admin import console, ledger, ledger_checks, rails, suspense, transfers

__all__ = ["console", "ledger", "ledger_checks", "rails", "suspense", "transfers"]
