"""Tracking: what the tables of events have, in which django-pghistory keeps the changes of a model."""

from django.db.models import Index


def by_time() -> dict[str, list[Index]]:
    """Return the ``meta`` of a tracked model's events: the trail is read by time, that of long ago too."""
    return {"indexes": [Index(fields=["-pgh_created_at", "-pgh_id"])]}
