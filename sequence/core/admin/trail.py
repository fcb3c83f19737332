"""Audit trail in words: who changed what, when, in which request.

django-pghistory keeps one table of events for each tracked model. A page merges the newest rows of each, every table
read backwards along its index of times, so that the last page, and one of long ago, cost what the first one does.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Protocol

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.options import Options
from django.urls import reverse
from pghistory.core import event_models

from sequence.core.admin.display import UNKNOWN, dollars, shorten
from sequence.core.typing import Rows
from sequence.core.wired import wired

PAGE_SIZE = 50
# As the index of times that each table has: see ``by_time``.
NEWEST_FIRST = ("-pgh_created_at", "-pgh_id")
NOBODY = "outside the application"
VERBS = {
    "insert": "created",
    "update": "changed",
    "delete": "deleted",
    "expire": "expired by hand",
    "purge": "purged",
    "password": "password changed",
    "add": "given",
    "remove": "taken away",
    "enrol": "enrolled",
    "decide": "decided",
    "record": "recorded",
    "take": "failure taken",
    "propose": "proposal changed",
    "post": "posted",
}
# What happened for the first and last time is told by its whole content, everything else by what it changed.
_WHOLE = {
    *("insert", "delete", "expire", "purge", "add", "remove", "enrol"),
    *("decide", "record", "take", "propose", "post"),
}
# Told elsewhere in the row, or noise.
_UNSAID = {"id", "created_at", "updated_at", "lineage_id", "spend_id"}
# By which field people recognise an object.
_NAMES = ("name", "nickname", "holder_name", "username", "scope", "key")


class EventContext(Protocol):
    """Who made the changes of a transaction, and in which request."""

    metadata: dict[str, str]


class EventRow(Protocol):
    """Row of any event model, without the columns that it copies: django-pghistory makes the classes as it starts."""

    _meta: ClassVar[Options]
    objects: ClassVar[models.Manager]
    pgh_id: int
    pgh_created_at: datetime
    pgh_label: str
    pgh_obj_id: str | int
    pgh_context: EventContext | None


@dataclass(frozen=True)
class FieldChange:
    """One field of a change. ``before`` is None where there was nothing before."""

    name: str
    before: str | None
    after: str


@dataclass(frozen=True)
class Change:
    """One event of the trail. Digests and bank numbers are not among the fields: the triggers leave them out."""

    at: datetime
    actor: str
    request_id: str
    reason: str
    verb: str
    kind: str
    object_id: str
    object_name: str
    url: str | None
    fields: list[FieldChange]


@dataclass(frozen=True)
class Page:
    """Changes, newest first. ``older`` is the position after them, empty at the end."""

    changes: list[Change]
    older: str = ""


@dataclass(frozen=True)
class Filters:
    """Which changes to show; empty means any. ``older`` is a position that an earlier page gave."""

    kind: str = ""
    actor: str = ""
    request_id: str = ""
    object_id: str = ""
    organization_id: str = ""
    since: datetime | None = None
    # Not including it.
    until: datetime | None = None
    older: str = ""


def tracked_models() -> list[type[models.Model]]:
    """Return the event models whose changes the trail tells, in the order of the alphabet."""
    return sorted(event_models(), key=_kind)


def kinds() -> list[tuple[str, str]]:
    """Return the choices of the filter: the event model's label, and its name for people."""
    return [(model._meta.label_lower, _kind(model).capitalize()) for model in tracked_models()]


def newest_changes(filters: Filters, *, size: int = PAGE_SIZE) -> Page:
    """Return a page of all changes that pass the filters."""
    sources = [
        _filtered(model, filters)
        for model in tracked_models()
        if filters.kind in ("", model._meta.label_lower) and _may_hold(model, filters.object_id)
    ]
    if filters.organization_id:
        sources = [
            rows for rows in (_of_organization(rows, filters.organization_id) for rows in sources) if rows is not None
        ]
    return _page(sources, older=filters.older, size=size)


def _of_organization(rows: Rows, organization_id: str) -> Rows | None:
    """Return the events about what belongs to the organization, or None where nothing of the kind does."""
    columns = {field.name for field in rows.model._meta.get_fields()}
    if "organization" in columns:
        return rows.filter(organization_id=organization_id)
    is_itself = _tracked(rows.model)._meta.label_lower == "apikeys.organization"
    return rows.filter(pgh_obj_id=organization_id) if is_itself else None


