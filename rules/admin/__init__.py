"""Rules for staff: review, enable, simulate, and read what each run did."""

from rules.admin import executions, finders, rules

__all__ = ["executions", "finders", "rules"]
