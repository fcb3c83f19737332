"""Signing in: name, password and code in one form; attempts are limited, and each is written down.

No refusal tells which of the three was wrong.
"""

from typing import Any

import structlog
from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from sequence.core.admin.second_factor import take_code
from sequence.core.admin.sign_in_events import record_sign_in
from sequence.core.admin.sign_in_limits import count_attempt, forget_attempts
from sequence.core.client_address import client_address
from sequence.core.models import SignInOutcome
from sequence.core.typing import Context

log = structlog.get_logger("sequence.sign_in")

WRONG = (
    "Name, password or code is wrong. A code is good once, for half a minute. "
    "After several wrong codes, wait 15 minutes."
)
HELP = (
    "Six digits, from your authenticator app. Not set up yet, or lost? "
    "Ask an operator to run manage.py enrol_second_factor."
)
TOO_MANY = "Too many attempts. Wait 15 minutes, or sign in from where you usually do."


class CodeInput(forms.TextInput):
    """Comes back empty: a code that was sent is of no use any more."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"})

    def format_value(self, value: object) -> None:
        return None


class SignInForm(AdminAuthenticationForm):
    """Refuses in one sentence, whatever was wrong."""

    request: Any
    outcome: SignInOutcome
    beyond_limit: int
    code = forms.CharField(max_length=10, widget=CodeInput, help_text=HELP)

    def __init__(self, request: HttpRequest | None = None, *args: object, **kwargs: object) -> None:
        super().__init__(request, *args, **kwargs)
        if not settings.STAFF_SECOND_FACTOR:
            del self.fields["code"]

    def clean(self) -> Context:
        if self.errors:
            return self.cleaned_data  # A field is empty.
        name = self.cleaned_data["username"]
        try:
            self._check(name, client_address(self.request))
        except ValidationError:
            self._note(name)
            raise
        self._note(name)
        return self.cleaned_data

    def _check(self, name: str, address: str) -> None:
        """Raise ValidationError unless all is right; ``outcome`` then says what was wrong, and is for staff alone."""
        self.outcome = SignInOutcome.TOO_MANY
        self.beyond_limit = count_attempt(name, address)
        if self.beyond_limit:
            raise ValidationError(TOO_MANY, code="too_many")
        self.outcome = SignInOutcome.WRONG
        super().clean()
        self._take_code()
        self.outcome = SignInOutcome.ACCEPTED
        forget_attempts(name, address)

    def _take_code(self) -> None:
        """Spend the code, and let the site note the factor in the session. Asked only after the password was right."""
        if "code" not in self.fields:
            return
        assert self.user_cache is not None  # noqa: S101 - tells the type checker
        factor = take_code(self.user_cache, self.cleaned_data["code"])
        if factor is None:
            self.outcome = SignInOutcome.WRONG_CODE
            raise self.get_invalid_login_error()
        self.request.second_factor = factor

    def _note(self, name: str) -> None:
        if self.outcome is not SignInOutcome.ACCEPTED:
            log.warning("sign_in_refused", reason=self.outcome.value, client=client_address(self.request))
        record_sign_in(self.request, name, self.outcome, beyond_limit=self.beyond_limit)

    def get_invalid_login_error(self) -> ValidationError:
        if "code" not in self.fields:
            return super().get_invalid_login_error()
        return ValidationError(WRONG, code="invalid_login")

    def confirm_login_allowed(self, user: Any) -> None:
        if not (user.is_active and user.is_staff):
            self.outcome = SignInOutcome.NOT_STAFF
            raise self.get_invalid_login_error()
