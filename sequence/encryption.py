"""Secrets at rest: encrypted under keys that can be rotated."""

from functools import cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def cipher() -> MultiFernet:
    """Return the cipher of the setting BANK_NUMBER_KEYS: the first key encrypts, all of them decrypt."""
    return _cipher(tuple(settings.BANK_NUMBER_KEYS))


class EncryptedField(models.TextField):
    """Text that only this process can read: a dump of the column is worthless without the keys."""

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if isinstance(value, str):
            value = cipher().encrypt(value.encode()).decode()
        return super().get_db_prep_save(value, connection)

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return None if value is None else cipher().decrypt(value).decode()
