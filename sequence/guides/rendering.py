"""Rendering of a guide: Markdown to HTML that runs under the strict policy, its links leading to pages of ours."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sequence.guides.library import Guide, guides

# Raw HTML is shown as text: a page holds what this renderer makes and nothing else.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
# Marks for programs that write into a page.
_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE)
_ELSEWHERE = re.compile(r"^(?:[a-z]+:|/|#)")


@cache
def html_of(guide: Guide) -> SafeString:
    """Return the page as HTML."""
    tokens = _MARKDOWN.parse(_COMMENT.sub("", guide.text))
    for heading, anchor in anchors(tokens):
        heading.attrSet("id", anchor)
    for token in tokens:
        for inner in token.children or ():
            _lead_to_pages(inner, guide.path)
    html = str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))
    # A wide table or line scrolls in its own box, which the keyboard reaches too.
    html = html.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    return mark_safe(html.replace("<pre>", '<pre tabindex="0">'))  # noqa: S308 - made here, of files of ours


def anchors_of(text: str) -> list[str]:
    """Return the anchors of a text's headings."""
    return [anchor for _, anchor in anchors(_MARKDOWN.parse(text))]


def links_of(text: str) -> Iterator[str]:
    """Yield where the links and pictures of a text lead."""
    for token in _MARKDOWN.parse(text):
        for inner in token.children or ():
            target = inner.attrGet("href" if inner.type == "link_open" else "src")
            if isinstance(target, str):
                yield target


def anchors(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    """Yield each heading with its anchor: as GitHub makes them, so that one link works here and there."""
    seen: Counter[str] = Counter()
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            plain = "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
            yield token, f"{slug}-{seen[slug]}" if seen[slug] else slug
            seen[slug] += 1


def _lead_to_pages(token: Token, file: Path) -> None:
    """Let a link to another file of ``docs/`` lead to its page. A file without a page has no address: no link."""
    target = token.attrGet("href")
    if token.type != "link_open" or not isinstance(target, str) or _ELSEWHERE.match(target):
        return
    path, _, anchor = target.partition("#")
    page = next((one for one in guides().values() if one.path == (file.parent / path).resolve()), None)
    if page is None:
        del token.attrs["href"]
    else:
        token.attrSet("href", f"{page.address}#{anchor}" if anchor else page.address)
