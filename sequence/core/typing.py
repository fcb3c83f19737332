"""Types of what has no class: JSON as it comes and goes, and what a template is given."""

from typing import Any, TypeAlias

from django.db.models import QuerySet

# Whatever JSON can say.
Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
# An object of JSON: names, and whatever JSON can say. Readers check it before anybody relies on what is in it.
JsonObject = dict[str, Any]
# What a page's template finds by name.
Context = dict[str, Any]
# Rows of some model that only whoever asks for them knows.
Rows = QuerySet[Any]
