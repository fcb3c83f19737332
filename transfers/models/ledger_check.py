"""Ledger check: what was found and when, so that staff see when the books were last proved right."""

from django.db import models

from apikeys.models import MAX_ACTOR_LENGTH
from sequence.core import clock


class LedgerCheck(models.Model):
    """One run of all checks. Times are UTC."""

    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField()
    by = models.CharField(max_length=MAX_ACTOR_LENGTH)
    checks = models.PositiveIntegerField()
    # A list of {check, subject, message}: at most a page of each kind.
    faults = models.JSONField(default=list)

    class Meta:
        default_permissions = ("view",)
        indexes = [models.Index(fields=["-started_at"], name="ledger_check_latest")]

    def __str__(self) -> str:
        return f"check of {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def is_clean(self) -> bool:
        return not self.faults
