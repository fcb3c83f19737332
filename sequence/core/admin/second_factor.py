"""Second factor of staff: codes of an authenticator app (TOTP, RFC 6238) beside the password."""

import hmac
from datetime import datetime, timedelta
from typing import cast

import pyotp
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest

from sequence.core import clock
from sequence.core.models import SecondFactor

ISSUER = "Sequence"
# A telephone's clock may be off by a little, and typing takes a while.
STEPS_OFF = (-1, 0, 1)
# Where a session notes by which second factor it was opened.
SESSION_KEY = "second_factor"


def new_secret() -> str:
    """Return 160 random bits in the spelling that authenticator apps take."""
    return pyotp.random_base32()


def otpauth_uri(username: str, secret: str) -> str:
    """Return what the QR code holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def step_of(code: str, secret: str, *, at: datetime) -> int | None:
    """Return the 30-second step that the code belongs to, or None when it is none of now."""
    totp = pyotp.TOTP(secret)
    now = totp.timecode(at)
    # Newest first: should two steps have the same code, the newer one is spent with it.
    steps = sorted((now + off for off in STEPS_OFF), reverse=True)
    given = "".join(code.split()).encode()
    return next((step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), given)), None)


def enrol(user: User, secret: str, *, last_step: int | None = None) -> SecondFactor:
    """Let this secret be the user's only second factor. Sessions that an earlier one opened are closed by it."""
    SecondFactor.objects.filter(user=user).delete()
    # Without a code that was tried, those of the present are still good, those of the past are not.
    earliest = pyotp.TOTP(secret).timecode(clock.now() - timedelta(minutes=2))
    return SecondFactor.objects.create(user=user, secret=secret, last_step=last_step or earliest)


def take_code(user: User, code: str) -> SecondFactor | None:
    """Spend a code. Return the factor it is of, or None: no factor, a wrong or spent code, or too many wrong ones.

    The row is locked, so that of two requests with one code, one is let in.
    """
    now = clock.now()
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(user=user).first()
        if factor is None or factor.is_closed(now):
            return None
        step = step_of(code, factor.secret, at=now)
        if step is None or _is_spent(factor, step):
            factor.refuse(now)
            return None
        factor.accept(step)
        return factor


def _is_spent(factor: SecondFactor, step: int) -> bool:
    """Say whether a code of this step, or of a later one, was taken. One far ahead was, before a clock was set back."""
    return step <= factor.last_step <= step + 2 * max(STEPS_OFF)


def is_verified(request: HttpRequest) -> bool:
    """Say whether this session was opened by the second factor that the person has now, or need not be."""
    if not settings.STAFF_SECOND_FACTOR:
        return True
    if not hasattr(request, "is_verified"):
        noted: int = request.session.get(SESSION_KEY, 0)
        factors = SecondFactor.objects.filter(user=cast(User, request.user), pk=noted)
        request.is_verified = factors.exists()  # type: ignore[attr-defined]
    return request.is_verified  # type: ignore[attr-defined]
