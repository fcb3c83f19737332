"""Search for staff: an id leads to its page, a request id to all it did, anything else to what may be meant by it."""

from dataclasses import replace
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters

from sequence.core.admin.actors import may_see_trail
from sequence.core.admin.acts import only_reads
from sequence.core.admin.display import UNKNOWN
from sequence.core.admin.offers import offers_of
from sequence.core.admin.searching import Hit, Hits, read_asked
from sequence.core.admin.timeline import (
    MAX_ENTRIES,
    TimelineEntry,
    address_of,
    may_see,
    object_of,
    object_of_uuid,
    requests_of,
    timeline_of,
)
from sequence.core.admin.trail import Filters, newest_changes
from sequence.core.api.request_ids import ALLOWED
from sequence.core.typing import Context
from sequence.core.wired import wired

# More than anything that can be searched for: an Idempotency-Key has at most 255 characters.
MAX_TEXT = 300


@only_reads
@sensitive_post_parameters("q")
def search(request: HttpRequest) -> HttpResponse:
    """Lead to the object of an id; show what a request did, or all that a text may mean; or say what to try.

    The box sends by POST, since somebody may paste a whole API key into it: that is looked up by its hash, and stands
    in no address, no answer and no log. Whatever is no secret gets an address, which can be kept and passed on.
    """
    text = (request.POST if request.method == "POST" else request.GET).get("q", "").strip()
    is_secret, opened = _open_by_secret(text)
    if is_secret:
        return _secret_page(request, opened)
    if request.method == "POST":
        return HttpResponseRedirect(f"{reverse('admin:search')}?{urlencode({'q': text[: MAX_TEXT + 1]})}")
    obj = _object_named(text) if len(text) <= MAX_TEXT else None
    if obj is not None and may_see(request, type(obj)):
        return HttpResponseRedirect(address_of(obj))
    found = _look_for(request, text) if text and obj is None else {}
    return _page(request, text=text, hidden=obj is not None and str(obj._meta.verbose_name_plural), **found)


def _page(request: HttpRequest, **found: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Search", **found}
    return TemplateResponse(request, "admin/sequence/search.html", context)


def _open_by_secret(text: str) -> tuple[bool, Model | None]:
    """Say whether the text holds a secret, and return what it opens."""
    for find in wired("SECRETS"):
        is_secret, obj = find(text)
        if is_secret:
            return True, obj
    return False, None


def _secret_page(request: HttpRequest, opened: Model | None) -> HttpResponse:
    """Lead to what a pasted secret opens. One that came in an address is not looked up: it is out already."""
    if request.method != "POST":
        return _page(request, text="", secret="exposed")  # noqa: S106 - a word for the template
    if opened is not None and may_see(request, type(opened)):
        return HttpResponseRedirect(address_of(opened))
    return _page(request, text="", secret="hidden" if opened is not None else "unknown")


def _object_named(text: str) -> Model | None:
    """Return the object whose id this is, in the spelling of either dialect."""
    try:
        return object_of_uuid(UUID(text)) if "-" in text else object_of(text)
    except ValueError:
        return object_of(text)


def _look_for(request: HttpRequest, text: str) -> Context:
    """Return what the page tells about a text that is no object's id."""
    if len(text) > MAX_TEXT or "\0" in text:
        return {"nothing": True}
    found = {**_request_of(request, text), "kinds": _hits(request, text)}
    return found if any(found.values()) else {"nothing": True}


def _hits(request: HttpRequest, text: str) -> list[Hits]:
    """Return what the apps find, a few of each kind, as far as this person may see its pages."""
    asked = read_asked(text)
    found = [hits for model, find in wired("SEARCHES") if may_see(request, model) for hits in find(asked)]
    return [replace(hits, hits=[_with_offers(request, hit) for hit in hits.hits]) for hits in found]


def _with_offers(request: HttpRequest, hit: Hit) -> Hit:
    if hit.urgent is None:
        return hit
    obj, name = hit.urgent
    pages = [page for page in offers_of(request, obj) if page.name == name]
    return replace(hit, offers=[(page.label, f"{hit.address}../{page.name}/") for page in pages])


def _request_of(request: HttpRequest, text: str) -> Context:
    """Return what there is about the request that a text names by its id or its Idempotency-Key, empty if nothing."""
    found = _about(request, text)
    if found:
        return found
    # An Idempotency-Key of several callers may stand for several requests.
    others = requests_of(request, text)[:MAX_ENTRIES]
    if len(others) > 1:
        return {"others": others}
    found = _about(request, others[0]) if others else {}
    return {**found, "translated": True} if found else {}


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
