"""OpenAPI document of this dialect, and the address that answers with it."""

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sequence.core.api.fallbacks import refuse
from sequence.core.api.openapi import views
from sequence.core.errors import MethodNotAllowed, NotFound
from sequence.core.typing import JsonObject
from sequence.platform.errors import spell_refusal
from sequence.platform.operations import PREFIX
from sequence.platform.table import OPERATIONS, declared

TITLE = "Sequence platform API"


@csrf_exempt
def schema(request: HttpRequest) -> HttpResponse:
    """Answer with the document; where the dialect is off, there is none."""
    if not settings.PLATFORM_API:
        return refuse(request, NotFound())
    if request.method not in ("GET", "HEAD"):
        return refuse(request, MethodNotAllowed(method=request.method or "", allowed=["GET"]))
    return views.schema(request, f"{PREFIX}/", spell_refusal)


def describe(made: JsonObject) -> JsonObject:
    """Return the document with its title and introduction, and its addresses under the dialect's names."""
    templates = {}
    for viewset, action in OPERATIONS:
        one = declared(viewset, action)
        templates[_own_path(one.route)] = PREFIX + one.path
    paths = {templates.get(path, path): item for path, item in made["paths"].items()}
    text = (Path(__file__).parent / "introduction.md").read_text()
    return {**made, "info": {**made["info"], "title": TITLE, "description": text}, "paths": paths}


def _own_path(route: str) -> str:
    """Return the address as the generator finds it: ``accounts/<account_id:account_id>`` with its names in braces."""
    steps = [f"{{{step.partition(':')[2].rstrip('>')}}}" if ":" in step else step for step in route.split("/")]
    return f"{PREFIX}/{'/'.join(steps)}"
