"""Search for staff: an id leads to its page, a request id to all that the request did."""

from itertools import groupby

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from sequence.core.admin.actors import may_see_trail
from sequence.core.admin.display import UNKNOWN
from sequence.core.admin.timeline import (
    MAX_ENTRIES,
    TimelineEntry,
    address_of,
    may_see,
    object_of,
    requests_of,
    timeline_of,
)
from sequence.core.admin.trail import Filters, newest_changes
from sequence.core.api.request_ids import ALLOWED
from sequence.core.typing import Context

# More than anything that can be searched for: an Idempotency-Key has at most 255 characters.
MAX_TEXT = 300


def search(request: HttpRequest) -> HttpResponse:
    """Lead to the object of an id; show what a request did; say what to try when there is nothing."""
    text = request.GET.get("q", "").strip()
    obj = object_of(text) if len(text) <= MAX_TEXT else None
    if obj is not None and may_see(request, type(obj)):
        return HttpResponseRedirect(address_of(obj))
    found = _look_for(request, text) if text and obj is None else {}
    context = {
        **admin.site.each_context(request),
        "title": "Search",
        "text": text,
        "hidden": obj is not None and str(obj._meta.verbose_name_plural),
        **found,
    }
    return TemplateResponse(request, "admin/sequence/search.html", context)


def _look_for(request: HttpRequest, text: str) -> Context:
    """Return what the page tells about a text that is no object's id."""
    if len(text) > MAX_TEXT or "\0" in text:
        return {"nothing": True}
    found = _about(request, text)
    if found:
        return found
    # An Idempotency-Key of several callers may stand for several requests.
    others = requests_of(request, text)[:MAX_ENTRIES]
    if len(others) > 1:
        return {"others": others}
    found = _about(request, others[0]) if others else {}
    return {**found, "translated": True} if found else {"nothing": True}


def _about(request: HttpRequest, request_id: str) -> Context:
    """Return what there is about a request, empty if nothing."""
    if not ALLOWED.fullmatch(request_id):
        return {}
    facts = timeline_of(request, request_id)
    trail = newest_changes(Filters(request_id=request_id)) if may_see_trail(request) else None
    if not facts and not (trail and trail.changes):
        return {}
    return {"request_id": request_id, "stages": _by_stage(facts), "trail": trail, "most": MAX_ENTRIES}


def _by_stage(facts: list[TimelineEntry]) -> list[tuple[str, list[TimelineEntry]]]:
    return [(stage.value, list(group)) for stage, group in groupby(facts, key=lambda fact: fact.stage)]


def request_link(request_id: str | None) -> SafeString:
    """Return a request id as a link to what the request did."""
    if not request_id:
        return format_html("{}", UNKNOWN)
    address = f"{reverse('admin:search')}?{urlencode({'q': request_id})}"
    return format_html('<a href="{}"><code class="code">{}</code></a>', address, request_id)
