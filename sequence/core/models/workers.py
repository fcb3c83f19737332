"""Worker process, as it tells of itself."""

from datetime import datetime, timedelta

from django.db import models

# Three beats that nobody heard: it is dead, or cannot reach the database.
SILENT_AFTER = timedelta(seconds=15)


class WorkerProcessQuerySet(models.QuerySet["WorkerProcess"]):
    def alive(self, at: datetime) -> "WorkerProcessQuerySet":
        """Workers that were heard of lately."""
        # What was heard in the future was heard before the clock was set back.
        return self.filter(stopped_at=None, seen_at__gt=at - SILENT_AFTER, seen_at__lt=at + SILENT_AFTER)


class WorkerProcess(models.Model):
    """One worker's life: when it began, when it was last heard of, and what it has done. Times are UTC."""

    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    rows_done = models.BigIntegerField(default=0)
    # The last of its sweeps that broke, by a defect of ours; the log has the cause.
    broken_sweep = models.CharField(max_length=100, null=True)  # noqa: DJ001 - none broke
    broke_at = models.DateTimeField(null=True)

    objects = WorkerProcessQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "worker processes"
        indexes = [models.Index(fields=["seen_at"], name="worker_process_by_seen_at")]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"

    def is_alive(self, at: datetime) -> bool:
        """Whether it was heard of lately."""
        return self.stopped_at is None and abs(self.seen_at - at) < SILENT_AFTER

    def failed_since(self, at: datetime) -> bool:
        """Whether one of its sweeps broke after the instant."""
        return self.broke_at is not None and self.broke_at > at
