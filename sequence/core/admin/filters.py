"""Filters of a list: organization, account, state. Apps declare theirs, lists combine them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.http import QueryDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from sequence.core.typing import Context, Rows

# Objects of one name, or of similar names, that are offered to choose from.
OFFERED = 5
MAX_TEXT = 255

Condition = Q | Callable[[], Q]

# What a text of the form names: the text itself, a span of time, an object.
Found = TypeVar("Found")
M = TypeVar("M", bound=models.Model)


class Filter(ABC, Generic[Found]):
    """One question, asked by the parameter ``name`` of a list's address.

    Subclasses give the form field, find what the text names, narrow the rows down to it, and tell it in words.
    """

    # Whether only links of other pages ask it: it is told and can be removed, and takes no room in the form.
    is_linked_only = False

    def __init__(self, name: str, label: str) -> None:
        self.name = name
        self.label = label

    def linked_only(self) -> Self:
        """Return the filter, kept out of people's sight until a link asks it."""
        self.is_linked_only = True
        return self

    def field(self) -> forms.Field:
        return forms.CharField(required=False, label=self.label, max_length=MAX_TEXT)

    @abstractmethod
    def find(self, text: str, form: "FilterForm") -> Found:
        """Return what the text names. Raises ValidationError, in words that help."""

    @abstractmethod
    def narrow(self, rows: Rows, found: Found) -> Rows: ...

    def narrow_unasked(self, rows: Rows) -> Rows:
        """Return the rows that are shown when nobody asks."""
        return rows

    def tell(self, found: Found) -> str:
        """Return the answer in words, to stand behind the label."""
        return str(found)


class Text(Filter[str]):
    """A question that is answered by the very text."""

    def find(self, text: str, form: "FilterForm") -> str:
        return text


class Exact(Text):
    """Rows in which a column is just this text."""

    def __init__(self, name: str, label: str, column: str) -> None:
        super().__init__(name, label)
        self.column = column

    def narrow(self, rows: Rows, found: str) -> Rows:
        return rows.filter(**{self.column: found})


class OneOf(Text):
    """A few possible answers, each with its words and its condition. ``unasked`` is what is shown without an answer."""

    def __init__(
        self,
        name: str,
        label: str,
        answers: dict[str, tuple[str, Condition]],
        *,
        unasked: tuple[str, Condition] | None = None,
    ) -> None:
        super().__init__(name, label)
        self.answers = answers
        self.unasked = unasked

    @classmethod
    def of_column(cls, column: str, label: str, choices: Iterable[tuple[object, object]], name: str = "") -> "OneOf":
        """Return the filter whose answers are the choices of a column."""
        answers: dict[str, tuple[str, Condition]] = {
            str(value): (str(words), Q(**{column: value})) for value, words in choices
        }
        return cls(name or column, label, answers)

    def field(self) -> forms.Field:
        empty = self.unasked[0] if self.unasked else "Any"
        choices = [("", empty), *((value, words) for value, (words, _) in self.answers.items())]
        errors = {"invalid_choice": "“%(value)s” is none of the choices."}
        return forms.ChoiceField(required=False, label=self.label, choices=choices, error_messages=errors)

    def narrow(self, rows: Rows, found: str) -> Rows:
        return rows.filter(_asked_now(self.answers[found][1]))

    def narrow_unasked(self, rows: Rows) -> Rows:
        return rows.filter(_asked_now(self.unasked[1])) if self.unasked else rows

    def tell(self, found: str) -> str:
        return self.answers[found][0]


def _asked_now(condition: Condition) -> Q:
    return condition() if callable(condition) else condition