def newest_changes_of(obj: models.Model, *, parts: dict[type[models.Model], str], older: str) -> Page:
    """Return a page of the changes of one object. ``parts`` names the models that belong to it, and by which field."""
    sources = [model._default_manager.filter(pgh_obj_id=obj.pk) for model in _event_models_of(type(obj))]
    for part, foreign_key in parts.items():
        sources += [model._default_manager.filter(**{foreign_key: obj.pk}) for model in _event_models_of(part)]
    return _page(sources, older=older, size=PAGE_SIZE)


def events_of_request(model: type[models.Model], request_id: str, *, limit: int) -> list[EventRow]:
    """Return the first events of the model's rows that the request caused."""
    asked = Filters(request_id=request_id)
    return [row for events in _event_models_of(model) for row in _filtered(events, asked).order_by("pgh_id")[:limit]]


def name_of(row: object) -> str:
    """Return how people recognise the object of an event, empty if by nothing."""
    return next((str(getattr(row, name)) for name in _NAMES if getattr(row, name, None)), "")


def _event_models_of(model: type[models.Model]) -> list[type[models.Model]]:
    return [events for events in event_models() if _tracked(events)._meta.concrete_model is model]


def _tracked(events: Any) -> type[models.Model]:
    return events.pgh_tracked_model


def _kind(events: type) -> str:
    return str(_tracked(events)._meta.verbose_name)


def _may_hold(events: type, object_id: str) -> bool:
    """Say whether the id could be one of this model's: a number is no key's, and a key's id is no user's."""
    if not object_id:
        return True
    if not hasattr(events, "pgh_obj_id"):
        return False
    try:
        _tracked(events)._meta.pk.get_prep_value(object_id)
    except (TypeError, ValueError):
        return False
    return True


def _filtered(events: type[models.Model], filters: Filters) -> Rows:
    rows = events._default_manager.all()
    if filters.actor:
        rows = rows.filter(pgh_context__metadata__actor=filters.actor)
    if filters.request_id:
        rows = rows.filter(pgh_context__metadata__request_id=filters.request_id)
    if filters.object_id:
        rows = rows.filter(pgh_obj_id=filters.object_id)
    if filters.since:
        rows = rows.filter(pgh_created_at__gte=filters.since)
    if filters.until:
        rows = rows.filter(pgh_created_at__lt=filters.until)
    return rows


def _page(sources: Iterable[Rows], *, older: str, size: int) -> Page:
    position = _Position.read(older)
    newest = [position.continue_in(rows).select_related("pgh_context").order_by(*NEWEST_FIRST) for rows in sources]
    # One more than is shown tells whether there is an older page.
    merged = heapq.merge(*(list(rows[: size + 1]) for rows in newest), key=lambda row: row.pgh_created_at, reverse=True)
    rows = [row for row, _ in zip(merged, range(size + 1), strict=False)]
    shown = rows[:size]
    older = str(position.after(shown)) if len(rows) > size else ""
    return Page(changes=_in_words(shown), older=older)


@dataclass
class _Position:
    """How far a reader has come in each table: the label of its model with the last ``pgh_id`` that was shown."""

    last: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "_Position":
        """Return the position that ``str`` wrote. What is not one is the beginning."""
        pairs = [part.rpartition(":") for part in text.split(",") if part]
        return cls({label: int(number) for label, _, number in pairs if number.isdecimal() and len(number) < 19})

    def __str__(self) -> str:
        return ",".join(f"{label}:{number}" for label, number in sorted(self.last.items()))

    def continue_in(self, rows: Rows) -> Rows:
        last = self.last.get(rows.model._meta.label_lower)
        if last is None:
            return rows
        at = Subquery(rows.model.objects.filter(pgh_id=last).values("pgh_created_at"))
        return rows.filter(Q(pgh_created_at__lte=at) & (Q(pgh_created_at__lt=at) | Q(pgh_id__lt=last)))

    def after(self, rows: Sequence[EventRow]) -> "_Position":
        return _Position({**self.last, **{row._meta.label_lower: row.pgh_id for row in rows}})


