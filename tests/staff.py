"""A member of staff before the pages, as a browser without scripts would be."""

import re
from typing import Any

from django.contrib.auth.models import Permission, User
from django.forms import CheckboxInput
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse


class Browser(Client):
    """A client that sends a page's form as a browser does: it has read the page, and sends its hidden field back.

    ``seen=None`` sends the form of a page that was never read, and a text another fingerprint.
    """

    def post(self, path: str, data: Any = None, *args: Any, **options: Any) -> HttpResponse:  # type: ignore[override]
        sent = dict(data or {})
        if "seen" not in sent and not args:
            sent["seen"] = seen_on(self.get(path))
        return super().post(path, {name: value for name, value in sent.items() if value is not None}, *args, **options)


def seen_on(response: HttpResponse) -> str | None:
    """Return the fingerprint that the page carries, if it does."""
    if response.status_code != 200 or response.streaming:
        return None
    found = re.search(r'name="seen" value="([0-9a-f]+)"', response.content.decode(errors="replace"))
    return found[1] if found else None


def sign_in(*permissions: str, name: str = "ann", is_superuser: bool = False) -> Browser:
    """Return a client signed in as a new member of staff with just these permissions (``app.codename``)."""
    user = User.objects.create_user(name, is_staff=True, is_superuser=is_superuser)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client = Browser()
    client.force_login(user)
    return client


class Staff:
    """A signed-in member of staff; addresses are given without ``/admin/``."""

    def __init__(self, name: str, *permissions: str, is_superuser: bool = False) -> None:
        self.client = sign_in(*permissions, name=name, is_superuser=is_superuser)

    def get(self, path: str, **query: str) -> HttpResponse:
        return self.client.get(f"/admin/{path}", query)

    def post(self, path: str, **form: str) -> HttpResponse:
        """Send a form and go where the answer leads."""
        return self.client.post(f"/admin/{path}", form, follow=True)


def page_of(obj: Any, page: str = "change") -> str:
    """Return the address of an object's page; ``page`` may also name one of our own, such as ``revoke``."""
    options = obj._meta
    address = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[obj.pk])
    return address.replace("/change/", f"/{page}/")


def list_of(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def messages_of(response: HttpResponse) -> list[str]:
    """Return what the page that was reached in the end tells the person."""
    return [str(message) for message in response.context["messages"]]


def form_of(response: HttpResponse) -> dict[str, Any]:
    """Return what a browser would send if nobody changed anything on this page."""
    sent: dict[str, Any] = {"seen": response.context.get("seen")}
    admin_form = response.context["adminform"].form
    formsets = [inline.formset for inline in response.context["inline_admin_formsets"]]
    for form in [admin_form, *(form for formset in formsets for form in [formset.management_form, *formset])]:
        for field in form:
            _add(sent, field)
    return sent


def _add(sent: dict[str, Any], field: Any) -> None:
    if isinstance(field.field.widget, CheckboxInput):
        sent.update({field.html_name: "on"} if field.value() else {})
        return
    value = field.field.widget.format_value(field.value()) if not isinstance(field.value(), list) else field.value()
    if hasattr(field.field.widget, "decompress"):
        for index, part in enumerate(field.field.widget.decompress(field.value())):
            sent[f"{field.html_name}_{index}"] = part or ""
    elif value not in (None, [], [""], False, "False"):
        sent[field.html_name] = value[0] if isinstance(value, list) and len(value) == 1 else value
