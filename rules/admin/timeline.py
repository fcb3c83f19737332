"""Request look-ups of rules. An execution carries the id of the request that led to it, however far up."""

from collections.abc import Iterator

from apikeys.models import ApiKey
from rules.admin.executions import TONES
from rules.models import ExecutionStatus, RuleExecution
from sequence.core.admin.timeline import MAX_ENTRIES, Stage, TimelineEntry

_KEY = "key:"


def find_executions(request_id: str) -> Iterator[TimelineEntry]:
    """Tell the executions that the request triggered itself, and those that its money set off."""
    rows = RuleExecution.objects.filter(request_id=request_id).select_related("rule").defer("trace", "rule__definition")
    for execution in rows.order_by("created_at", "id")[:MAX_ENTRIES]:
        cause = execution.trigger_transfer_id
        because = f", set off by {cause}" if cause else ""
        yield TimelineEntry(
            Stage.FOLLOWED if cause else Stage.MADE,
            execution.created_at,
            f"Rule “{execution.rule}” ({execution.get_mode_display().lower()}){because}",
            execution,
            state=(execution.get_status_display(), TONES[ExecutionStatus(execution.status)]),
        )


def find_rule_callers(request_id: str) -> Iterator[TimelineEntry]:
    """Tell which keys asked for a run, also where no record of an Idempotency-Key says so."""
    rows = RuleExecution.objects.filter(request_id=request_id, started_by__startswith=_KEY)
    asked = {by.removeprefix(_KEY): at for by, at in rows.values_list("started_by", "created_at")[:MAX_ENTRIES] if by}
    for key in ApiKey.objects.filter(id__in=asked).defer("digest") if asked else ():
        yield TimelineEntry(Stage.CALLER, asked[key.id], "triggered a rule", key)
