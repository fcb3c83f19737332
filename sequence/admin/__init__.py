"""The staff's site: what the admins of all apps share, the console, the audit trail, and who is staff."""

from sequence.admin import sign_in_events, staff, trail_pages, workers

__all__ = ["sign_in_events", "staff", "trail_pages", "workers"]
