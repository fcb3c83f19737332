"""Staff sessions end: so long after the sign-in, and so long after the last page, whatever the cookie says."""

from datetime import timedelta

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from sequence.core import clock

# A working day. Whoever finds a browser open tomorrow finds it signed out.
LONGEST = timedelta(hours=12)
LONGEST_PAUSE = timedelta(minutes=30)
# Each note is a write; one a minute tells a pause of half an hour well enough.
PRECISION = timedelta(minutes=1)

BEGAN, SEEN = "signed_in_at", "seen_at"


def begin(request: HttpRequest, **_: object) -> None:
    """Note in the session when it began."""
    request.session[BEGAN] = request.session[SEEN] = int(clock.now().timestamp())


def end_if_over(session: SessionBase) -> None:
    """Sign out a session that is over, or that does not know when it began; note that another one is in use."""
    if SESSION_KEY not in session:
        return
    now = int(clock.now().timestamp())
    began, seen = session.get(BEGAN, 0), session.get(SEEN, 0)
    # The clocks of two machines differ by a little; what lies further ahead began before a clock was set back.
    begins_ahead = max(began, seen) - now > PRECISION.total_seconds()
    if begins_ahead or now - began >= LONGEST.total_seconds() or now - seen >= LONGEST_PAUSE.total_seconds():
        session.flush()
    elif now - seen >= PRECISION.total_seconds():
        session[SEEN] = now
