"""Organizations, keys and idempotency records for staff."""

from apikeys.admin import console, idempotency_records, keys, organizations

__all__ = ["console", "idempotency_records", "keys", "organizations"]
