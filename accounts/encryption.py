"""Bank numbers: encrypted at rest, with the last four digits in clear beside them."""

from sequence.core.encryption import EncryptedField

__all__ = ["BULLETS", "EncryptedField", "mask"]

BULLETS = "••••"


def mask(last_four: str | None) -> str | None:
    """Return what people and programs see of a bank number: ``••••7731``."""
    return None if last_four is None else BULLETS + last_four
