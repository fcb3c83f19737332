"""Pages for people who come to this server with a browser."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Say what this is, and how to begin."""
    return render(request, "landing.html", {"origin": f"{request.scheme}://{request.get_host()}"})


class ApiReference(SpectacularSwaggerSplitView):
    """Swagger UI with its files from this server, its script apart from the page: nothing inline.

    Each dialect of the API has its tab, as long as it answers.
    """

    schema = None  # The page is no part of the API that it shows.
    template_name = "docs.html"
    template_name_js = "docs.js"
    address = "/docs"
    tab = "The API"
    # How the header of a key begins.
    scheme = "ApiKey"

    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        response: Response = super().get(request, *args, **kwargs)
        shown = [page for page in (ApiReference, PlatformReference) if page.is_on()]
        tabs = [{"address": page.address, "name": page.tab, "is_shown": page is type(self)} for page in shown]
        response.data |= {"tabs": tabs if len(tabs) > 1 else [], "scheme": self.scheme}
        return response

    @classmethod
    def is_on(cls) -> bool:
        """Say whether what the page shows answers."""
        return True


class PlatformReference(ApiReference):
    """The same of the vendor's dialect."""

    address = "/docs/platform"
    tab = "The vendor's dialect"
    scheme = "Bearer"
    title = "Sequence platform API"
    url = "/platform/v1/schema"

    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        if not self.is_on():
            raise Http404
        return super().get(request, *args, **kwargs)

    @classmethod
    def is_on(cls) -> bool:
        return bool(settings.PLATFORM_API)
