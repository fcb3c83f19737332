"""Fingerprint of what a page showed, so that what a person decides is about what they read.

A page that acts carries one in its form. When it is sent, the page is made again under the locks of what it tells of;
where the two differ, nothing is done and the new page asks again.
"""

import json

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

# The form's field that carries it.
FIELD = "seen"
CHANGED_MEANWHILE = "This changed since you read it, so nothing was done. Here is the new state: read it, then decide."


def fingerprint_of(*shown: object) -> str:
    """Return the fingerprint of what a page tells: text, numbers, times, and lists and dictionaries of them.

    It is keyed, so that nobody can make one of a page that they did not see.
    """
    text = json.dumps(shown, sort_keys=True, default=str)
    return salted_hmac("sequence.core.admin.fingerprints", text, algorithm="sha256").hexdigest()


def has_seen(request: HttpRequest, *shown: object) -> bool:
    """Say whether the form that was sent carries the fingerprint of just this."""
    return constant_time_compare(request.POST.get(FIELD, ""), fingerprint_of(*shown))
