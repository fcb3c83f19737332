"""Organizations at a glance: a table with what waits in each, the worst first, and the home of a single one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apikeys.models import Organization, OrganizationStatus
from sequence.core import clock
from sequence.core.admin.console import ConsoleQuery, Tally, console_of, tallies_of
from sequence.core.admin.panels import Panel
from sequence.core.admin.timeline import address_of, may_see
from sequence.core.typing import Context

# On the console, and on a page of the table.
SHOWN, PAGE_SIZE = 10, 50


@dataclass(frozen=True)
class Cell:
    """How many of a kind wait in an organization, with the badge's tone and the list of them."""

    heading: str
    number: int
    tone: str
    address: str


@dataclass(frozen=True)
class Line:
    """An organization of the table."""

    organization: Organization
    address: str
    is_active: bool
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Overview:
    """A page of the table. ``of`` counts all organizations."""

    headings: Sequence[str]
    lines: Sequence[Line]
    page: int
    of: int
    size: int = PAGE_SIZE

    @property
    def pages(self) -> int:
        return max(1, -(-self.of // self.size))


def overview(user: User | AnonymousUser, look: ConsoleQuery, *, page: int = 1, size: int = PAGE_SIZE) -> Overview:
    """Return a page of the organizations, the worst first; those in which nothing waits come last, by name.

    One query for each kind that waits, and four besides, however many organizations there are.
    """
    tallies = tallies_of(user)
    counts = [tally.count(look) for tally in tallies]
    number = Organization.objects.count()
    page = min(page, max(1, -(-number // size)))
    shown = _on_page(_by_trouble(tallies, counts), start=(page - 1) * size, size=size)
    lines = [_line(organization, tallies, counts, look) for organization in shown]
    return Overview([tally.heading for tally in tallies], lines, page, number, size)


def _by_trouble(tallies: Sequence[Tally], counts: Sequence[Mapping[str, int]]) -> list[str]:
    """Return the ids of organizations in trouble: by how much is bad, being suspended too, then by how much waits."""
    suspended = Organization.objects.exclude(status=OrganizationStatus.ACTIVE).values_list("id", flat=True)
    bad: dict[str, int] = dict.fromkeys(suspended, 1)
    waiting: dict[str, int] = {}
    for tally, numbers in zip(tallies, counts, strict=True):
        weighed = bad if tally.tone == "bad" else waiting
        for id, number in numbers.items():
            weighed[id] = weighed.get(id, 0) + number
    return sorted({*bad, *waiting}, key=lambda id: (-bad.get(id, 0), -waiting.get(id, 0), id))


def _on_page(troubled: Sequence[str], *, start: int, size: int) -> list[Organization]:
    rows = Organization.objects.in_bulk(troubled[start : start + size])
    shown = [rows[id] for id in troubled[start : start + size]]
    others = Organization.objects.exclude(id__in=troubled).order_by("name", "id")
    skipped = max(0, start - len(troubled))
    return [*shown, *others[skipped : skipped + size - len(shown)]]


def _line(
    organization: Organization, tallies: Sequence[Tally], counts: Sequence[Mapping[str, int]], look: ConsoleQuery
) -> Line:
    within = ConsoleQuery(look.at, organization.id)
    cells = [
        Cell(tally.heading, numbers.get(organization.id, 0), tally.tone, tally.address(within))
        for tally, numbers in zip(tallies, counts, strict=True)
    ]
    return Line(organization, address_of(organization), organization.status == OrganizationStatus.ACTIVE, cells)


def on_console(user: User | AnonymousUser, look: ConsoleQuery) -> Overview | None:
    """Return the first lines of the table for the console, where there are several organizations to look at."""
    if look.organization_id or not user.has_perm("apikeys.view_organization"):
        return None
    found = overview(user, look, size=SHOWN)
    return found if found.of > 1 else None


def overview_view(request: HttpRequest) -> HttpResponse:
    """The table of all organizations, page by page."""
    if not may_see(request, Organization):
        raise PermissionDenied
    text = request.GET.get("page", "1")
    page = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 1
    context: Context = {
        **admin.site.each_context(request),
        "title": "Organizations, the worst first",
        "opts": Organization._meta,
        "overview": overview(request.user, ConsoleQuery(clock.now()), page=max(1, page)),
    }
    return TemplateResponse(request, "admin/apikeys/organization/overview.html", context)


def home(request: HttpRequest, organization: Organization) -> Panel:
    """Make an organization's page its home: what waits, what moved today and what it holds, before its own fields."""
    look = ConsoleQuery(clock.now(), organization.id)
    return Panel("admin/apikeys/organization/home.html", {**console_of(request.user, look), "request": request})
