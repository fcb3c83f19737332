"""Money: integer cents, their limits, how people read them, and how a bank number is masked."""

# 2^53 - 1: the largest whole number that every JSON reader keeps exact.
# https://www.rfc-editor.org/rfc/rfc8259#section-6
MAX_CENTS = 2**53 - 1
# The least that a transfer moves: what the payment networks take.
MIN_TRANSFER_CENTS = 100
BULLETS = "••••"
# Cents in a trillion, a billion and a million dollars.
_LETTERS = ((10**14, "T"), (10**11, "B"), (10**8, "M"))


def dollars(cents: int) -> str:
    """Return an amount for people, such as ``$1,234.56`` for 123456. Whole numbers only: a float would round."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}${whole:,}.{rest:02}"


def brief_dollars(cents: int) -> str:
    """Return an amount that fits a label: exact below a million dollars, else to three figures and cut off."""
    if abs(cents) < 1_000_000_00:
        return dollars(cents)
    size, letter = next((size, letter) for size, letter in _LETTERS if abs(cents) >= size)
    hundredths = abs(cents) * 100 // size
    return f"{'-' if cents < 0 else ''}${hundredths // 100:,}.{hundredths % 100:02}{letter}"


def mask(last_four: str | None) -> str | None:
    """Return what people and programs see of a bank number: ``••••7731``."""
    return None if last_four is None else BULLETS + last_four
