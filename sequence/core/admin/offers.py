"""What a person may do with an object, told on a page that is not the object's own."""

from django.contrib import admin
from django.http import HttpRequest

from sequence.core.admin.base import M, ObjectPage, StaffAdmin


def offers_of(request: HttpRequest, obj: M) -> list[ObjectPage[M]]:
    """Return the pages that this person may open to do something with the object as it is now."""
    model_admin = admin.site.get_model_admin(type(obj))
    assert isinstance(model_admin, StaffAdmin)  # noqa: S101 - tells the type checker
    return [page for page in model_admin.all_object_pages() if page.is_allowed(request, obj)]
