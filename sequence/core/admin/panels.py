"""Panels: what one app tells on the page of another app's object, which knows nothing of it.

Apps register them when their admin loads, so that imports still point one way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest


@dataclass(frozen=True)
class Panel:
    """A part of an object's page with a template of its own, which finds ``facts``."""

    template: str
    facts: dict[str, Any]


# Returns None where there is nothing to tell, or not to this person.
FindPanel = Callable[[HttpRequest, Any], Panel | None]

_finders: list[tuple[type[Model], FindPanel]] = []


def register_panel(model: type[Model], find: FindPanel) -> None:
    """Show what ``find`` returns on the pages of the model's objects, before their own fields."""
    if (model, find) not in _finders:
        _finders.append((model, find))


def panels_of(request: HttpRequest, obj: Model) -> list[Panel]:
    """Return the panels of the object's page, as this person may see them."""
    found = [find(request, obj) for model, find in _finders if isinstance(obj, model)]
    return [panel for panel in found if panel is not None]
