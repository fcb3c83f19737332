"""Sign-in limits: how often anybody may try, from where, and under which name."""

from datetime import timedelta

from django.utils.crypto import salted_hmac

from sequence.core import clock
from sequence.core.client_address import network_of
from sequence.core.database.fixed_window import FixedWindow
from sequence.core.models import SignIn, SignInOutcome, SignInWindow

WINDOW = timedelta(minutes=15)
# Enough for a person who looks for the right password. Passwords have 12 characters or more.
ATTEMPTS_UNDER_ONE_NAME = 10
# An office may share one address; whoever tries one password with many names is stopped by this.
ATTEMPTS_FROM_ONE_ADDRESS = 50
# Whoever has many addresses tries one name from all of them: 2,880 guesses a day, as many as from three addresses.
ATTEMPTS_UNDER_ONE_NAME_FROM_ANYWHERE = 30
# A place from which the name's owner came in is open to the name whatever others do: they close nobody's door at home.
PLACE_KNOWN_FOR = timedelta(days=90)

# Counted before anything is checked, so that attempts made at once do not slip through together.
_attempts = FixedWindow("sequence_signinwindow", key=["digest"], count="attempts", length=WINDOW)
# Only keeps a flood from overflowing the column.
_CEILING = 1_000_000_000


def count_attempt(name: str, address: str) -> int:
    """Count an attempt to sign in, and return by how many it is beyond the limits: 0 lets it go on.

    What is refused for its address does not count against the name everywhere: one address alone closes it to nobody
    else. Windows that are over are forgotten on the way.
    """
    SignInWindow.objects.filter(started_at__lte=clock.now() - WINDOW).delete()
    place = network_of(address)
    beyond = max(
        _count("name", _folded(name), place) - ATTEMPTS_UNDER_ONE_NAME,
        _count("address", place) - ATTEMPTS_FROM_ONE_ADDRESS,
    )
    if beyond > 0:
        return beyond
    beyond = _count("name", _folded(name)) - ATTEMPTS_UNDER_ONE_NAME_FROM_ANYWHERE
    return 0 if beyond <= 0 or _is_known(name, place) else beyond


def forget_attempts(name: str, address: str) -> None:
    """Forget the attempts under this name from this address: it was the right person."""
    SignInWindow.objects.filter(digest=_digest("name", _folded(name), network_of(address))).delete()


def digest_of_name(name: str) -> str:
    """Return the keyed hash by which attempts under a name are found again, whatever somebody typed for one."""
    return _digest("name", _folded(name))


def _count(*parts: str) -> int:
    number, _ = _attempts.count(_digest(*parts), at=clock.now(), most=_CEILING)
    return number


def _is_known(name: str, place: str) -> bool:
    """Say whether the name's owner came in from this place lately."""
    came_in = SignIn.objects.filter(
        name_digest=digest_of_name(name), outcome=SignInOutcome.ACCEPTED, at__gt=clock.now() - PLACE_KNOWN_FOR
    )
    known = came_in.exclude(address=None).values_list("address", flat=True).distinct()
    return place in {network_of(address) for address in known if address}


def _folded(name: str) -> str:
    return name.lower()


def _digest(*parts: str) -> str:
    return salted_hmac("sequence.sign_in", "\n".join(parts), algorithm="sha256").hexdigest()
