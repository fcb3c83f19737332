"""Lateness: how late a list may be for its reader, as ``Cache-Control: max-stale=<seconds>`` says it in any request.

Nobody says so by accident: without a number it counts as not said. https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1.2
"""

import math
import re

from django.http import HttpRequest, HttpResponse

from sequence.core.database.replica import Reading

_MAX_STALE = re.compile(r"(?:^|,)\s*max-stale\s*=\s*\"?([0-9]{1,9})\"?\s*(?:,|$)", re.IGNORECASE)


def bearable_seconds(request: HttpRequest) -> float | None:
    """Return how late the reader can bear the answer to be; None for one that wants what is so now."""
    found = _MAX_STALE.search(request.headers.get("Cache-Control", ""))
    return None if found is None else float(found[1])


def tell_age(response: HttpResponse, reading: Reading | None) -> HttpResponse:
    """Say how late the answer may be, where it came from a replica: ``Age``, in whole seconds."""
    if reading is not None and reading.was_late_seconds is not None:
        response["Age"] = str(max(0, math.ceil(reading.was_late_seconds)))
    return response
