"""Pages of the guides, each also as the Markdown that it is made of, and what programs read first: ``/llms.txt``."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sequence.guides import collection as collections
from sequence.guides.library import ADDRESS, Guide, guides, shelves
from sequence.guides.reference import as_markdown
from sequence.guides.rendering import html_of

MARKDOWN = "text/markdown; charset=utf-8"

_OPENING = """\
# Sequence

> A self-hosted money router: accounts hold money, rules and transfers move it, and programs drive it with keys that \
people hold short. Amounts are whole cents.

- [Reference](/docs.md): every operation with a request and what it refuses
- [OpenAPI document of the API](/api/v1/schema): every operation, with examples of requests, answers and refusals
- [The same as a collection](/docs/collection.json): for Postman, Bruno and what else reads that format
- [The vendor's dialect](/platform/v1/schema): for clients of the hosted service
- MCP server: `POST /api/mcp` with `Authorization: Bearer <key>`
"""


@require_safe
def contents(request: HttpRequest) -> HttpResponse:
    """List the guides."""
    return render(request, "guides.html", {"shelves": shelves()})


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Show a guide."""
    guide = _find(name)
    return render(request, "guide.html", {"guide": guide, "content": html_of(guide), "shelves": shelves()})


@require_safe
def source(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with a guide as Markdown."""
    return HttpResponse(_find(name).text, content_type=MARKDOWN)


@require_safe
def contents_for_programs(request: HttpRequest) -> HttpResponse:
    """Answer with the list of guides, as https://llmstxt.org has it."""
    parts = [_OPENING]
    for shelf, pages in shelves().items():
        parts += [f"\n## {shelf}\n\n", *(f"- [{one.title}]({one.address}.md): {one.lead}\n" for one in pages)]
    media_type = MARKDOWN if request.path == f"{ADDRESS}.md" else "text/plain; charset=utf-8"
    return HttpResponse("".join(parts), content_type=media_type)


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Answer with the reference as Markdown."""
    return HttpResponse(as_markdown(), content_type=MARKDOWN)


@require_safe
def collection(request: HttpRequest) -> HttpResponse:
    """Answer with every operation as a collection for programs that send requests by hand."""
    return HttpResponse(collections.as_json(), content_type="application/json")


def _find(name: str) -> Guide:
    """Raise Http404 where there is no such guide."""
    if name not in guides():
        raise Http404
    return guides()[name]
