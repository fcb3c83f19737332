"""Secrets at rest: encrypted under keys that can be rotated."""

from functools import cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query_utils import DeferredAttribute


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def cipher() -> MultiFernet:
    """Return the cipher of the setting BANK_NUMBER_KEYS: the first key encrypts, all of them decrypt."""
    return _cipher(tuple(settings.BANK_NUMBER_KEYS))


class Ciphertext(str):
    """A stored value that nobody has asked for yet."""

    __slots__ = ()

    def decrypt(self) -> str:
        """Return the text behind it. Raises ``InvalidToken`` where no key fits."""
        return cipher().decrypt(self.encode()).decode()


class _DecryptedWhenAsked(DeferredAttribute):
    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> object:
        value = super().__get__(instance, cls)
        if isinstance(value, Ciphertext) and instance is not None:
            value = instance.__dict__[self.field.attname] = value.decrypt()
        return value

    # With this one Python asks the attribute before it looks into the instance.
    def __set__(self, instance: models.Model, value: object) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedField(models.TextField):
    """Text that only this process can read: a dump of the column is worthless without the keys.

    A row's value is decrypted when its attribute is read, so that rows which nobody looks into cost nothing;
    ``values()`` gives a ``Ciphertext``, which is encrypted anew when it is stored.
    """

    descriptor_class = _DecryptedWhenAsked

    def get_db_prep_save(self, value: object, connection: BaseDatabaseWrapper) -> object:
        if isinstance(value, Ciphertext):
            value = value.decrypt()
        if isinstance(value, str):
            value = cipher().encrypt(value.encode()).decode()
        return super().get_db_prep_save(value, connection)

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Ciphertext | None:
        return None if value is None else Ciphertext(value)
