"""Links from an object's page to pages that tell more of it, which another app may own."""

from collections.abc import Callable
from typing import TypeVar

from django.db.models import Model
from django.http import HttpRequest

from sequence.core.wired import wired

M = TypeVar("M", bound=Model)

# The words of a link, and its address.
Link = tuple[str, str]
FindLinks = Callable[[HttpRequest, M], list[Link]]


def links_of(request: HttpRequest, obj: Model) -> list[Link]:
    """Return the links on the object's page, as this person may follow them."""
    return [link for model, find in wired("LINKS") if isinstance(obj, model) for link in find(request, obj)]
