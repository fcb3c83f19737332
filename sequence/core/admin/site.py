"""The site itself: its name, its order, and one audited transaction around whatever staff change."""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path

from sequence.core import clock
from sequence.core.api.request_ids import request_id_of
from sequence.core.audit import run_audited
from sequence.core.errors import DomainError

View = Callable[..., HttpResponse]

# Staff look for these first; apps that are not named follow in the order of the alphabet.
APPS_IN_ORDER = ["apikeys", "accounts", "transfers", "rules", "cards", "sequence", "auth"]
LATEST_CHANGES = 10


def actor_of(request: HttpRequest) -> str:
    """Return who this is on the audit trail: ``staff:<user name>``."""
    return f"staff:{request.user.get_username()}"


def _audited(view: View) -> View:
    """Do a POST in one transaction under the name of whoever is signed in. An exception undoes all of it.

    A refusal that no page has dealt with, such as one of a row that somebody else deleted in between, is told in its
    own words on the page that the person comes from.
    """

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        try:
            return run_audited(
                lambda: view(request, *args, **kwargs), actor=actor_of(request), request_id=request_id_of(request)
            )
        except DomainError as refusal:
            messages.error(request, refusal.text)
            return HttpResponseRedirect(request.get_full_path())

    return wrapper


class StaffSite(admin.AdminSite):
    site_title = "Sequence"
    site_header = "Sequence"
    index_title = "Console"
    # The lists need its room on a small laptop; the console and the path above each page lead everywhere.
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Let staff in whose session was opened with all that signing in asks for. Every page of the site asks here."""
        from sequence.core.admin.second_factor import is_verified  # Models, which load after the site.

        return super().has_permission(request) and is_verified(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sign in, and note in the session which second factor opened it."""
        from sequence.core.admin.second_factor import SESSION_KEY
        from sequence.core.admin.sign_in import SignInForm

        self.login_form = SignInForm
        response = super().login(request, extra_context)
        factor = getattr(request, "second_factor", None)
        if factor is not None:
            request.session[SESSION_KEY] = factor.pk
        return response

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap every page of the site: Django checks who it is and the form's token first, then the trail begins."""
        return super().admin_view(_audited(view), cacheable)

    def get_urls(self) -> list[Any]:
        return [path("search/", self.admin_view(_search), name="search"), *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        rank = {label: position for position, label in enumerate(APPS_IN_ORDER)}
        return sorted(apps, key=lambda app: (rank.get(app["app_label"], len(rank)), app["name"]))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The console, with the latest changes for those who may see the trail."""
        from sequence.core.admin.console import Look, console_of  # Models, which load after the site.
        from sequence.core.admin.trail import Filters, newest_changes

        look = Look(clock.now(), request.GET.get("organization") or None)
        filters = Filters(organization_id=look.organization_id or "")
        changes = newest_changes(filters, size=LATEST_CHANGES).changes if may_see_trail(request) else None
        console = console_of(request.user, look)
        return super().index(request, {**(extra_context or {}), **console, "latest_changes": changes})


def _search(request: HttpRequest) -> HttpResponse:
    from sequence.core.admin.search import search  # Models, which load after the site.

    return search(request)


def may_see_trail(request: HttpRequest) -> bool:
    """Say whether this person may read everybody's changes."""
    return request.user.is_active and request.user.has_perm("sequence.view_audittrail")
