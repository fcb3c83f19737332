"""Organizations, keys and idempotency records for staff."""

from apikeys.admin import finders, idempotency_records, keys, organizations

__all__ = ["finders", "idempotency_records", "keys", "organizations"]
