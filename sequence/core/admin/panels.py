"""Panels: what one app tells on the page of another app's object, which knows nothing of it.

Which there are stands in the wiring, so that imports still point one way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model
from django.http import HttpRequest

from sequence.core.typing import Context
from sequence.core.wired import wired

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Panel:
    """A part of an object's page with a template of its own, which finds ``facts``.

    It stands above the object's own fields, or ``below_the_first`` of them, which say what the object is.
    """

    template: str
    facts: Context
    below_the_first: bool = False


# Returns None where there is nothing to tell, or not to this person.
FindPanel = Callable[[HttpRequest, M], Panel | None]


def panels_of(request: HttpRequest, obj: Model) -> list[Panel]:
    """Return the panels of the object's page, as this person may see them."""
    found = [find(request, obj) for model, find in wired("PANELS") if isinstance(obj, model)]
    return [panel for panel in found if panel is not None]
