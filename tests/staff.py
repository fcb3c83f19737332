"""A person at the staff's site."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client


class Staff:
    """A signed-in staff user who holds the given permissions, such as ``transfers.decide_transfer``; or all of them."""

    def __init__(self, name: str, *permissions: str, is_superuser: bool = False) -> None:
        users: Any = get_user_model().objects
        self.user = users.create_user(name, password="a long password", is_staff=True, is_superuser=is_superuser)
        for permission in permissions:
            app_label, codename = permission.split(".")
            self.user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
        self.client = Client()
        self.client.force_login(self.user)

    def get(self, path: str, **query: str) -> HttpResponse:
        return self.client.get(f"/admin/{path}", query)

    def post(self, path: str, **form: str) -> HttpResponse:
        return self.client.post(f"/admin/{path}", form, follow=True)
