"""What tests of the approvals desk do all the time: ask for what waits, read the desk, press a button, look."""

import re
from datetime import UTC, datetime
from html import unescape

from transfers.models import Transfer

NOON = datetime(2026, 5, 13, 12, tzinfo=UTC)
DESK = "transfers/transfer/desk/"


def read(staff, **query):
    return unescape(staff.get(DESK, **query).content.decode())


def rows(staff, **query):
    """Return what is told of each row, as text, in order."""
    text = read(staff, **query)
    parts = text.split('<li class="row"')[1:]
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", part.partition("</li>\n")[0])) for part in parts]


def form_of(response):
    """Return the fields that carry what was read, as a browser sends them."""
    return dict(re.findall(r'name="((?:approve|reject):[^"]+)" value="([^"]+)"', response.content.decode()))


def decide(staff, decision, transfers, *, form=None, note="", **query):
    """Tick the transfers on the page as it is, or as it was when ``form`` was read, and press a button."""
    fields = form_of(staff.get(DESK)) if form is None else form
    sent = {**fields, "ticked": [transfer.id for transfer in transfers], "decision": decision, "note": note}
    return staff.client.post(f"/admin/{DESK}", {"seen": None, **sent})


def outcome_of(response):
    """Return what the page tells of what was done, as text."""
    section = unescape(response.content.decode()).partition('<section class="outcome"')[2].partition("</section>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", section.partition(">")[2])).strip()


def ticked_on(text):
    return re.findall(r'name="ticked" value="([^"]+)" checked', text)


def statuses(transfers):
    found = dict(Transfer.objects.values_list("id", "status"))
    return [found[transfer.id] for transfer in transfers]
