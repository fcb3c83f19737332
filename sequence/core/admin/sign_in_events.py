"""Sign-ins on record: each attempt is written down with how it ended, kept for a time, and shown to staff."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.safestring import SafeString

from sequence.core.admin.base import ReadOnlyAdmin
from sequence.core.admin.display import badge
from sequence.core.admin.exports import Column
from sequence.core.admin.filters import Exact, Filter, OneOf
from sequence.core.admin.finders import Fact, Stage, register_finder
from sequence.core.admin.period_filters import period
from sequence.core.admin.sign_in_limits import digest_of_name
from sequence.core.api.request_ids import request_id_of
from sequence.core.client_address import client_address, read_address
from sequence.core.models import SIGN_INS_KEPT, SignIn, SignInOutcome

# Of the attempts beyond a limit in a quarter of an hour, this many are written down one by one, and then the 128th, the
# 256th and so on, each with its number: a flood must not fill the disk with rows that are all the same.
LISTED_BEYOND_LIMIT = 100
# Rows that one sweep removes; the next one follows at once.
BATCH = 1000
# Rows of one request that the search shows: whoever chooses the id may choose it again.
MAX_FACTS = 50

TONES = {SignInOutcome.ACCEPTED: "good", SignInOutcome.WRONG: "quiet"}


def record_sign_in(request: HttpRequest, name: str, outcome: SignInOutcome, *, beyond_limit: int = 0) -> None:
    """Write down how an attempt under this name ended."""
    is_power_of_two = beyond_limit & (beyond_limit - 1) == 0
    if beyond_limit > LISTED_BEYOND_LIMIT and not is_power_of_two:
        return
    is_user = User.objects.filter(username=name).exists()
    SignIn.objects.create(
        outcome=outcome,
        person=name if is_user else "",
        name_digest=digest_of_name(name),
        address=client_address(request) or None,
        request_id=request_id_of(request),
        beyond_limit=beyond_limit,
    )


def forget_old_sign_ins(now: datetime) -> int:
    """Remove a batch of sign-ins that have been kept for ``SIGN_INS_KEPT``; return how many it was."""
    old = SignIn.objects.filter(at__lt=now - SIGN_INS_KEPT).order_by("at").values("pk")[:BATCH]
    return SignIn.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]


class _Name(Filter):
    """Sign-ins under a name, whether somebody has it or not; capitals make no difference."""

    def narrow(self, rows: Any, found: str) -> Any:
        return rows.filter(name_digest=digest_of_name(found))


class _Address(Exact):
    """Sign-ins from one address, in whatever spelling."""

    def find(self, text: str, form: Any) -> str:
        address = read_address(text.strip())
        if not address:
            raise ValidationError("This is no IP address.", code="invalid")
        return address


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
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


def sign_ins_of(request_id: str) -> Iterator[Fact]:
    """Return the sign-ins that a request attempted, for the search."""
    for row in SignIn.objects.filter(request_id=request_id)[:MAX_FACTS]:
        yield Fact(Stage.MADE, row.at, f"Sign-in: {row.get_outcome_display().lower()}", row)


register_finder(sign_ins_of)
