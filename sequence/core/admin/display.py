"""Display of money, states and stored JSON on the staff's pages."""

import json
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from sequence.core import money
from sequence.core.typing import Json

UNKNOWN = "–"
# Enough of an id's random end to tell it from its neighbours on a list.
SHOWN_ID_LENGTH = 6
# Answers mask these already. A page that prints what was stored does not rely on it.
MASKED_FIELDS = {"routing_number", "bank_account_number"}


def dollars(cents: int | None) -> str:
    """Return an amount for people, such as ``$1,234.56`` for 123456, or a dash for one that nobody knows."""
    return UNKNOWN if cents is None else money.dollars(cents)


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago something was: "3 minutes ago", or "just now" within the minute."""
    return "just now" if now - at < timedelta(minutes=1) else f"{timesince(at, now)} ago"


def amount(cents: int | None) -> SafeString:
    """Return ``dollars`` for a column: aligned, in figures of equal width."""
    return format_html('<span class="amount">{}</span>', dollars(cents))


def badge(text: str, tone: str) -> SafeString:
    """Return a state as a coloured label. ``tone`` is good, warn, bad or quiet; the text says it too."""
    return format_html('<span class="badge {}">{}</span>', tone, text)


def code(text: str) -> SafeString:
    """Return an id or a stored text, to be read letter by letter."""
    return format_html('<code class="code">{}</code>', text)


def shorten(id: str) -> str:
    """Return enough of an id to tell it from its neighbours on a list: its kind, and its random end."""
    kind, _, rest = id.partition("_")
    return id if len(rest) <= SHOWN_ID_LENGTH else f"{kind}_…{rest[-SHOWN_ID_LENGTH:]}"


def short_id(id: str) -> SafeString:
    """Return an id for a column: short, with the whole of it for whoever points at it."""
    return format_html('<code class="code" title="{}">{}</code>', id, shorten(id))


def pretty_json(text: str) -> SafeString:
    """Return stored JSON as a readable block, its bank numbers masked. Text that is no JSON is not shown."""
    if not text:
        return format_html("<span>{}</span>", "No body.")
    try:
        value = json.loads(text)
    except ValueError:
        return format_html("<span>{}</span>", "Not JSON.")
    return format_html('<pre class="json">{}</pre>', json.dumps(_masked(value), ensure_ascii=False, indent=2))


def _masked(value: Json) -> Json:
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {name: _mask(item) if name in MASKED_FIELDS else _masked(item) for name, item in value.items()}
    return value


def _mask(value: Json) -> str | None:
    return value if value is None else money.mask(str(value)[-4:])
