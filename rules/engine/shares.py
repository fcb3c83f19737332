"""Splitting money by percentages, exactly: no cent is made or lost."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction


def percent_of(amount_cents: int, percentage: Decimal) -> int:
    """Return that share of the amount, rounded down to whole cents."""
    return int(Fraction(percentage) * amount_cents // 100)


def shares_of(amount_cents: int, percentages: Sequence[Decimal]) -> list[int]:
    """Return the share of each percentage, by largest remainder.

    The total of all of them is rounded down, then shared: 33.33 + 33.33 + 33.34 of 10001 cents are 10001 cents. Each
    share is its own, rounded down, and the cents that are left go to the largest remainders; ties to the earlier one.
    """
    exact = [Fraction(percentage) * amount_cents / 100 for percentage in percentages]
    shares = [int(share) for share in exact]
    left = int(sum(exact)) - sum(shares)
    by_remainder = sorted(range(len(exact)), key=lambda index: (shares[index] - exact[index], index))
    for index in by_remainder[:left]:
        shares[index] += 1
    return shares
