"""Export of the audit trail: every change under the filters in force, newest first, as CSV or JSON lines.

It is read page by page like the trail itself, each page in statements of its own: the tables only ever grow at the
end, which every page leaves behind, so that the pages together are what there was when the export began.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpRequest, StreamingHttpResponse

from sequence.core import clock
from sequence.core.admin.actors import actor_of
from sequence.core.admin.exports import as_file, csv_text, write_value
from sequence.core.admin.trail import Change, Filters, newest_changes
from sequence.core.api.fields import show_time
from sequence.core.api.request_ids import request_id_of

# Enough that the statements of a page weigh little against its rows.
ROWS = 500
HEADINGS = ["at", "actor", "request_id", "reason", "kind", "verb", "object_id", "object_name", "changes"]
CSV, JSON_LINES = "csv", "jsonl"
_TYPES = {CSV: "text/csv; charset=utf-8", JSON_LINES: "application/jsonl; charset=utf-8"}

WriteChanges = Callable[[Sequence[Change]], str]


def export_trail(request: HttpRequest, filters: Filters, *, form: str) -> StreamingHttpResponse:
    """Return the answer that streams the changes in a form, CSV or JSON_LINES."""
    return as_file(
        _chunks(filters, form),
        f"audit-trail-{clock.now():%Y-%m-%d}.{form}",
        _TYPES[form],
        name="audit-trail",
        by=actor_of(request),
        filters=urlencode(request.GET),
        request_id=request_id_of(request),
    )


def _chunks(filters: Filters, form: str) -> Iterator[tuple[int, str]]:
    write = _as_csv if form == CSV else _as_json_lines
    yield 0, csv_text([HEADINGS]) if form == CSV else ""
    is_last = False
    while not is_last:
        page = newest_changes(filters, size=ROWS)
        yield len(page.changes), write(page.changes)
        filters, is_last = replace(filters, older=page.older), not page.older


def _as_csv(changes: Sequence[Change]) -> str:
    return csv_text([write_value(value) for value in _cells(change)] for change in changes)


def _cells(change: Change) -> list[object]:
    fields = "; ".join(
        f"{each.name}: {each.after}" if each.before is None else f"{each.name}: {each.before} → {each.after}"
        for each in change.fields
    )
    who = [change.at, change.actor, change.request_id, change.reason]
    return [*who, change.kind, change.verb, change.object_id, change.object_name, fields]


def _as_json_lines(changes: Sequence[Change]) -> str:
    return "".join(f"{json.dumps(_as_dict(change), ensure_ascii=False)}\n" for change in changes)


def _as_dict(change: Change) -> dict[str, object]:
    fields = [{"field": each.name, "before": each.before, "after": each.after} for each in change.fields]
    return {
        "at": show_time(change.at),
        "actor": change.actor,
        "request_id": change.request_id or None,
        "reason": change.reason or None,
        "kind": change.kind,
        "verb": change.verb,
        "object_id": change.object_id,
        "object_name": change.object_name,
        "changes": fields,
    }
