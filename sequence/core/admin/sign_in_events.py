"""Sign-ins on record: each attempt is written down with how it ended, and kept for a time."""

from datetime import datetime

from django.contrib.auth.models import User
from django.http import HttpRequest

from sequence.core.admin.sign_in_limits import digest_of_name
from sequence.core.api.request_ids import request_id_of
from sequence.core.client_address import client_address
from sequence.core.models import SIGN_INS_KEPT, SignIn, SignInOutcome

# Of the attempts beyond a limit in a quarter of an hour, this many are written down one by one, and then the 128th, the
# 256th and so on, each with its number: a flood must not fill the disk with rows that are all the same.
LISTED_BEYOND_LIMIT = 100
# Rows that one sweep removes; the next one follows at once.
BATCH = 1000


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