def _in_words(rows: Sequence[EventRow]) -> list[Change]:
    before, accounts = _previous(rows), _names_of_pairs(rows)
    return [_change(row, before.get((type(row), row.pgh_id)), accounts) for row in rows]


def _names_of_pairs(rows: Sequence[EventRow]) -> Mapping[str, str]:
    """Return the names of the accounts between which the changed entries of keys let money go, in one query."""
    ids = {id for row in rows for id in _pair_of(row) if id}
    return wired("NAME_ACCOUNTS")(ids) if ids else {}


def _pair_of(row: object) -> tuple[str | None, ...]:
    """Return the two ends of an entry that has a pair of accounts; none of anything else."""
    return (getattr(row, "source", None), getattr(row, "target", None)) if hasattr(row, "scope") else ()


def _name(row: EventRow, accounts: Mapping[str, str]) -> str:
    """Return how people recognise the object: an entry of a key by its pair too, which a change alone does not tell."""
    ends = [f"{accounts[id]} ({shorten(id)})" if id in accounts else id for id in _pair_of(row) if id]
    return f"{name_of(row)}: {' → '.join(ends)}" if ends else name_of(row)


def _previous(rows: Sequence[EventRow]) -> dict[tuple[type, int], EventRow]:
    """Return the event before each update, by its model and number, in one query for each model."""
    found = {}
    for events in {type(row) for row in rows if row.pgh_label not in _WHOLE}:
        numbers = [row.pgh_id for row in rows if type(row) is events]
        earlier = events.objects.filter(pgh_obj_id=OuterRef("pgh_obj_id"), pgh_id__lt=OuterRef("pgh_id"))
        pairs = events.objects.filter(pgh_id__in=numbers).values_list(
            "pgh_id", Subquery(earlier.order_by("-pgh_id").values("pgh_id")[:1])
        )
        previous = events.objects.in_bulk([before for _, before in pairs if before is not None])
        found.update({(events, number): previous[before] for number, before in pairs if before is not None})
    return found


def _change(row: EventRow, before: EventRow | None, accounts: Mapping[str, str]) -> Change:
    context = row.pgh_context.metadata if row.pgh_context else {}
    return Change(
        at=row.pgh_created_at,
        actor=context.get("actor", NOBODY),
        request_id=context.get("request_id", ""),
        reason=context.get("reason", ""),
        verb=VERBS.get(row.pgh_label, row.pgh_label),
        kind=_kind(type(row)),
        object_id=str(getattr(row, "pgh_obj_id", "")),
        object_name=_name(row, accounts),
        url=_url(row),
        fields=_fields(row, before),
    )


def _fields(row: EventRow, before: EventRow | None) -> list[FieldChange]:
    names = [field for field in row._meta.concrete_fields if not field.name.startswith("pgh_")]
    told = [field for field in names if field.name not in _UNSAID]
    if row.pgh_label in _WHOLE:
        return [
            FieldChange(_label(field), None, _show(field, row))
            for field in told
            if getattr(row, field.attname) not in (None, "", [])
        ]
    return [
        FieldChange(_label(field), _show(field, before), _show(field, row))
        for field in told
        if before is not None and getattr(row, field.attname) != getattr(before, field.attname)
    ]


def _label(field: models.Field) -> str:
    return str(field.verbose_name).removesuffix(" cents")


def _show(field: models.Field, row: object) -> str:
    value = getattr(row, field.attname)
    if value is None:
        return UNKNOWN
    if field.name.endswith("_cents"):
        return dollars(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(map(str, value)) or UNKNOWN
    return str(value)


def _url(row: EventRow) -> str | None:
    """Return the page of the changed object, or of the one that it is a part of."""
    model = _tracked(type(row))._meta.concrete_model
    for registered, model_admin in admin.site._registry.items():
        if registered is model and hasattr(row, "pgh_obj_id"):
            return _address(registered, row.pgh_obj_id)
        foreign_key = getattr(model_admin, "trail_parts", {}).get(model)
        if foreign_key is not None:
            return _address(registered, getattr(row, f"{foreign_key}_id"))
    return None


def _address(model: type[models.Model], key: str | int) -> str:
    options = model._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[quote(key)])
