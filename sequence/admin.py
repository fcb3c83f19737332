"""The pages of the house's own tables, where Django looks for them."""

from sequence.core.admin import sign_in_events, staff, trail_pages, workers

__all__ = ["sign_in_events", "staff", "trail_pages", "workers"]
