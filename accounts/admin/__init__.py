"""Accounts for staff: open, connect, rename, delete, and see what is in them."""

from accounts.admin import accounts, console

__all__ = ["accounts", "console"]
