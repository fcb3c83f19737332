"""Bars of a key's page: of every entry that moves money, what is used and left of its limits, and when they reset."""

from collections.abc import Iterator, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apikeys.admin.entry_words import in_words
from apikeys.allowance import Allowance, PeriodUse, allowances
from apikeys.entries import Permission
from apikeys.limits import PERIOD_LIMITS, SpendPeriod, TransferLimit
from apikeys.models import ApiKey
from sequence.core import clock
from sequence.core.admin.display import dollars

_PERIODS = {SpendPeriod.DAY: "today", SpendPeriod.WEEK: "this week", SpendPeriod.MONTH: "this month"}


def shown_allowances(key: ApiKey) -> SafeString:
    """Return what the key may move now, entry by entry, from the figures that ``GET /key`` tells it."""
    permissions = key.permissions()
    found = allowances(key.organization_id, permissions, clock.now())
    parts = [_entry(number, allowance) for number, allowance in _numbered(permissions, found)]
    return mark_safe("".join(parts)) if parts else format_html("{}", "It moves no money.")  # noqa: S308 - escaped above


def _numbered(permissions: Sequence[Permission], found: dict[Permission, Allowance]) -> Iterator[tuple[int, Allowance]]:
    """Yield the allowances with their places among the entries, counted from 1 as on the page."""
    for number, permission in enumerate(permissions, 1):
        if permission in found:
            yield number, found[permission]


def _entry(number: int, allowance: Allowance) -> SafeString:
    return format_html(
        '<div class="allowance"><p>#{} {}</p><p>{}</p><ul class="plain">{}</ul></div>',
        number,
        in_words(allowance.entry),
        _now(allowance),
        format_html_join("", "<li>{}</li>", ((bar,) for bar in _bars(allowance))),
    )


def _now(allowance: Allowance) -> str:
    if allowance.now_cents is None:
        return "Any amount goes now, without a person."
    alone = f"At most {dollars(allowance.now_cents)} in one transfer now" if allowance.now_cents else "Nothing goes now"
    if allowance.with_approval_cents == allowance.now_cents:
        return f"{alone}."
    most = "any amount" if allowance.with_approval_cents is None else f"up to {dollars(allowance.with_approval_cents)}"
    return f"{alone} without a person; {most} with one."


def _bars(allowance: Allowance) -> Iterator[SafeString]:
    for use in allowance.periods:
        limits = [limit for limit in PERIOD_LIMITS if limit.period is use.period]
        if not any(limit.of(allowance.entry) is not None for limit in limits):
            yield format_html("{} {}, without a limit", _used(use), _PERIODS[use.period])
        for limit in limits:
            most = limit.of(allowance.entry)
            if most is not None:
                yield _bar(limit, most, use)


def _used(use: PeriodUse) -> str:
    return f"{dollars(use.used.cents)} in {_transfers(use.used.count)}"


def _bar(limit: TransferLimit, most: int, use: PeriodUse) -> SafeString:
    """Return one limit as a bar, with its figures in words beside it."""
    show = dollars if limit.counts_money else _transfers
    used = use.used.cents if limit.counts_money else use.used.count
    words = (
        f"{show(used)} of {show(most)} used {_PERIODS[use.period]}, {show(max(0, most - used))} left until "
        f"{use.resets_at:%Y-%m-%d %H:%M} UTC"
    )
    return format_html(
        '<meter min="0" max="{}" high="{}" optimum="0" value="{}">{}</meter> {}',
        most,
        most * 4 // 5,
        min(used, most),
        words,
        words,
    )


def _transfers(number: int | None) -> str:
    return f"{number or 0:,} transfer{'' if number == 1 else 's'}"