class Named(Filter[M]):
    """Rows of one object, named by its whole id or by its name: a list of all names would be no help among thousands.

    ``columns`` are those of the row that may refer to it; ``condition`` stands in where columns cannot say it.
    """

    def __init__(
        self,
        name: str,
        label: str,
        model: type[M],
        *columns: str,
        called: Sequence[str] = ("name",),
        condition: Callable[[M], Q] | None = None,
    ) -> None:
        super().__init__(name, label)
        self.model = model
        self.columns = columns
        self.called = called
        self.condition = condition

    def field(self) -> forms.Field:
        widget = forms.TextInput(attrs={"placeholder": "id or name"})
        return forms.CharField(required=False, label=self.label, max_length=MAX_TEXT, widget=widget)

    def find(self, text: str, form: "FilterForm") -> M:
        rows = self._within(form)
        found = list(rows.filter(pk=text)) or self._called(rows, text, "iexact")
        if len(found) == 1:
            return found[0]
        if found:
            raise ValidationError(self._offer("There are several of this name:", found, form), code="ambiguous")
        similar = self._called(rows, text, "icontains")
        if similar:
            raise ValidationError(self._offer("There is none of this id or name. Similar:", similar, form))
        where = " in this organization" if form.organization and self.name != "organization" else ""
        raise ValidationError(f"There is none of this id or name{where}.", code="unknown")

    def narrow(self, rows: Rows, found: M) -> Rows:
        if self.condition is not None:
            return rows.filter(self.condition(found))
        refers = Q()
        for column in self.columns:
            refers |= Q(**{column: found})
        return rows.filter(refers)

    def tell(self, found: M) -> str:
        return f"{found} ({found.pk})"

    def _within(self, form: "FilterForm") -> models.QuerySet[M]:
        """Return the objects to choose from. Only names are read: some rows hold what nobody needs here."""
        rows = self.model._default_manager.only(*self.called)
        if not any(field.name == "organization" for field in self.model._meta.concrete_fields):
            return rows
        if form.organization:
            rows = rows.filter(organization=form.organization)
        return rows.select_related("organization").only(*self.called, "organization__name")

    def _called(self, rows: models.QuerySet[M], text: str, how: str) -> list[M]:
        names = Q()
        for column in self.called:
            names |= Q(**{f"{column}__{how}": text})
        return list(rows.filter(names).order_by("pk")[:OFFERED])

    def _offer(self, words: str, found: list[M], form: "FilterForm") -> SafeString:
        choices = ((form.address(**{self.name: each.pk}), _full(each)) for each in found)
        links = format_html_join(", ", '<a href="{}">{}</a>', choices)
        return format_html("{} {}", words, links)


def _full(obj: models.Model) -> str:
    owner = getattr(obj, "organization", None)
    return f"{obj} of {owner}" if owner else f"{obj} ({obj.pk})"


@dataclass(frozen=True)
class Chosen:
    """A filter in force, in words, with the address of the list without it."""

    label: str
    words: str
    without: str


def _field_of(filter: Filter) -> forms.Field:
    field = filter.field()
    if filter.is_linked_only:
        field.widget = forms.HiddenInput()
    return field


class FilterForm(forms.Form):
    """All filters of a list. It refuses what it cannot read; the list then shows nothing instead of everything."""

    def __init__(self, filters: Sequence[Filter], query: QueryDict, *, kept: Sequence[str] = ()) -> None:
        super().__init__(query)
        self.filters = filters
        self.query = query
        self.kept = kept
        self.fields.update({each.name: _field_of(each) for each in filters})

    @property
    def organization(self) -> models.Model | None:
        """The organization that was chosen; filters after it look for names within it alone."""
        return self.cleaned_data.get("organization") or None

    def clean(self) -> Context:
        for each in self.filters:
            text = self.cleaned_data.get(each.name)
            if not text:
                continue
            try:
                self.cleaned_data[each.name] = each.find(text, self)
            except ValidationError as fault:
                self.add_error(each.name, fault)
        unknown = sorted(set(self.query) - set(self.fields) - set(self.kept))
        if unknown:
            self.add_error(None, f"This list has no filter “{unknown[0]}”.")
        return self.cleaned_data

    def narrow(self, rows: Rows) -> Rows:
        """Return the rows that pass all filters, every one of which has been found to make sense."""
        for each in self.filters:
            found = self.cleaned_data[each.name]
            rows = each.narrow(rows, found) if found else each.narrow_unasked(rows)
        return rows

    def chosen(self) -> list[Chosen]:
        """Return the filters in force; one that makes no sense is told beside its field instead."""
        found = [(each, self.cleaned_data.get(each.name)) for each in self.filters]
        return [
            Chosen(each.label, each.tell(value), self.address(**{each.name: None})) for each, value in found if value
        ]

    def address(self, **changes: str | None) -> str:
        """Return the list's address with other values for some filters, from its first page on. None removes one."""
        query = self.query.copy()
        query.pop("p", None)
        for name, value in changes.items():
            query.pop(name, None)
            if value is not None:
                query[name] = value
        return f"?{query.urlencode()}"
