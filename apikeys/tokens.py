"""Secret text of an API key: ``sk_`` + 200 random bits in base62 + a CRC-32 checksum.

The checksum tells a typing error from an unknown key without a query, and lets secret scanners recognise a leaked key.
"""

import hmac
import secrets
import zlib

from django.conf import settings

PREFIX = "sk_"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_BITS = 200
RANDOM_LENGTH = 34  # 62**34 > 2**200
CHECKSUM_LENGTH = 6  # 62**6 > 2**32
TOKEN_LENGTH = len(PREFIX) + RANDOM_LENGTH + CHECKSUM_LENGTH
# Six characters to recognise a key by leave 164 unknown bits.
SHOWN_LENGTH = len(PREFIX) + 6


def new_token() -> str:
    """Return a fresh secret. It is shown to a person once and stored only as ``digest_of`` it."""
    body = PREFIX + _base62(secrets.randbits(RANDOM_BITS), RANDOM_LENGTH)
    return body + _checksum(body)


def is_well_formed(token: str) -> bool:
    """Say whether ``token`` has our form and a right checksum. Needs no query and no secret."""
    if len(token) != TOKEN_LENGTH or not token.startswith(PREFIX) or not token.isascii():
        return False
    body, checksum = token[:-CHECKSUM_LENGTH], token[-CHECKSUM_LENGTH:]
    return checksum == _checksum(body)


def digest_of(token: str) -> bytes:
    """Return what is stored: HMAC-SHA-256 under the pepper. A slow hash would add latency and no safety to 200 bits."""
    return hmac.digest(settings.API_KEY_PEPPER.encode(), token.encode(), "sha256")


def shown_part(token: str) -> str:
    """Return the short beginning by which people recognise a key."""
    return token[:SHOWN_LENGTH]


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
