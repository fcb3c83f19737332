"""ACH limits: what the network lets an organization move in a day and in a month."""

from collections.abc import Iterable
from datetime import datetime
from itertools import product

from django.db.models import Q, Sum

from sequence.core.periods import bounds
from transfers.models import AchLimits, Direction, ErrorCode, Status, Transfer
from transfers.rails import names_with_ach_limits

# What was accepted and did not fail.
_COUNTED = [Status.PENDING, Status.COMPLETE]
_CODES = {
    (Direction.MONEY_OUT, "daily"): ErrorCode.DAILY_ACH_CREDIT_LIMIT_REACHED,
    (Direction.MONEY_OUT, "monthly"): ErrorCode.MONTHLY_ACH_CREDIT_LIMIT_REACHED,
    (Direction.MONEY_IN, "daily"): ErrorCode.DAILY_ACH_DEBIT_LIMIT_REACHED,
    (Direction.MONEY_IN, "monthly"): ErrorCode.MONTHLY_ACH_DEBIT_LIMIT_REACHED,
}
_COLUMNS = {Direction.MONEY_OUT: "credit", Direction.MONEY_IN: "debit"}


class ReachedLimits:
    """The limits of some organizations, locked, and what today and this month have used of them."""

    def __init__(self, limits: Iterable[AchLimits], now: datetime) -> None:
        self._limits = {limit.organization_id: limit for limit in limits}
        self._starts = {"daily": bounds("day", now)[0], "monthly": bounds("month", now)[0]}
        self._used: dict[tuple[str, str, str], int] = {}

    @classmethod
    def lock(cls, transfers: Iterable[Transfer], now: datetime) -> "ReachedLimits":
        """Lock the limits that these transfers may reach; an organization without a row has none."""
        names = names_with_ach_limits()
        on_rail = {transfer.organization_id for transfer in transfers if transfer.rail in names}
        return cls.lock_of(on_rail, now) if on_rail else cls([], now)

    @classmethod
    def lock_of(cls, organization_ids: Iterable[str], now: datetime) -> "ReachedLimits":
        """Lock the limits of the organizations."""
        rows = AchLimits.objects.filter(organization_id__in=list(organization_ids)).order_by("organization_id")
        return cls(rows.select_for_update(no_key=True), now)

    @classmethod
    def of(cls, organization_ids: Iterable[str], now: datetime) -> "ReachedLimits":
        """Look at the limits of the organizations without locking them."""
        return cls(AchLimits.objects.filter(organization_id__in=list(organization_ids)), now)

    @classmethod
    def of_all(cls, organization_ids: Iterable[str], now: datetime) -> "ReachedLimits":
        """Look at the limits of many organizations, and at what is used of them, in two statements."""
        limits = cls.of(organization_ids, now)
        if limits._limits:
            limits._used = limits._read_used()
        return limits

    def rooms(self, organization_id: str) -> list[tuple[str, int, str]]:
        """Return what each limit of the organization leaves: direction, cents, and the code when it is not enough."""
        limits = self._limits.get(organization_id)
        if limits is None:
            return []
        rooms = []
        for (direction, period), code in _CODES.items():
            limit_cents = getattr(limits, f"{period}_{_COLUMNS[direction]}_cents")
            if limit_cents is not None:
                left = limit_cents - self._used_cents(organization_id, direction, period)
                rooms.append((direction.value, left, code.value))
        return rooms

    def code_for(self, transfer: Transfer) -> ErrorCode | None:
        """Return the code of the limit that the transfer would break, or None."""
        limits = self._limits.get(transfer.organization_id)
        if limits is None or transfer.rail not in names_with_ach_limits():
            return None
        direction = Direction(transfer.direction)
        for period in self._starts:
            limit_cents = getattr(limits, f"{period}_{_COLUMNS[direction]}_cents")
            if (
                limit_cents is not None
                and self._used_cents(transfer.organization_id, direction, period) + transfer.amount_cents > limit_cents
            ):
                return _CODES[direction, period]
        return None

    def count(self, transfer: Transfer) -> None:
        """Count an accepted transfer towards those that follow in the batch."""
        if transfer.organization_id in self._limits and transfer.rail in names_with_ach_limits():
            for period in self._starts:
                self._used_cents(transfer.organization_id, transfer.direction, period)
                self._used[transfer.organization_id, transfer.direction, period] += transfer.amount_cents

    def _read_used(self) -> dict[tuple[str, str, str], int]:
        """Return what ``_used_cents`` would, of all organizations that have limits."""
        counted = Transfer.objects.filter(
            organization_id__in=list(self._limits),
            rail__in=names_with_ach_limits(),
            status__in=_COUNTED,
            accepted_at__gte=min(self._starts.values()),
        )
        daily, monthly = (Sum("amount_cents", filter=Q(accepted_at__gte=start)) for start in self._starts.values())
        sums = counted.values_list("organization_id", "direction").annotate(daily=daily, monthly=monthly)
        used = dict.fromkeys(product(self._limits, (direction.value for direction in _COLUMNS), self._starts), 0)
        for organization_id, direction, *totals in sums:
            for period, total in zip(self._starts, totals, strict=True):
                used[organization_id, direction, period] = total or 0
        return used

    def _used_cents(self, organization_id: str, direction: str, period: str) -> int:
        key = (organization_id, direction, period)
        if key not in self._used:
            counted = Transfer.objects.for_organization(organization_id).filter(
                rail__in=names_with_ach_limits(),
                direction=direction,
                status__in=_COUNTED,
                accepted_at__gte=self._starts[period],
            )
            self._used[key] = counted.aggregate(total=Sum("amount_cents"))["total"] or 0
        return self._used[key]
