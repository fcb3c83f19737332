"""Workers for staff: which are alive, and what broke in them."""

from datetime import timedelta

from django.contrib import admin
from django.urls import reverse
from django.utils.safestring import SafeString

from sequence.core import clock
from sequence.core.admin.base import ReadOnlyAdmin
from sequence.core.admin.console import ConsoleQuery, HealthStatus
from sequence.core.admin.display import UNKNOWN, ago, badge
from sequence.core.models import WorkerProcess

# How long a broken sweep stays a warning: by then somebody has seen it, or it has broken again.
STUMBLE_SHOWN = timedelta(hours=1)


@admin.register(WorkerProcess)
class WorkerProcessAdmin(ReadOnlyAdmin[WorkerProcess]):
    list_display = ["__str__", "state", "started_at", "seen_at", "rows_done", "trouble"]
    ordering = ["-seen_at"]
    fields = ("state", "host", "pid", "started_at", "seen_at", "stopped_at", "rows_done", "broken_sweep", "broke_at")

    @admin.display(description="state")
    def state(self, obj: WorkerProcess) -> SafeString:
        if obj.stopped_at is not None:
            return badge("Stopped", "quiet")
        return badge("At work", "good") if obj.is_alive(clock.now()) else badge("Silent", "bad")

    @admin.display(description="last broke on", empty_value=UNKNOWN)
    def trouble(self, obj: WorkerProcess) -> str | None:
        return f"{obj.broken_sweep}, {obj.broke_at:%Y-%m-%d %H:%M:%S} UTC" if obj.broken_sweep else None


def workers(look: ConsoleQuery) -> HealthStatus:
    """Say whether anybody works, and whether something breaks meanwhile."""
    address = reverse("admin:sequence_workerprocess_changelist")
    alive = list(WorkerProcess.objects.alive(look.at).order_by("started_at"))
    if not alive:
        last = WorkerProcess.objects.order_by("-seen_at").first()
        heard = f"The last one was heard of {ago(last.seen_at, look.at)}." if last else "None ever was."
        return HealthStatus(
            "Workers", "bad", f"No worker is at work, so no money moves. {heard} Start run_worker.", address
        )
    broken = sorted({row.broken_sweep or "" for row in alive if row.failed_since(look.at - STUMBLE_SHOWN)})
    if broken:
        words = f"{_number(alive)} at work, but {', '.join(broken)} broke in the last hour. The log has the cause."
        return HealthStatus("Workers", "warn", words, address)
    return HealthStatus(
        "Workers",
        "good",
        f"{_number(alive)} at work; the first began {ago(alive[0].started_at, look.at)}.",
        address,
    )


def _number(alive: list[WorkerProcess]) -> str:
    return "1 worker is" if len(alive) == 1 else f"{len(alive)} workers are"
