"""Organizations, keys and idempotency records for staff."""

from apikeys.admin import console, finders, idempotency_records, keys, organizations

__all__ = ["console", "finders", "idempotency_records", "keys", "organizations"]
