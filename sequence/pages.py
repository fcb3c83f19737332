"""Pages for people who come to this server with a browser."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularSwaggerSplitView


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Say what this is, and how to begin."""
    return render(request, "landing.html", {"origin": f"{request.scheme}://{request.get_host()}"})


class ApiReference(SpectacularSwaggerSplitView):
    """Swagger UI with its files from this server, its script apart from the page: nothing inline."""

    schema = None  # The page is no part of the API that it shows.
    template_name = "docs.html"
    template_name_js = "docs.js"
