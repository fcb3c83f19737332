"""Trouble with a rail, for staff: that asking it what became of payments breaks."""

from django.db import models


class RailTrouble(models.Model):
    """When asking a rail for its news last broke. The worker asks again every second: old trouble is over."""

    rail = models.CharField(max_length=30)
    broke_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["rail"], name="rail_trouble_once")]

    def __str__(self) -> str:
        return self.rail
