"""Signing in: name, password and code in one form, and a limit for those who guess.

No refusal tells which of the three was wrong.
"""

import ipaddress
from datetime import timedelta
from typing import Any

import structlog
from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.crypto import salted_hmac

from sequence import clock
from sequence.admin.second_factor import take_code
from sequence.client_address import client_address
from sequence.models import SignInWindow

log = structlog.get_logger("sequence.sign_in")

WINDOW = timedelta(minutes=15)
# Enough for a person who looks for the right password. Passwords have 12 characters or more.
ATTEMPTS_UNDER_ONE_NAME = 10
# An office may share one address; whoever tries one password with many names is stopped by this.
ATTEMPTS_FROM_ONE_ADDRESS = 50
# Whoever has one IPv6 address has all of its network.
IPV6_NETWORK_BITS = 64

WRONG = (
    "These do not belong together. Check all three: a code is good once, for half a minute. "
    "After several wrong codes, wait 15 minutes."
)
HELP = (
    "Six digits, from your authenticator app. Not set up yet, or lost? "
    "Ask an operator to run manage.py enrol_second_factor."
)
TOO_MANY = "Too many attempts from here. Wait 15 minutes, then try again."

# Counted before anything is checked, so that attempts made at once do not slip through together.
_COUNT = """
INSERT INTO sequence_signinwindow AS seen (digest, started_at, attempts) VALUES (%(digest)s, %(now)s, 1)
ON CONFLICT (digest) DO UPDATE SET
    started_at = CASE WHEN seen.started_at <= %(over)s THEN %(now)s ELSE seen.started_at END,
    attempts = CASE WHEN seen.started_at <= %(over)s THEN 1 ELSE LEAST(seen.attempts + 1, %(limit)s + 1) END
RETURNING attempts
"""


class CodeInput(forms.TextInput):
    """Comes back empty: a code that was sent is of no use any more."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"})

    def format_value(self, value: Any) -> None:
        return None


class SignInForm(AdminAuthenticationForm):
    """Refuses in one sentence, whatever was wrong."""

    request: Any
    code = forms.CharField(max_length=10, widget=CodeInput, help_text=HELP)

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        if not settings.STAFF_SECOND_FACTOR:
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data  # A field is empty.
        address = client_address(self.request)
        name = self.cleaned_data["username"]
        if not count_attempt(name, address):
            log.warning("sign_in_refused", reason="too_many", client=address)
            raise ValidationError(TOO_MANY, code="too_many")
        super().clean()
        self._take_code()
        forget_attempts(name, address)
        return self.cleaned_data

    def _take_code(self) -> None:
        """Spend the code, and let the site note the factor in the session. Asked only after the password was right."""
        if "code" not in self.fields:
            return
        factor = take_code(self.user_cache, self.cleaned_data["code"])
        if factor is None:
            log.warning("sign_in_refused", reason="code", client=client_address(self.request))
            raise self.get_invalid_login_error()
        self.request.second_factor = factor

    def get_invalid_login_error(self) -> ValidationError:
        if "code" not in self.fields:
            return super().get_invalid_login_error()
        return ValidationError(WRONG, code="invalid_login")

    def confirm_login_allowed(self, user: Any) -> None:
        if not (user.is_active and user.is_staff):
            raise self.get_invalid_login_error()


def count_attempt(name: str, address: str) -> bool:
    """Count an attempt to sign in, and say whether it may go on. Windows that are over are forgotten on the way."""
    now = clock.now()
    over = now - WINDOW
    SignInWindow.objects.filter(started_at__lte=over).delete()
    allowed = True
    with connection.cursor() as cursor:
        for digest, limit in _windows(name, address):
            cursor.execute(_COUNT, {"digest": digest, "now": now, "over": over, "limit": limit})
            allowed &= cursor.fetchone()[0] <= limit
    return allowed


def forget_attempts(name: str, address: str) -> None:
    """Forget the attempts under this name from this address: it was the right person."""
    [(digest, _), _] = _windows(name, address)
    SignInWindow.objects.filter(digest=digest).delete()


def _windows(name: str, address: str) -> list[tuple[str, int]]:
    """Return the digests under which an attempt is counted, each with its limit."""
    place = _network(address)
    return [
        (_digest("name", name.lower(), place), ATTEMPTS_UNDER_ONE_NAME),
        (_digest("address", place), ATTEMPTS_FROM_ONE_ADDRESS),
    ]


def _digest(*parts: str) -> str:
    return salted_hmac("sequence.sign_in", "\n".join(parts), algorithm="sha256").hexdigest()


def _network(address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return address
    return str(ipaddress.ip_network((known, IPV6_NETWORK_BITS), strict=False))
