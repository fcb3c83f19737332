"""Picture of the money map: its flows and accounts as shapes and words, for a template to draw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt

from accounts.models import AccountType
from sequence.core.admin.display import UNKNOWN, dollars
from sequence.core.money import brief_dollars
from sequence.insight.money_map.flows import Flow, FlowKind, MoneyMap, RuleState
from sequence.insight.money_map.grouping import Grouped, group, kind_of_group, touching
from sequence.insight.money_map.layers import Edge
from sequence.insight.money_map.layout import TIP, Arrow, Box, lay_out
from transfers.models import Clearing

# Arrows beyond these are in the table alone.
MAX_ARROWS = 150
# Two screens. Of these sizes the first one that fits is drawn.
MOST_HEIGHT = 1600
SIZES = (60, 40, 28, 20, 14, 10, 7, 5, 3)
# Where the page tells flow by flow what the picture shows together.
ALL_FLOWS = "#flows"
# An arrow that carried nothing is a hairline; the others grow with the root of the amount, so that half of the width is
# a quarter of the money and small flows stay visible.
THINNEST, THICKEST = 2, 14
NAME_LENGTH = 16
CAPTION_LENGTH = 14
_CLEARING_NAMES = {
    Clearing.DEPOSITS: "Deposits",
    Clearing.EXTERNAL_PULLS: "Pulls",
    Clearing.CARDS: "Card network",
    Clearing.SUSPENSE: "Suspense",
    Clearing.WRITE_OFF: "Written off",
}
_SHORT_KINDS = {
    AccountType.INCOME_SOURCE.value: "Income",
    AccountType.POD.value: "Pod",
    AccountType.EXTERNAL_ACCOUNT.value: "External",
}


_TOLD_BY_THEIR_BOX = (FlowKind.DEPOSIT, FlowKind.PULL, FlowKind.PURCHASE)


@dataclass(frozen=True)
class Place:
    """An account, or a way in or out of the system, in words."""

    name: str
    detail: str
    classes: str
    address: str


@dataclass(frozen=True)
class DrawnBox:
    """A box with two lines of text, and the sentence that says all of it."""

    box: Box
    name: str
    detail: str
    sentence: str
    classes: str
    address: str


@dataclass(frozen=True)
class DrawnArrow:
    """An arrow with its label, and the sentence that says all of it."""

    arrow: Arrow
    width: int
    amount: str
    caption: str
    sentence: str
    classes: str
    address: str

    @property
    def tip(self) -> str:
        """The corners of the arrow's head."""
        x, y = self.arrow.end
        half = max(5, self.width // 2 + 3)
        return f"{x},{y} {x - TIP},{y - half} {x - TIP},{y + half}"


@dataclass(frozen=True)
class Picture:
    """Everything to draw. ``stops`` is the order of the Tab key: each box, followed by the arrows that leave it."""

    width: int
    height: int
    stops: list[DrawnBox | DrawnArrow]
    arrows: list[DrawnArrow]
    # Accounts that stand together with others.
    grouped: int = 0


def draw(
    money_map: MoneyMap,
    *,
    place_address: Callable[[str], str],
    flow_address: Callable[[Flow], str],
    focus: str | None = None,
) -> Picture | None:
    """Return the picture, or None where there is nothing to draw: of all accounts, or of one in focus and those around.

    It is at most MOST_HEIGHT high: as many accounts as it takes stand together.
    """
    flows = touching(money_map.flows, focus) if focus else money_map.flows
    if not flows:
        return None
    for most in SIZES:
        grouped = group(flows, money_map.accounts, most=most, focus=focus)
        picture = _draw(money_map, grouped, place_address, flow_address)
        if picture.height <= MOST_HEIGHT:
            break
    return picture


def _draw(
    money_map: MoneyMap, grouped: Grouped, place_address: Callable[[str], str], flow_address: Callable[[Flow], str]
) -> Picture:
    flows = grouped.flows[:MAX_ARROWS]
    places = _places(money_map, grouped, flows, place_address)
    layout = lay_out(list(places), [_edge(flow, money_map) for flow in flows])
    largest = max((flow.cents for flow in flows), default=0)
    boxes = {key: _box(layout.boxes[key], place, money_map, key) for key, place in places.items()}
    arrows = [
        _arrow(arrow, flow, places, largest, ALL_FLOWS if flow.kind is FlowKind.SEVERAL else flow_address(flow))
        for arrow, flow in zip(layout.arrows, flows, strict=True)
    ]
    reading = sorted(boxes, key=lambda key: (layout.boxes[key].x, layout.boxes[key].y))
    stops: list[DrawnBox | DrawnArrow] = []
    for key in reading:
        leaving = [drawn for drawn, flow in zip(arrows, flows, strict=True) if flow.source == key]
        stops += [boxes[key], *sorted(leaving, key=lambda drawn: drawn.arrow.start[1])]
    return Picture(layout.width, layout.height, stops, arrows, sum(grouped.sizes.values()))


def place_name(money_map: MoneyMap, key: str) -> str:
    """Return the whole name of an account, or of a way in or out."""
    account = money_map.accounts.get(key)
    if account is None:
        return Clearing(key).label
    return f"{account.name} (deleted)" if account.deleted_at else account.name


def flow_name(flow: Flow) -> str:
    """Return what made the money flow: the rule's name, or the kind."""
    return str(flow.rule) if flow.rule else flow.kind.value


def _places(
    money_map: MoneyMap, grouped: Grouped, flows: Sequence[Flow], address: Callable[[str], str]
) -> dict[str, Place]:
    """Return what stands in the picture, in the order in which money comes along."""
    ends = {end for flow in flows for end in (flow.source, flow.target)}
    outside: dict[str, Place] = {key.value: _clearing(key, address(key)) for key in _CLEARING_NAMES if key in ends}
    inside = {key: _account(money_map, key, address(key)) for key in money_map.accounts if key in ends}
    first = {key: outside.pop(key) for key in (Clearing.DEPOSITS.value,) if key in outside}
    groups = {key: _group(key, size) for key, size in grouped.sizes.items() if key in ends}
    return {**first, **inside, **groups, **outside}


def _group(key: str, size: int) -> Place:
    kind = kind_of_group(key)
    return Place(f"{size} others", f"{_SHORT_KINDS[kind]}, together", f"{kind} together", ALL_FLOWS)


def _clearing(key: Clearing, address: str) -> Place:
    return Place(
        _CLEARING_NAMES[key], "Outside" if key != Clearing.SUSPENSE else "Waits for a person", "outside", address
    )


def _account(money_map: MoneyMap, key: str, address: str) -> Place:
    account = money_map.accounts[key]
    kind = "Deleted" if account.deleted_at else _SHORT_KINDS[account.type]
    classes = f"{account.type}{' deleted' if account.deleted_at else ''}"
    balance = UNKNOWN if account.balance_cents is None else brief_dollars(account.balance_cents)
    return Place(account.name, f"{kind} · {balance}", classes, address)


def _edge(flow: Flow, money_map: MoneyMap) -> Edge:
    """What people move from pod to pod does not say where a pod stands: the picture keeps the shape of the rules."""
    ends = [money_map.accounts[end].type for end in (flow.source, flow.target) if end in money_map.accounts]
    is_loose = flow.kind is FlowKind.MANUAL and ends == [AccountType.POD, AccountType.POD]
    return Edge(flow.source, flow.target, is_loose or flow.kind in (FlowKind.REFUND, FlowKind.RETURN, FlowKind.RELEASE))


def _box(box: Box, place: Place, money_map: MoneyMap, key: str) -> DrawnBox:
    gained, lost = dollars(money_map.gained_cents(key)), dollars(money_map.lost_cents(key))
    account = money_map.accounts.get(key)
    if key not in money_map.accounts and key not in Clearing.values:
        sentence = f"{place.name} ({place.detail}): the table below tells them one by one."
        return DrawnBox(box, place.name, place.detail, sentence, f"place {place.classes}", place.address)
    name = place_name(money_map, key)
    sentence = f"{name}: {gained} came in, {lost} went out."
    if account is not None:
        sentence = (
            f"{name}, {account.kind}: {gained} came in, {lost} went out. Balance now {dollars(account.balance_cents)}."
        )
    return DrawnBox(
        box, shorten(place.name, NAME_LENGTH), place.detail, sentence, f"place {place.classes}", place.address
    )


def _arrow(arrow: Arrow, flow: Flow, places: dict[str, Place], largest: int, address: str) -> DrawnArrow:
    name, state = flow_name(flow), f" ({flow.state.value.lower()})" if flow.state else ""
    times = f"{flow.number} time{'' if flow.number == 1 else 's'}"
    what = f"{dollars(flow.cents)} in {times}" if flow.number else "nothing in this period"
    return DrawnArrow(
        arrow=arrow,
        width=stroke_width(flow.cents, largest),
        amount=brief_dollars(flow.cents) if flow.number else "",
        caption="" if flow.kind in _TOLD_BY_THEIR_BOX else shorten(name, CAPTION_LENGTH),
        sentence=f"{places[flow.source].name} to {places[flow.target].name}, {name}{state}: {what}.",
        classes=f"flow {_style(flow)}",
        address=address,
    )


def _style(flow: Flow) -> str:
    """Solid for an enabled rule, dotted for one that does not run like this any more, another colour for no rule."""
    if flow.kind is not FlowKind.RULE:
        return "no-rule"
    return "enabled" if flow.state is RuleState.ENABLED else "disabled"


def stroke_width(cents: int, largest: int) -> int:
    """Return the thickness of an arrow in pixels."""
    if not cents:
        return THINNEST
    return THINNEST + (THICKEST - THINNEST) * isqrt(10_000 * cents // largest) // 100


def shorten(text: str, length: int) -> str:
    """Return at most so many letters."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
