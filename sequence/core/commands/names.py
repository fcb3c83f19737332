"""Names in place of ids: operators may type what people call a thing, as long as one thing alone is called so."""

import re
from collections.abc import Callable
from typing import Any

from django.db.models import Model, QuerySet

from sequence.core.errors import DomainError

_is_id = re.compile(r"[a-z]+_[0-7][0-9A-HJKMNP-TV-Z]{25}").fullmatch
# How many of several are told.
TOLD = 5

# Turns what was typed into an id.
FindId = Callable[[str], str]


class AmbiguousName(DomainError):
    code = "ambiguous_name"
    status = 409
    message = "{count} are called {name!r}. Give the id of one: {ids}."
    remedy = "Give the id instead of the name."


def by_name(model: type[Model], *, column: str = "name", among: Callable[[], "QuerySet[Any]"] | None = None) -> FindId:
    """Return what finds the id of the one row of that name, whatever its capitals.

    What is written like an id is one, whatever somebody has called their things; another text that is no name stays as
    it is, for whoever looks for it to say that there is none. It raises AmbiguousName.
    """

    def find(text: str) -> str:
        if _is_id(text):
            return text
        rows = model._default_manager.all() if among is None else among()
        named = rows.filter(**{f"{column}__iexact": text}).order_by("pk").values_list("pk", flat=True)
        ids = [str(id) for id in named[: TOLD + 1]]
        if len(ids) > 1:
            raise AmbiguousName(count=named.count(), name=text, ids=", ".join(ids[:TOLD]))
        return ids[0] if ids else text

    return find
