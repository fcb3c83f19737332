"""Sign-ins for staff: who came in, who was refused, from where."""

from collections.abc import Iterator

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.safestring import SafeString

from sequence.core.admin.base import ReadOnlyAdmin
from sequence.core.admin.display import badge
from sequence.core.admin.exports import Column
from sequence.core.admin.filters import Exact, FilterForm, OneOf, Text
from sequence.core.admin.period_filters import period
from sequence.core.admin.sign_in_limits import digest_of_name
from sequence.core.admin.timeline import Stage, TimelineEntry
from sequence.core.client_address import read_address
from sequence.core.models import SignIn, SignInOutcome
from sequence.core.typing import Rows

# Rows of one request that the search shows: whoever chooses the id may choose it again.
MAX_ENTRIES = 50

TONES = {SignInOutcome.ACCEPTED: "good", SignInOutcome.WRONG: "quiet"}


class _Name(Text):
    """Sign-ins under a name, whether somebody has it or not; capitals make no difference."""

    def narrow(self, rows: Rows, found: str) -> Rows:
        return rows.filter(name_digest=digest_of_name(found))


class _Address(Exact):
    """Sign-ins from one address, in whatever spelling."""

    def find(self, text: str, form: FilterForm) -> str:
        address = read_address(text.strip())
        if not address:
            raise ValidationError("This is no IP address.", code="invalid")
        return address


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin[SignIn]):
    """Who came in and who tried to, newest first."""

    list_display = ["at", "who", "how_it_ended", "address", "request_id"]
    list_display_links = ["at"]
    ordering = ["-at", "-id"]
    fields = ("at", "who", "how_it_ended", "beyond_limit", "address", "request_id", "name_digest")
    filters = [
        _Name("name", "name"),
        OneOf.of_column("outcome", "outcome", SignInOutcome.choices),
        _Address("address", "address", "address"),
        Exact("request_id", "request id", "request_id"),
        *period("at"),
    ]
    export_columns = [
        Column("at", "at"),
        Column("person", "person"),
        Column("outcome", "outcome"),
        Column("address", "address"),
        Column("request_id", "request_id"),
        Column("beyond_limit", "beyond_limit"),
        Column("name_digest", "name_digest"),
    ]

    @admin.display(description="who")
    def who(self, obj: SignIn) -> str:
        return obj.person or f"nobody of ours ({obj.name_digest[:8]})"

    @admin.display(description="outcome")
    def how_it_ended(self, obj: SignIn) -> SafeString:
        return badge(obj.get_outcome_display(), TONES.get(SignInOutcome(obj.outcome), "bad"))


def sign_ins_of(request_id: str) -> Iterator[TimelineEntry]:
    """Return the sign-ins that a request attempted, for the search."""
    for row in SignIn.objects.filter(request_id=request_id)[:MAX_ENTRIES]:
        yield TimelineEntry(Stage.MADE, row.at, f"Sign-in: {row.get_outcome_display().lower()}", row)
