"""Bank numbers: encrypted at rest, with the last four digits in clear beside them."""

from sequence.core.encryption import EncryptedField

__all__ = ["EncryptedField"]
