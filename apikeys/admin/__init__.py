"""Organizations, keys and idempotency records for staff."""

from apikeys.admin import idempotency_records, keys, organizations

__all__ = ["idempotency_records", "keys", "organizations"]
