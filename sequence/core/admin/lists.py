"""A list of the staff's pages: its filters, and what it says instead of showing everything by mistake."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, ORDER_VAR, PAGE_VAR, SEARCH_VAR, ChangeList
from django.http import HttpRequest

from sequence.core.admin.filters import FilterForm
from sequence.core.admin.period_filters import quick_choices
from sequence.core.typing import Context, Rows

# What an address may hold besides the filters.
_ITS_OWN = (SEARCH_VAR, ORDER_VAR, PAGE_VAR, ALL_VAR)


class FilteredList(ChangeList):
    """A list whose model admin declares ``filters``.

    Django's own list goes back to all rows when it cannot read its address. This one shows none, and says why.
    """

    form: FilterForm
    model_admin: Any

    def get_filters_params(self, params: Context | None = None) -> Context:
        """Nothing: the form knows every parameter, and refuses the others."""
        return {}

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> Rows:
        self.form = FilterForm(self.model_admin.filters, request.GET, kept=_ITS_OWN)
        rows = super().get_queryset(request, exclude_parameters)
        return self.form.narrow(rows) if self.is_understood else rows.none()

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except IncorrectLookupParameters:
            messages.warning(request, "There is no such page of this list. This is the first.")
            self.page_num = 1
            super().get_results(request)

    @property
    def is_understood(self) -> bool:
        """Whether the address makes sense. Django drops a search that holds a NUL, and would show everything."""
        return self.form.is_valid() and "\0" not in self.params.get(SEARCH_VAR, "")

    @property
    def quick_choices(self) -> list[tuple[str, str]]:
        """The periods that are asked for most, in words, with their addresses."""
        return quick_choices(self.form)
