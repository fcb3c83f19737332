"""Second factor, sign-in, and its windows: how staff come in, how often somebody tried, how each attempt ended."""

from datetime import datetime, timedelta

import pghistory
import pgtrigger
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F

from sequence.core import clock
from sequence.core.encryption import EncryptedField
from sequence.core.tracking import by_time

# After some wrong codes, one guess in this time: three of a million codes are right at any moment.
LONGEST_CLOSURE = timedelta(minutes=15)


@pghistory.track(
    pghistory.InsertEvent("enrol"),
    pghistory.DeleteEvent("remove"),
    append_only=True,
    meta=by_time(),
    exclude=["secret", "last_step", "failures", "closed_until"],
)
class SecondFactor(models.Model):
    """A person's authenticator app: the secret that it shares with us, and which codes are spent."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret = EncryptedField(editable=False)
    enrolled_at = models.DateTimeField(default=clock.now)
    # Codes of this 30-second step and of earlier ones are refused: nobody uses a code that somebody looked at.
    last_step = models.BigIntegerField()
    failures = models.PositiveIntegerField(default=0)
    closed_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = "second factor"

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"

    def is_closed(self, at: datetime) -> bool:
        """Say whether wrong codes have closed it for a while."""
        return self.closed_until is not None and self.closed_until - LONGEST_CLOSURE <= at < self.closed_until

    # Mutators. The caller holds the row's lock.

    def accept(self, step: int) -> None:
        """Spend the codes up to this step, and forget the wrong ones."""
        self.last_step, self.failures, self.closed_until = step, 0, None
        self.save(update_fields=["last_step", "failures", "closed_until"])

    def refuse(self, at: datetime) -> None:
        """Count a wrong code, and close for twice as long as after the last one: 2 seconds, 4, 8 … 15 minutes."""
        self.failures += 1
        closure = min(timedelta(seconds=2 ** min(self.failures, 20)), LONGEST_CLOSURE)
        self.closed_until = at + closure
        self.save(update_fields=["failures", "closed_until"])


class SignInWindow(models.Model):
    """How often somebody tried to sign in lately: from one address, under one name, or both.

    ``digest`` is a keyed hash of these, since people type passwords into the field for the name.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    started_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.attempts} since {self.started_at}"


class SignInOutcome(models.TextChoices):
    """How a sign-in ended. Staff read it; whoever tried is told one sentence for all refusals."""

    ACCEPTED = "accepted", "Let in"
    WRONG = "wrong", "Wrong name or password"
    NOT_STAFF = "not_staff", "Right password of somebody who may not come in"
    WRONG_CODE = "wrong_code", "Right password, wrong code"
    TOO_MANY = "too_many", "Too many attempts"


# Whoever looks back over a year still finds its beginning.
SIGN_INS_KEPT = timedelta(days=400)


class SignIn(models.Model):
    """One attempt of somebody to sign in, good or refused. The database itself keeps it as long as it is kept.

    ``person`` is a user's name, and empty where no user has the name that was given: people type passwords into that
    field, so of such names there is only ``name_digest``, a keyed hash that finds the same name again.
    """

    at = models.DateTimeField(default=clock.now)
    outcome = models.CharField(max_length=10, choices=SignInOutcome)
    person = models.CharField(max_length=150, blank=True)
    name_digest = models.CharField(max_length=64)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField("request id", max_length=128)
    # Of a refusal for their number: how many attempts beyond the limit there were by then.
    beyond_limit = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "sign-in"
        indexes = [
            models.Index(F("at").desc(), F("id").desc(), name="sign_in_list"),
            models.Index(fields=["name_digest", "at"], name="sign_in_by_name"),
            models.Index(fields=["request_id"], name="sign_in_by_request"),
        ]
        triggers = [
            pgtrigger.Protect(name="is_never_changed", operation=pgtrigger.Update),
            pgtrigger.Protect(
                name="is_kept",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition(f"OLD.at > NOW() - INTERVAL '{SIGN_INS_KEPT.days} days'"),
            ),
            pgtrigger.Trigger(
                name="is_never_truncated",
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                level=pgtrigger.Statement,
                func="RAISE EXCEPTION 'Sign-ins are kept.' USING ERRCODE = '23514';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person or 'somebody'} at {self.at:%Y-%m-%d %H:%M:%S} UTC"
