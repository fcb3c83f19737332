"""Audit log: who asked for what and how it ended, each call an entry, chained so that a change of history shows."""
