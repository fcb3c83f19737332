"""Expressions that indexes, queries and the hand-written SQL of transfers share."""

from django.db import models
from django.db.models import F


class WaitsUntil(models.Func):
    """When a transfer's time comes: at once, unless it is not to move before some instant.

    An expression of its own so that workers' look at what is due stays within an index however much waits for later;
    -infinity and not ``created_at``, so that nothing waits for a clock that was set back.
    """

    template = "COALESCE(%(expressions)s, '-infinity'::timestamptz)"
    output_field = models.DateTimeField()


WAITS_UNTIL = WaitsUntil(F("not_before"))
