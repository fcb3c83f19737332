"""Rules for staff: review, enable, simulate, and read what each run did."""

from rules.admin import console, executions, rules

__all__ = ["console", "executions", "rules"]
