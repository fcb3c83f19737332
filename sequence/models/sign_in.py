"""How staff sign in: their second factor, and how often somebody tried."""

from datetime import datetime, timedelta

import pghistory
from django.contrib.auth.models import User
from django.db import models

from sequence import clock
from sequence.encryption import EncryptedField

# After some wrong codes, one guess in this time: three of a million codes are right at any moment.
LONGEST_CLOSURE = timedelta(minutes=15)


@pghistory.track(
    pghistory.InsertEvent("enrol"),
    pghistory.DeleteEvent("remove"),
    append_only=True,
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
        return self.closed_until is not None and at < self.closed_until

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
    """How often somebody tried to sign in lately: from one address, or from one address under one name.

    ``digest`` is a keyed hash of these, since people type passwords into the field for the name.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    started_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.attempts} since {self.started_at}"
