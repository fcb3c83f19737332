"""Splitting money by percentages, exactly: no cent is made or lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from rules.engine.traces import Trace


def percent_of(amount_cents: int, percentage: Decimal) -> int:
    """Return that share of the amount, rounded down to whole cents."""
    return int(Fraction(percentage) * amount_cents // 100)


@dataclass(frozen=True)
class Share:
    """One share of a split, and what shows that it is right: its exact part and its place in the queue for the rest."""

    exact: Fraction
    rank: int
    got_extra_cent: bool

    @property
    def floor_cents(self) -> int:
        return int(self.exact)

    @property
    def cents(self) -> int:
        return self.floor_cents + self.got_extra_cent

    def certificate(self) -> Trace:
        """Return it as traces tell it."""
        return {
            "exact": _in_decimals(self.exact),
            "floor_in_cents": self.floor_cents,
            "remainder": _in_decimals(self.exact - self.floor_cents),
            "rank": self.rank,
            "got_extra_cent": self.got_extra_cent,
        }


def _in_decimals(value: Fraction) -> str:
    """Write a share in full: a percentage has a few places, so that its part of whole cents ends."""
    return format(Decimal(value.numerator) / Decimal(value.denominator), "f")


def shares_of(amount_cents: int, percentages: Sequence[Decimal]) -> list[Share]:
    """Return the share of each percentage, by largest remainder.

    The total of all of them is rounded down, then shared: 33.33 + 33.33 + 33.34 of 10001 cents are 10001 cents. Each
    share is its own, rounded down, and the cents that are left go to the largest remainders; ties to the earlier one.
    """
    exact = [Fraction(percentage) * amount_cents / 100 for percentage in percentages]
    left = int(sum(exact)) - sum(int(share) for share in exact)
    by_remainder = sorted(range(len(exact)), key=lambda index: (int(exact[index]) - exact[index], index))
    ranks = {index: rank for rank, index in enumerate(by_remainder, start=1)}
    return [Share(share, ranks[index], ranks[index] <= left) for index, share in enumerate(exact)]
