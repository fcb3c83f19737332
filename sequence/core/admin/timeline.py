"""Timeline of a request: what it did, gathered from all apps by the look-ups of the wiring.

A look-up takes a request id and returns entries: what its app has about that request, in words, each about one object.
"""

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from sequence.core.admin.trail import VERBS, events_of_request, name_of
from sequence.core.api.ids import PrefixedIdField, show_id
from sequence.core.wired import wired

# Rows of one kind that the page shows. A request id is the caller's own choice, and may be on any number of requests.
MAX_ENTRIES = 50


class Stage(enum.Enum):
    """Where in the chain an entry stands, in the order of the chain."""

    CALLER = "Who called"
    ANSWER = "What was answered"
    MADE = "What it did"
    FOLLOWED = "What followed"


@dataclass(frozen=True)
class TimelineEntry:
    """One thing about a request. ``about`` is the object whose page tells more; whoever may not see it is told nothing.

    ``title`` stands for the object where its own name says too little, ``state`` is a word with the tone of its badge.
    """

    stage: Stage
    at: datetime
    words: str
    about: models.Model
    state: tuple[str, str] | None = None
    title: str = ""

    @property
    def kind(self) -> str:
        return str(self.about._meta.verbose_name)

    @property
    def name(self) -> str:
        return self.title or str(self.about)

    @property
    def url(self) -> str:
        return address_of(self.about)


RequestLookup = Callable[[str], Iterable[TimelineEntry]]
# Takes what somebody typed, and returns the request ids that it stands for: an Idempotency-Key, for instance.
IdResolver = Callable[[str], Iterable[str]]


def changes_of(model: type[models.Model]) -> RequestLookup:
    """Return the look-up of the model's rows that a request made or changed, which only the audit trail knows."""

    def find(request_id: str) -> Iterator[TimelineEntry]:
        for row in events_of_request(model, request_id, limit=MAX_ENTRIES):
            about = model(pk=row.pgh_obj_id)
            words = f"{VERBS.get(row.pgh_label, row.pgh_label)} by it"
            yield TimelineEntry(Stage.MADE, row.pgh_created_at, words, about, title=name_of(row) or str(row.pgh_obj_id))

    return find


def timeline_of(request: HttpRequest, request_id: str) -> list[TimelineEntry]:
    """Return what this person may see of what the request did: stage by stage, and in each by time."""
    found: dict[tuple[Stage, str], TimelineEntry] = {}
    for look_up in wired("REQUEST_LOOKUPS"):
        for fact in look_up(request_id):
            found.setdefault((fact.stage, fact.url), fact)  # Who knows first knows best.
    seen = [fact for fact in found.values() if may_see(request, type(fact.about))]
    order = list(Stage)
    return sorted(seen, key=lambda fact: (order.index(fact.stage), fact.at, fact.url))


def requests_of(request: HttpRequest, text: str) -> list[str]:
    """Return the ids of the requests that a text stands for, each once, as far as this person may know."""
    asked = [translate for translate, model in wired("ID_RESOLVERS") if may_see(request, model)]
    return list(dict.fromkeys(id for translate in asked for id in translate(text)))


def object_of(text: str) -> models.Model | None:
    """Return the object whose whole id this is, of any kind that has a page."""
    prefix = text.partition("_")[0]
    for model in admin.site._registry:
        key = model._meta.pk
        if isinstance(key, PrefixedIdField) and key.prefix == prefix:
            return model._default_manager.only("pk").filter(pk=text).first()
    return None


def object_of_uuid(uuid: UUID) -> models.Model | None:
    """Return the object of this id as the other dialect spells it, of any kind that has a page."""
    for model in admin.site._registry:
        key = model._meta.pk
        if isinstance(key, PrefixedIdField) and (
            obj := model._default_manager.only("pk").filter(pk=show_id(key.prefix, uuid)).first()
        ):
            return obj
    return None


def may_see(request: HttpRequest, model: type[models.Model]) -> bool:
    """Say whether this person may open the pages of the model."""
    return admin.site.get_model_admin(model).has_view_or_change_permission(request)


def address_of(obj: models.Model) -> str:
    """Return the address of the object's page."""
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[quote(obj.pk)])
