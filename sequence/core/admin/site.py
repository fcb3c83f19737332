"""Admin site: its name, its order, and one audited transaction around whatever staff change."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from sequence.core import clock
from sequence.core.admin.actors import actor_of, may_see_trail
from sequence.core.admin.acts import FORBIDDEN, forget_act, record_act
from sequence.core.admin.console import ConsoleQuery, console_of
from sequence.core.admin.search import search
from sequence.core.admin.second_factor import SESSION_KEY, is_verified
from sequence.core.admin.sign_in import SignInForm
from sequence.core.admin.trail import Filters, newest_changes
from sequence.core.api.request_ids import request_id_of
from sequence.core.audit import run_audited
from sequence.core.errors import DomainError
from sequence.core.typing import Context
from sequence.core.wired import wired

View = Callable[..., HttpResponseBase]

LATEST_CHANGES = 10


@dataclass(frozen=True)
class SitePage:
    """A page over several models: its route below the site's address, its view, and its name within ``admin:``."""

    route: str
    view: View
    name: str


def _audited(view: View) -> View:
    """Do a POST in one transaction under the name of whoever is signed in. An exception undoes all of it.

    The audit log's entry is written in it as well; that of a refusal in one of its own.
    A refusal that no page has dealt with, such as one of a row that somebody else deleted in between, is told in its
    own words on the page that the person comes from.
    """

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method != "POST" or getattr(view, "only_reads", False):
            return view(request, *args, **kwargs)
        actor = actor_of(request)

        def work() -> HttpResponseBase:
            forget_act(request)
            response = view(request, *args, **kwargs)
            record_act(request, actor=actor, status=response.status_code)
            return response

        try:
            return run_audited(work, actor=actor, request_id=request_id_of(request))
        except DomainError as refusal:
            messages.error(request, refusal.text)
            response = HttpResponseRedirect(request.get_full_path())
            record_act(request, actor=actor, status=response.status_code, error_code=refusal.code)
            return response
        except PermissionDenied:
            record_act(request, actor=actor, status=HTTPStatus.FORBIDDEN, error_code=FORBIDDEN)
            raise

    return wrapper


class StaffSite(admin.AdminSite):
    """The staff's pages: who may come in, in which order they stand, and what is on the first."""

    site_title = "Sequence"
    site_header = "Sequence"
    index_title = "Console"
    # The lists need its room on a small laptop; the console and the path above each page lead everywhere.
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Let staff in whose session was opened with all that signing in asks for. Every page of the site asks here."""
        return super().has_permission(request) and is_verified(request)

    def login(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        """Sign in, and note in the session which second factor opened it."""
        self.login_form = SignInForm
        response = super().login(request, extra_context)
        factor = getattr(request, "second_factor", None)
        if factor is not None:
            request.session[SESSION_KEY] = factor.pk
        return response

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap every page of the site: Django checks who it is and the form's token first, then the trail begins."""
        return super().admin_view(_audited(view), cacheable)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        pages: Sequence[SitePage] = (SitePage("search/", search, "search"), *wired("SITE_PAGES"))
        urls = [path(page.route, self.admin_view(page.view), name=page.name) for page in pages]
        return [*urls, *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Context]:
        apps = super().get_app_list(request, app_label)
        rank = {label: position for position, label in enumerate(wired("APPS_IN_ORDER"))}
        return sorted(apps, key=lambda app: (rank.get(app["app_label"], len(rank)), app["name"]))

    def index(self, request: HttpRequest, extra_context: Context | None = None) -> TemplateResponse:
        """The console, with the latest changes for those who may see the trail."""
        look = ConsoleQuery(clock.now(), request.GET.get("organization") or None)
        filters = Filters(organization_id=look.organization_id or "")
        changes = newest_changes(filters, size=LATEST_CHANGES).changes if may_see_trail(request) else None
        console = console_of(request.user, look)
        told = {"latest_changes": changes, "overview": wired("CONSOLE_OVERVIEW")(request.user, look)}
        return super().index(request, {**(extra_context or {}), **console, **told})
