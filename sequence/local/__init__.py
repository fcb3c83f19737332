"""A machine of one's own: ``./run``, ``./test``, the embedded PostgreSQL, secrets that were made here."""
