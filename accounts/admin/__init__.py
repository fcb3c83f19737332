"""Accounts for staff: open, connect, rename, delete, and see what is in them."""

from accounts.admin import accounts, console, statements

__all__ = ["accounts", "console", "statements"]
